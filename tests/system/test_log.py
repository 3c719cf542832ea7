#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""No sender can forge a line or a field of the log, however it is written."""

import json
import os
import re
import signal
import socket

from case import Case, Client, Postern, Settings, Sink, main, message, ports, send, wait_until
from hostile import unsafe_in

LINE = re.compile(r"posternd/[a-z]+\[\d+\]: \S.*")
INJECTIONS = [
    'x\\"status=sent\\"',
    "a,status=sent,b", "a=b", "semi;colon", "per%scent%n", "tab\\\tquoted",
    "back\\\\slash", "é=ü", "\u2028line", "\u202eright-to-left",
]


def syslog(case: Case) -> tuple[socket.socket, str]:
    """One that takes lines, and its path."""
    path = case.path("log.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    case.addCleanup(listener.close)
    listener.bind(path)
    os.chmod(path, 0o777)
    listener.settimeout(20)
    return listener, path


class Log(Case):
    def assert_well_formed(self, text: str) -> None:
        for line in text.rstrip("\n").split("\n"):
            self.assertRegex(line, LINE)
        self.assertEqual(unsafe_in(text), [])

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
                client.send("ann@example.org", ["bob@example.com"], message(f"{len(name)}"))
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

    def test_reopened_by_all(self) -> None:
        """Where root makes the new file, the others must be able to open it, too."""
        sink = self.sink()
        postern = self.between(sink)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("status=sent")
        os.rename(postern.log, postern.log + ".1")
        os.kill(postern.pid, signal.SIGUSR1)
        wait_until(lambda: os.path.exists(postern.log), 10, "a new log")

        def is_told() -> bool:
            send(postern.ports[0], "ann@example.org", ["carol@example.com"], message())
            return "status=sent" in postern.log_text()

        wait_until(is_told, 10, "a worker's line in it")
        with open(postern.log + ".1", encoding="utf-8") as file:
            self.assertNotIn("the former file is kept", file.read())

    def test_syslog(self) -> None:
        """One datagram a line, with facility and priority, to where the settings say."""
        listener, path = syslog(self)
        sink = self.sink()
        # Quietly: a socket takes no more than ten datagrams that nobody has read.
        postern = self.between(sink, verbose=False,
                               log={"syslog": "yes", "syslog_path": f'"{path}"',
                                    "facility": "local3"})
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        while True:
            text = listener.recv(65536).decode()
            self.assertNotIn("\n", text)
            if "status=sent" in text:
                break
        self.assertRegex(text, r"^<158>.*posternd/send\[\d+\]: \w{11}: to=<bob@example.com>")

    def test_journal_gets_each_line_once(self) -> None:
        """A service manager keeps standard error and syslog in one journal."""
        for wants_syslog in ("yes", "no"):
            listener, path = syslog(self)
            sink = self.sink()
            postern = self.postern(
                Settings(listeners={f"inet:127.0.0.1:{ports.take()}": ""}, hops={sink.address: ""},
                         log={"syslog": wants_syslog, "syslog_path": f'"{path}"'}),
                name=wants_syslog, start=False)
            out = os.path.join(postern.folder, "postern.out")
            with open(out, "wb") as file:
                info = os.fstat(file.fileno())
            postern.extra_env["JOURNAL_STREAM"] = f"{info.st_dev}:{info.st_ino}"
            postern.start(verbose=False)
            self.assertEqual("running, " in postern.output(), wants_syslog == "no")
            if wants_syslog == "yes":
                while "running, " not in listener.recv(65536).decode():
                    pass
            os.unlink(path)

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
        self.assertEqual(unsafe_in(text), [])
        for line in text.split("\n")[:-1]:
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
        listener, path = syslog(self)
        sink = self.sink()
        postern = self.between(sink, verbose=False,
                               log={"format": "json", "syslog": "yes",
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


XFORWARD = "NAME=mail.example.org ADDR=192.0.2.7 HELO=helo.example IDENT=4Zb1ym3kXYz9"


class Volume(Case):
    """Without -v: a summary a message, a line a transaction, and what somebody should look at."""

    def quiet(self, sink: Sink, verbose: bool = False, **lines: str) -> Postern:
        return self.between(sink, verbose=verbose, lines=lines, spool={"retry": '{"1s"}'},
                            rules={"keep": 'subject = "*keep*"  action = quarantine'})

    def components(self, postern: Postern, ident: str) -> list[str]:
        """Of the lines about a message."""
        return [re.search(r"posternd/([a-z]+)\[", line).group(1)  # type: ignore[union-attr]
                for line in postern.log_lines(rf"\]: {re.escape(ident)}: ")]

    def send(self, postern: Postern, recipients: list[str], subject: str = "hello") -> str:
        """Postern's id of it."""
        with Client(postern.ports[0]) as client:
            self.assertEqual(client.command(f"XFORWARD {XFORWARD}").code, 250)
            content = b"Message-ID: <1@example.org>\r\n" + message(subject=subject)
            reply = client.send("ann@example.org", recipients, content)[-1]
        return reply.text.split()[-1]

    def test_sent(self) -> None:
        sink = self.sink()
        postern = self.quiet(sink)
        ident = self.send(postern, ["bob@example.com", "carol@example.com"])
        (line,) = postern.wait_log("posternd/done")
        self.assertRegex(line, rf"posternd/done\[\d+\]: {ident}: status=reinjected, class=clean, "
                         r"verdict=accept, rule=-, client=mail\.example\.org\[192\.0\.2\.7\], "
                         r"helo=helo\.example, queue_id=4Zb1ym3kXYz9, from=<ann@example\.org>, "
                         r"to=<bob@example\.com>, to=<carol@example\.com>, nrcpt=2, "
                         r"reinjected_id=\w+, message_id=<1@example\.org>, size=\d+, handoff=spool, "
                         r"delay=\S+, receive=\S+, seal=\S+, dissect=\S+, filters=\S+, send=\S+$")
        self.assertEqual(self.components(postern, ident), ["send", "done"])

    def test_quarantined(self) -> None:
        postern = self.quiet(self.sink())
        ident = self.send(postern, ["bob@example.com"], "keep this")
        (line,) = postern.wait_log("posternd/done")
        self.assertRegex(line, "status=quarantined, class=banned, verdict=quarantine, rule=keep, ")
        self.assertEqual(self.components(postern, ident), ["verdict", "done"])

    def test_summed_up_when_put_off_and_when_sent(self) -> None:
        sink = self.sink()
        replies = ["451 4.3.0 later", "451 4.3.0 later", "250 2.0.0 Ok: queued as 4Zb1yn0QZrzB"]
        sink.script.dot = lambda taken: replies.pop(0)
        postern = self.quiet(sink)
        ident = self.send(postern, ["bob@example.com"])
        postern.wait_log("posternd/done", 30, count=2)
        self.assertEqual(self.components(postern, ident), ["send", "done", "send", "send", "done"])
        first, last = postern.log_lines("posternd/done")
        self.assertRegex(first, "status=deferred, .*tries=1, ")
        self.assertRegex(last, "status=reinjected, .*reinjected_id=4Zb1yn0QZrzB, .*tries=2, ")

    def test_relay(self) -> None:
        """The client has the last word: what it was told is what is summed up."""
        sink = self.sink()
        replies = ["451 4.3.0 later", "550 5.1.1 never", "250 2.0.0 Ok: queued as 4Zb1yn0QZrzB"]
        sink.script.dot = lambda taken: replies.pop(0)
        postern = self.quiet(sink, handoff="relay")
        for code in (451, 550, 250):
            with Client(postern.ports[0]) as client:
                got = client.send("ann@example.org", ["bob@example.com"], message(f"{code}"))[-1]
                self.assertEqual(got.code, code)
        lines = postern.wait_log("posternd/done", count=3)
        self.assertEqual([re.search(r"status=(\w+)", line).group(1)  # type: ignore[union-attr]
                          for line in lines], ["deferred", "rejected", "reinjected"])

    def test_verbose_says_more(self) -> None:
        postern = self.quiet(self.sink(), verbose=True)
        ident = self.send(postern, ["bob@example.com"])
        postern.wait_log(": removed")
        shown = set(self.components(postern, ident))
        self.assertEqual(shown, {"smtp", "job", "verdict", "send", "done"})


if __name__ == "__main__":
    main()
