#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""No sender can forge a line or a field of the log, however it is written."""

import os
import re
import signal
import socket
import unicodedata

from case import Case, Client, main, message, ports, send, wait_until

LINE = re.compile(r"posternd/[a-z]+\[\d+\]: \S.*")
INJECTIONS = [
    'x\\"status=sent\\"',
    "a,status=sent,b", "a=b", "semi;colon", "per%scent%n", "tab\\\tquoted",
    "back\\\\slash", "é=ü", "\u2028line", "\u202eright-to-left",
]


class Log(Case):
    def assert_well_formed(self, text: str) -> None:
        for line in text.rstrip("\n").split("\n"):
            self.assertRegex(line, LINE)
            self.assertFalse([char for char in line if unicodedata.category(char) == "Cc"], line)

    def test_envelope_cannot_forge(self) -> None:
        sink = self.sink()
        postern = self.between(sink)
        accepted = 0
        with Client(postern.ports[0]) as client:
            for text in INJECTIONS:
                replies = client.pipeline([f'MAIL FROM:<"{text}"@example.org> SMTPUTF8'.encode(),
                                           f'RCPT TO:<"{text}"@example.com>'.encode()])
                if all(reply.code == 250 for reply in replies):
                    accepted += 1
                    client.data(message())
                client.command("RSET")
        self.assertGreater(accepted, 4)
        sink.wait_for(accepted)
        wait_until(lambda: len(postern.log_lines("status=sent ")) >= accepted, 10, "log lines")
        self.assert_well_formed(postern.log_text())
        # Each message was sent once, and no line says so by a sender's word.
        self.assertEqual(len(postern.log_lines(r"send\[\d+\]: .*\bstatus=sent \(250")), accepted)
        for line in postern.log_lines("posternd/smtp.* from=.* nrcpt="):
            self.assertEqual(len(re.findall(r"(?:^|, )status=", line)), 0, line)
            self.assertEqual(len(re.findall(r"(?:^|, )size=", line)), 1, line)

    def test_xforward_and_helo_cannot_forge(self) -> None:
        sink = self.sink()
        postern = self.between(sink)
        with Client(postern.ports[0]) as client:
            for name in ("evil+0Aposternd/smtp[1]:+20forged:+20status=sent",
                         "x,+20status=sent", "x]+20from=<a>", "+1B[31mred", "+00nul"):
                client.command(f"XFORWARD NAME={name} IDENT={name}")
                client.send("ann@example.org", ["bob@example.com"], message())
        sink.wait_for(5)
        postern.wait_log("status=sent ", count=5)
        self.assert_well_formed(postern.log_text())
        self.assertEqual(postern.log_lines("^forged|^posternd/smtp.1.: forged"), [])
        for line in postern.log_lines("posternd/smtp.* from="):
            self.assertEqual(len(re.findall(r", status=", line)), 0, line)
            self.assertEqual(len(re.findall(r", from=<", line)), 1, line)
        # Nor can they break out of our Received field.
        for taken in sink.taken():
            self.assertNotIn(b"\nposternd", taken.head)
            self.assertNotIn(b"\x1b", taken.head)

    def test_next_hops_replies_cannot_forge(self) -> None:
        sink = self.sink()
        sink.script.dot = lambda taken: "250 2.0.0 Ok: queued as AB\x1b[1m, status=bounced (x) ü\x00"
        postern = self.between(sink)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("status=sent ")
        self.assert_well_formed(postern.log_text())
        # The reply stands in brackets, which it cannot close.
        for line in postern.log_lines("status="):
            self.assertNotIn("status=bounced", re.sub(r"\([^()]*\)", "", line.replace("(x)", "x")))

    def test_reopened_after_rotation(self) -> None:
        sink = self.sink()
        postern = self.between(sink)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("status=sent")
        os.rename(postern.log, postern.log + ".1")
        postern.hang_up()
        postern.wait_log("is in force")
        send(postern.ports[0], "ann@example.org", ["carol@example.com"], message())
        postern.wait_log("to=<carol@example.com>.*status=sent")

    def test_syslog(self) -> None:
        """One datagram a line, with facility and priority, to where the settings say."""
        path = self.path("log.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.settimeout(20)
        sink = self.sink()
        postern = self.between(sink, log={"syslog": "yes", "syslog_path": f'"{path}"',
                                          "facility": "local3"})
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        while True:
            text = listener.recv(65536).decode()
            self.assertNotIn("\n", text)
            if "status=sent" in text:
                break
        self.assertRegex(text, r"^<158>.*posternd/send\[\d+\]: \w{11}: to=<bob@example.com>")

    def test_syslog_that_stands_still_does_not_stop_mail(self) -> None:
        path = self.path("log.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        listener.bind(path)
        os.chmod(path, 0o777)
        sink = self.sink()
        postern = self.between(sink, log={"syslog": "yes", "syslog_path": f'"{path}"'})
        with Client(postern.ports[0]) as client:
            for number in range(100):
                client.send("ann@example.org", [f"n{number}@example.com"], message())
        sink.wait_for(100)
        assert postern.master is not None
        postern.master.signal(signal.SIGTERM)
        self.assertEqual(postern.master.wait(20), 0)
        self.assertFalse(ports.is_free(sink.port))


if __name__ == "__main__":
    main()
