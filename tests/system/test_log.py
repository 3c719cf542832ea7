#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""No sender can forge a line or a field of the log, however it is written."""

import json
import os
import re
import signal
import socket
import unicodedata

from case import Case, Client, Postern, main, message, ports, send, wait_until

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


HEAD = ["program", "component", "pid", "level"]


class Json(Case):
    """format = json: one object a line, in which every value is one string."""

    def objects(self, text: str, head: list[str]) -> list[dict]:
        """Each whole line, which has to be one; `head` are the keys that it begins with."""
        found = []
        for line in text.split("\n")[:-1]:
            self.assertFalse([char for char in line if unicodedata.category(char) == "Cc"], line)
            pairs = json.loads(line, object_pairs_hook=list)
            keys = [key for key, _ in pairs]
            self.assertEqual(keys[:len(head)], head, line)
            self.assertEqual(len(keys), len(set(keys)), line)
            self.assertTrue(len(keys) > len(head), line)
            found.append(dict(pairs))
        return found

    def wait_sent(self, postern: Postern, count: int) -> list[dict]:
        postern.wait_log('"component":"send".*"status":"sent"', count=count)
        return self.objects(postern.log_text(), ["time"] + HEAD)

    def test_envelope_cannot_forge(self) -> None:
        sink = self.sink()
        errors = self.path("errors.log")
        postern = self.between(sink, log={"format": "json", "error_file": f'"{errors}"'})
        texts = INJECTIONS + ['\\"},{\\"pid\\":1,\\"x\\":\\"', "\\\\"]
        taken = []
        with Client(postern.ports[0]) as client:
            for text in texts:
                path = f'"{text}"@example.org'
                replies = client.pipeline([f"MAIL FROM:<{path}> SMTPUTF8".encode(),
                                           f"RCPT TO:<{path}>".encode()])
                if all(reply.code == 250 for reply in replies):
                    taken.append(path)
                    client.data(message())
                client.command("RSET")
        self.assertGreater(len(taken), 6)
        sink.wait_for(len(taken))
        lines = self.wait_sent(postern, len(taken))
        for line in lines:
            self.assertEqual((line["program"], type(line["pid"])), ("posternd", int))
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$")
            self.assertIn(line["level"], ("debug", "info", "notice", "warning", "error", "alarm"))
            self.assertTrue("message" in line or "id" in line or "client" in line, line)
        # Nothing is lost and nothing added: each path comes out as it went in.
        received = [line for line in lines if "from" in line and "nrcpt" in line
                    and line["component"] == "smtp"]
        self.assertEqual([line["from"] for line in received], taken)
        self.assertEqual({type(line["size"]) for line in received}, {int})
        sent = [line for line in lines if line["component"] == "send" and "reply" in line]
        self.assertEqual(sorted(line["to"] for line in sent), sorted(taken))
        for line in sent:
            self.assertEqual(line["status"], "sent")
            self.assertRegex(line["reply"], "^250 ")
            self.assertLess(line["delay"], 60)
        # Standard error has the same lines; the file for errors has none, or such ones.
        self.assertGreater(len(self.objects(postern.output(), ["time"] + HEAD)), len(taken))
        with open(errors, encoding="utf-8") as file:
            for line in self.objects(file.read(), ["time"] + HEAD):
                self.assertIn(line["level"], ("warning", "error", "alarm"))

    def test_next_hops_replies_cannot_forge(self) -> None:
        sink = self.sink()
        reply = '250 2.0.0 Ok: queued as AB\x1b[1m", "status":"bounced"} ü'
        sink.script.dot = lambda taken: reply
        postern = self.between(sink, log={"format": "json"})
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        lines = self.wait_sent(postern, 1)
        self.assertEqual([line["reply"] for line in lines if line.get("status") == "sent"
                          and line["component"] == "send"], [reply.replace("\x1b", "?")])

    def test_several_recipients_are_an_array(self) -> None:
        sink = self.sink()
        postern = self.between(sink, log={"format": "json"})
        recipients = [f"r{number}@example.com" for number in range(3)]
        send(postern.ports[0], "ann@example.org", recipients, message())
        lines = self.wait_sent(postern, 1)
        self.assertIn(recipients, [line.get("to") for line in lines])

    def test_syslog_and_back_to_text(self) -> None:
        path = self.path("log.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.settimeout(20)
        sink = self.sink()
        postern = self.between(sink, log={"format": "json", "syslog": "yes",
                                          "syslog_path": f'"{path}"', "facility": "local3"})
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        while True:
            tag, payload = listener.recv(65536).decode().split("]: ", 1)
            (line,) = self.objects(payload + "\n", HEAD)
            self.assertRegex(tag, rf"^<15\d>.*posternd/{line['component']}\[{line['pid']}$")
            self.assertNotIn("time", line)
            if line.get("status") == "sent" and line["component"] == "send":
                break
        self.assertEqual(line["to"], "bob@example.com")
        postern.settings.log["format"] = "text"
        postern.reload()
        self.assertRegex(postern.log_lines("is in force")[-1], LINE)


if __name__ == "__main__":
    main()
