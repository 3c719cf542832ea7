#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks through each field that strangers write: no forged log line, no second header field,
nothing that a terminal obeys, no harm to shells and formats, wherever it is shown or passed on."""

import base64
import glob
import json
import os
import pty
import re
import subprocess
import urllib.request

from case import Case, Client, Settings, main, ports, send, wait_until
from fake import Fake, http, read_http, read_stream, say
from hostile import HURT, unsafe_in

TEXT = "".join(HURT)


def raw(text: str) -> bytes:
    """U+0080..U+00FF as one byte each, which is no UTF-8; all else as UTF-8."""
    return b"".join(bytes([ord(char)]) if ord(char) < 0x100 else char.encode() for char in text)


def hostile_message(number: int, text: str) -> bytes:
    """In each place that the tool or the log tells of: fields, names, types, addresses, links."""
    one = raw(text.replace("\r\n", "\r\n ").replace("\n", "\n ").replace("\r", "\r "))
    name = base64.b64encode(text.encode())
    return b"\r\n".join([
        b"From: " + one + b" <ann@example.org>", b"To: bob@example.com",
        b"Message-ID: <%d" % number + one[:500] + b"@example.org>", b"Subject: " + one,
        b"Subject: =?utf-8?B?" + name + b"?=", b"X-" + one[:20] + b": x",
        b"Content-Type: multipart/mixed; boundary=edge", b"",
        b"--edge", b"Content-Type: text/" + one[:50], b"",
        b"http://" + one.replace(b" ", b"")[:60] + b".example/", b"--edge",
        b"Content-Type: application/octet-stream; name=\"" + one.replace(b'"', b"") + b"\"",
        b"Content-Disposition: attachment; filename*=utf-8''" + b"".join(
            b"%%%02X" % byte for byte in text.encode()), b"", b"MZ\x90", b"--edge",
        b"Content-Type: application/octet-stream; name=\"=?utf-8?B?" + name + b"?=\"", b"",
        b"x", b"--edge--", b""])


class Fields(Case):
    def scripted(self, read) -> Fake:
        scanner = Fake(read)
        self.addCleanup(scanner.stop)
        return scanner

    def setUp(self) -> None:
        self.final = self.sink()
        self.final.keep_wire = True
        self.clamd, self.rspamd = self.scripted(read_stream), self.scripted(read_http)
        self.port, web = ports.take(), ports.take()
        self.metrics = f"http://127.0.0.1:{web}/metrics"
        self.asked = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{self.port}": ""}, hops={self.final.address: "dead_time = 1s"},
            https={f"inet:127.0.0.1:{web}": ""},
            lines={"workers": "1"}, spool={"retry": '{"1h"}'},
            filters={"clamav": f'type = clamd  servers = {{"{self.clamd.inet}"}}',
                     "rspamd": f'type = rspamd  servers = {{"{self.rspamd.inet}"}}'},
            rules={"virus": 'virus = "*"  action = quarantine'}))

    def answer(self, virus: bytes = b"stream: OK", **rspamd: object) -> None:
        self.clamd.answer = say(virus + b"\0")
        good = {"is_skipped": False, "score": 1.5, "required_score": 15.0, "action": "no action",
                "symbols": {"ANY": {"name": "ANY", "score": 1.5}}, "milter": {}}
        self.rspamd.answer = say(http(json.dumps({**good, **rspamd}).encode()))

    # What must hold wherever it is looked at

    def check_tool(self) -> None:
        ids = [row["queue_id"] for row in self.asked.listing()]
        commands = [["list"], ["status"], ["stats"], ["trace", *ids, *self.traced()]]
        for command in commands + ([["show", *ids]] if ids else []):
            for options in ([], ["--json"]):
                done = subprocess.run([self.asked.tool_path, "-c", self.asked.conf, *options,
                                       *command], env=self.asked.environment(), check=False,
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
                self.assertIn(done.returncode, (0, 1), (command, done.stderr))
                self.assertEqual(unsafe_in(done.stdout + done.stderr), [], command)
                if options:
                    for line in done.stdout.splitlines():
                        json.loads(line)

    def traced(self) -> list[str]:
        """Ids of those that went out, as our Received field tells."""
        return [re.search(rb"\(Postern\)[^;]* id ([0-9A-Za-z]+);", one.content)[1].decode()
                for one in self.final.taken()]  # type: ignore[index]

    def check_log(self, sent: int) -> None:
        wait_until(lambda: len(self.asked.log_lines("posternd/done")) >= sent, 20, "log lines")
        with open(self.asked.log, "rb") as file:
            text = file.read().decode("utf-8")
        self.assertEqual(unsafe_in(text), [])
        for line in text.splitlines():
            self.assertRegex(line, r"^\S+ posternd/[a-z]+\[\d+\]: \S")
        # A next hop's words stand in brackets, which they cannot close.
        plain = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", text))
        self.assertNotRegex(plain, r"(?m)^\S+ posternd/send\[1\]|to=<victim@|, status=sent \(250 f|"
                                   r", a, status=sent")
        with urllib.request.urlopen(self.metrics, timeout=10) as page:
            self.assertEqual(unsafe_in(page.read().decode()), [])

    def check_shells(self) -> None:
        """Nobody was led to make a file."""
        self.assertEqual(glob.glob(self.path("**/x"), recursive=True), [])
        self.assertFalse(os.path.exists("x"))

    def check_wire(self) -> None:
        for wire in self.final.wire.values():
            pairs = wire.count(b"\r\n")
            self.assertEqual((wire.count(b"\r"), wire.count(b"\n")), (pairs, pairs))

    # Each way in

    def test_content(self) -> None:
        """Held by a virus, so that all of it is told of; names of all kinds in it."""
        texts = [*HURT, TEXT[:20_000]]
        for number, text in enumerate(texts):
            self.answer(b"stream: Some.Virus FOUND" if number % 2 else b"stream: OK")
            reply, = send(self.port, "ann@example.org", ["bob@example.com"],
                          hostile_message(number, text))
            self.assertEqual(reply.code, 250)
        self.check_log(len(texts))
        self.check_tool()
        self.check_wire()
        self.check_shells()

    def test_envelope(self) -> None:
        """What is accepted at all of HELO, MAIL, RCPT, ENVID, ORCPT and XFORWARD."""
        self.answer(b"stream: Some.Virus FOUND")
        sent = 0
        for text in HURT:
            word = raw(text.replace(" ", "_").replace("\r\n", "\n"))
            quoted = b'"' + word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
            coded = "".join(f"+{byte:02X}" for byte in text.encode()[:60]).encode()
            with Client(self.port) as client:
                client.command(b"EHLO " + word)
                for name in (b"NAME", b"HELO", b"IDENT", b"PROTO", b"SOURCE", b"ADDR", b"PORT"):
                    client.command(b"XFORWARD " + name + b"=" + coded)
                codes = [client.command(line).code for line in (
                    b"MAIL FROM:<" + quoted + b"@example.org> SMTPUTF8 ENVID=" + coded,
                    b"RCPT TO:<" + quoted + b"@example.com> ORCPT=rfc822;" + coded)]
                if codes[0] != 250:
                    codes = [client.command(b"MAIL FROM:<ann@example.org>").code, codes[1]]
                client.command(b"RCPT TO:<bob@example.com>")
                self.assertEqual(client.data(b"Subject: x\r\n\r\nx\r\n")[0].code, 250)
                sent += 1
        self.check_log(sent)
        self.check_tool()
        self.check_shells()

    def test_next_hops_replies(self) -> None:
        self.answer()
        texts = [re.sub("[\r\n]", " ", text) for text in HURT]
        at = [0]

        def reply(code: str) -> str:
            at[0] += 1
            return code + texts[at[0] % len(texts)][:1500]
        self.final.script.dot = lambda taken: reply("451 4.3.0 ")
        for _ in texts:
            send(self.port, "ann@example.org", ["bob@example.com"], b"Subject: x\r\n\r\nx\r\n")
        wait_until(lambda: len(self.asked.log_lines("posternd/done")) >= len(texts), 30, "tries")
        self.final.script.dot = lambda taken: reply("250 2.0.0 Ok: queued as ")
        self.asked.tool("retry", "all")
        self.final.wait_for(len(texts))
        self.check_log(2 * len(texts))
        self.check_tool()

    def test_scanners(self) -> None:
        """Names of viruses, symbols, options, actions, and fields that a scanner would have."""
        count = 0
        for text in HURT:
            safe = raw(text).replace(b"\0", b"").replace(b"\n", b" ")
            self.answer(b"stream: " + safe + b" FOUND",
                        action="add header", symbols={text: {
                            "name": text, "score": 1.0, "description": text, "options": [text]}},
                        messages={"smtp_message": text, text: text},
                        milter={"add_headers": {"X-Score": {"value": text, "order": 0},
                                                text: {"value": "x", "order": 0}},
                                "remove_headers": {text: 0}})
            send(self.port, "ann@example.org", ["bob@example.com"], b"Subject: x\r\n\r\nx\r\n")
            self.clamd.answer = say(b"stream: OK\0")
            send(self.port, "ann@example.org", ["bob@example.com"], b"Subject: x\r\n\r\nx\r\n")
            count += 2
        self.check_log(count)
        self.check_tool()
        self.check_wire()
        self.assertTrue(any(one.header("X-Score") for one in self.final.taken()))
        for one in self.final.taken():
            head = one.head.split(b"\r\n")
            self.assertFalse([line for line in head if line.lower().startswith(b"x-forged")])
            self.assertLessEqual(sum(line.startswith(b"X-Score:") for line in head), 1)
            self.assertEqual(one.body, b"x\r\n")
            self.assertNotIn(b"\0", one.content)
            for line in head[:-1]:
                self.assertRegex(line, rb"^([!-9;-~]+:|[ \t])")

    def test_cat_on_a_terminal(self) -> None:
        """And what is asked for is not obeyed, either: ids that are none."""
        self.answer(b"stream: Some.Virus FOUND")
        send(self.port, "ann@example.org", ["bob@example.com"], hostile_message(1, TEXT[:2000]))
        row, = wait_until(self.asked.listing, 20, "it is in quarantine")  # type: ignore[misc]
        for arguments in (["cat", row["queue_id"]], ["cat", "--headers", row["queue_id"]],
                          ["show", "\x1b[31m\u202e"], ["\x1b]0;x\x07"], ["list", "--from", "\x9b"]):
            shown = self.on_terminal(*arguments)
            self.assertEqual(unsafe_in(shown.replace("\r\n", "\n")), [], arguments)
            self.assertNotEqual(shown, "")

    def on_terminal(self, *arguments: str) -> str:
        ours, its = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            child = subprocess.Popen([self.asked.tool_path, "-c", self.asked.conf, *arguments],
                                     stdin=its, stdout=its, stderr=its,
                                     env=self.asked.environment())
            os.close(its)
            shown = b""
            try:
                while chunk := screen.read(65536):
                    shown += chunk
            except OSError:  # its end is closed
                pass
            child.wait(30)
        return shown.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
