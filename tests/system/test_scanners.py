#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The real clamd and the real rspamd: what they are told, and what their answers do."""

import base64
import io
import os
import shutil
import signal
import tempfile
import zipfile

from case import (Case, Postern, Settings, Sink, main, message, ports, send, split_ours,
                  wait_until)
from lab.clamd import EICAR, VIRUS, Clamd
from lab.client import Reply
from lab.rspamd import GTUBE, Rspamd

SENDER, BOB = "ann@example.org", "bob@example.com"
MEGABYTE = 1 << 20
XFORWARD = ["NAME=client.example ADDR=192.0.2.7 PROTO=ESMTP HELO=helo.example",
            "IDENT=4ZABCDEFGH SOURCE=REMOTE"]


def asking(*fields: str, body: bytes = b"Hello.\r\n") -> bytes:
    """A message with these fields, mostly for the rules of the lab's rspamd."""
    head = ["From: ann@example.org", "To: bob@example.com", "Subject: test", *fields, "", ""]
    return "\r\n".join(head).encode() + body


def attachment(data: bytes, size: int = 0) -> bytes:
    """A message with the data in base64 behind a text of about so many bytes."""
    text = (b"0123456789abcdef" * 4 + b"\r\n") * (size // 66)
    return b"\r\n".join([
        b"From: ann@example.org", b"Subject: a file", b"MIME-Version: 1.0",
        b"Content-Type: multipart/mixed; boundary=edge", b"",
        b"--edge", b"Content-Type: text/plain", b"", text,
        b"--edge", b"Content-Type: application/octet-stream; name=a.bin",
        b"Content-Transfer-Encoding: base64", b"",
        base64.encodebytes(data).replace(b"\n", b"\r\n") + b"--edge--", b""])


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def encrypted_zip() -> bytes:
    """A ZIP file that says of its one member that it is encrypted."""
    data = bytearray(zipped("secret.txt", b"nobody can read this " * 10))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


class Scanners(Case):
    clamd: Clamd
    rspamd: Rspamd

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = tempfile.mkdtemp(prefix="postern-scan-")
        os.chmod(cls.lab, 0o755)
        cls.clamd = Clamd(os.path.join(cls.lab, "clamd"), StreamMaxLength="2M", MaxFileSize="2M",
                          MaxScanSize="4M")
        cls.rspamd = Rspamd(os.path.join(cls.lab, "rspamd"))
        cls.addClassCleanup(shutil.rmtree, cls.lab, True)
        cls.addClassCleanup(cls.clamd.stop)
        cls.addClassCleanup(cls.rspamd.stop)
        cls.clamd.start()
        cls.rspamd.start()

    def asked(self, sink: Sink, **filters: str) -> Postern:
        """A verdict is the reply. Nobody but the filters looks at a message."""
        port = ports.take()
        lines = {"handoff": "relay", "max_recipients": "5000", "bounce_max_score": '"100"'}
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": ""}, hops={sink.address: ""}, lines=lines,
            filters=filters, dissect={"enabled": "no"}), f"postern-{port}")
        postern.ports = [port]  # type: ignore[attr-defined]
        return postern

    @staticmethod
    def clamd_at(address: str, more: str = "") -> str:
        return f'type = clamd  servers = {{"{address}"}}  {more}'

    @staticmethod
    def rspamd_at(address: str, more: str = "") -> str:
        return f'type = rspamd  servers = {{"{address}"}}  {more}'

    def reply_to(self, postern: Postern, content: bytes, **options) -> Reply:
        return send(postern.ports[0], SENDER, [BOB], content, **options)[0]

    def check_quarantined(self, postern: Postern, sink: Sink, result: str) -> None:
        wait_until(lambda: postern.listing("--where", "quarantine"), 20, "it is in quarantine")
        self.assertEqual(sink.taken(), [])
        lines = postern.log_lines(r"filter=")
        self.assertTrue(any(result in line for line in lines), lines)

    # clamd

    def check_clamd(self, address: str, content: bytes, result: str) -> None:
        sink = self.sink()
        postern = self.asked(sink, clamav=self.clamd_at(address))
        self.assertEqual(self.reply_to(postern, content).code, 250)
        if result == "clean":
            self.assertEqual(split_ours(sink.wait_for(1)[0].content)[1], content)
        else:
            self.check_quarantined(postern, sink, result)
        postern.stop()

    def test_eicar(self) -> None:
        contents = {"plain": message() + EICAR + b"\r\n", "base64": attachment(EICAR),
                    "in zip": attachment(zipped("a.zip", zipped("a.com", EICAR))),
                    "large": attachment(EICAR, MEGABYTE)}
        for address in (self.clamd.unix, self.clamd.inet):
            for name, content in contents.items():
                with self.subTest(name, address=address):
                    self.check_clamd(address, content, VIRUS)

    def test_clean(self) -> None:
        for address in (self.clamd.unix, self.clamd.inet):
            for size in (0, MEGABYTE):
                with self.subTest(address=address, size=size):
                    self.check_clamd(address, message(size=size), "clean")

    def test_beyond_limits_of_clamd(self) -> None:
        for address in (self.clamd.unix, self.clamd.inet):
            with self.subTest(address=address):
                self.check_clamd(address, message(size=3 * MEGABYTE), "unscannable")

    def test_encrypted(self) -> None:
        for address in (self.clamd.unix, self.clamd.inet):
            with self.subTest(address=address):
                self.check_clamd(address, attachment(encrypted_zip()), "unscannable")

    def test_beyond_max_size(self) -> None:
        self.check_clamd(self.clamd.unix, message(size=26 * MEGABYTE), "unscannable")

    def test_clamd_that_does_not_answer(self) -> None:
        sink = self.sink()
        own = Clamd(self.path("clamd")).start()
        self.addCleanup(own.stop)
        postern = self.asked(sink, clamav=self.clamd_at(
            own.unix, "timeout = 1s  retries = 1  dead_time = 1s  probe_interval = 1s"))
        own.process.signal(signal.SIGSTOP)
        self.assertEqual(self.reply_to(postern, message()).code, 451)
        own.process.signal(signal.SIGCONT)
        wait_until(lambda: self.reply_to(postern, message()).code == 250, 20, "it is asked again")
        own.stop()
        another = message("another")
        self.assertEqual(self.reply_to(postern, another).code, 451)
        own.start()
        wait_until(lambda: self.reply_to(postern, another).code == 250, 20, "it is found again")

    # rspamd

    def spam_filter(self, sink: Sink, address: str = "") -> Postern:
        return self.asked(sink, spam=self.rspamd_at(address or self.rspamd.inet))

    def test_gtube(self) -> None:
        for address in (self.rspamd.unix, self.rspamd.inet):
            with self.subTest(address=address):
                sink = self.sink()
                postern = self.spam_filter(sink, address)
                reply = self.reply_to(postern, asking(body=GTUBE + b"\r\n"))
                self.assertEqual(reply.code // 100, 5)
                self.assertEqual(sink.taken(), [])
                postern.stop()

    def test_actions(self) -> None:
        sink = self.sink()
        postern = self.spam_filter(sink)
        for action, code in {"reject": 550, "soft reject": 451, "discard": 250}.items():
            with self.subTest(action):
                reply = self.reply_to(postern, asking(f"X-Lab-Action: {action}"))
                self.assertEqual(reply.code, code, str(reply))
                if code != 250:
                    self.assertIn("the lab said so", reply.text)
        self.assertEqual(sink.taken(), [])
        reply = self.reply_to(postern, asking("X-Lab-Action: quarantine"))
        self.assertEqual(reply.code, 250)
        self.check_quarantined(postern, sink, "quarantine")

    def changed(self, *fields: str, **options) -> bytes:
        sink = self.sink()
        postern = self.spam_filter(sink)
        reply = self.reply_to(postern, asking(*fields), **options)
        self.assertEqual(reply.code, 250, str(reply))
        content = split_ours(sink.wait_for(1)[0].content)[1]
        postern.stop()
        return content

    def test_clean_is_not_touched(self) -> None:
        self.assertEqual(self.changed("X-Spam: said the sender"),
                         asking("X-Spam: said the sender"))

    def test_custom_action_is_not_guessed(self) -> None:
        self.assertEqual(self.changed("X-Lab-Action: lab_custom"),
                         asking("X-Lab-Action: lab_custom"))

    def test_add_header(self) -> None:
        content = self.changed("X-Spam: No, said the sender", "X-Lab-Action: add header")
        self.assertEqual(content.count(b"X-Spam:"), 1)
        self.assertIn(b"\r\nX-Spam: Yes\r\n", content)

    def test_add_header_by_score(self) -> None:
        self.assertIn(b"\r\nX-Spam: Yes\r\n", self.changed("X-Lab-Score: 7.5"))

    def test_rewrite_subject(self) -> None:
        content = self.changed("X-Lab-Action: rewrite subject")
        self.assertEqual(content.count(b"Subject:"), 1)
        self.assertIn(b"\r\nSubject: *** SPAM *** test\r\n", content)

    def test_what_rspamd_is_told(self) -> None:
        content = self.changed("X-Lab-Milter: yes", xforward=XFORWARD,
                               mail_params="AUTH=joe+40example.org")
        for line in ("ip=192.0.2.7", "user=joe@example.org", "helo=helo.example",
                     "host=client.example", "queue_id=4ZABCDEFGH", f"from={SENDER}", "rcpts=1",
                     f"rcpt={BOB}"):
            self.assertIn(f"\r\nX-Lab-Told: {line}\r\n".encode(), content)
        self.assertTrue(content.startswith(b"X-Lab-Top: top\r\n"), content[:200])
        self.assertNotIn(b"X-Lab-Milter", content)

    def test_large_messages(self) -> None:
        sink = self.sink()
        postern = self.spam_filter(sink)
        content = message(size=10 * MEGABYTE)
        self.assertEqual(self.reply_to(postern, content).code, 250)
        self.assertEqual(split_ours(sink.wait_for(1)[0].content)[1], content)
        self.assertTrue(postern.log_lines(r"filter=spam.*clean"))

    def test_many_links_make_a_long_reply(self) -> None:
        sink = self.sink()
        postern = self.spam_filter(sink)
        host = ".".join(["a" * 60] * 3)
        body = "".join(f"http://h{number}.{host}.com/\r\n" for number in range(12000)).encode()
        self.assertEqual(self.reply_to(postern, asking(body=body)).code, 250)
        self.assertTrue(postern.log_lines(r"filter=spam.*clean"))

    def test_more_recipients_than_rspamd_takes(self) -> None:
        sink = self.sink()
        postern = self.spam_filter(sink)
        paths = [f"recipient-{number}@some.long.domain.example.com" for number in range(3000)]
        reply, = send(postern.ports[0], SENDER, paths, message())
        self.assertEqual(reply.code, 250, str(reply))
        self.assertTrue(postern.log_lines(r"filter=spam.*clean"))

    def test_rspamd_that_is_killed(self) -> None:
        sink = self.sink()
        own = Rspamd(self.path("rspamd")).start()
        self.addCleanup(own.stop)
        postern = self.asked(sink, spam=self.rspamd_at(
            own.inet, "timeout = 1s  retries = 1  dead_time = 1s  probe_interval = 1s"))
        own.process.kill_group()
        self.assertEqual(self.reply_to(postern, message()).code, 451)
        self.assertEqual(sink.taken(), [])
        own.start()
        wait_until(lambda: self.reply_to(postern, message()).code == 250, 20, "it is found again")
        postern.settings.filters["spam"] += " on_error = accept"
        postern.reload()
        own.process.kill_group()
        self.assertEqual(self.reply_to(postern, message("another")).code, 250)
        self.assertEqual(len(sink.taken()), 2)

    def test_both(self) -> None:
        sink = self.sink()
        postern = self.asked(sink, clamav=self.clamd_at(self.clamd.unix),
                             spam=self.rspamd_at(self.rspamd.unix))
        self.assertEqual(self.reply_to(postern, message()).code, 250)
        self.assertEqual(len(sink.wait_for(1)), 1)
        infected = asking("X-Lab-Score: 7", body=EICAR + b"\r\n")
        self.assertEqual(self.reply_to(postern, infected).code, 250)
        wait_until(lambda: postern.listing("--where", "quarantine"), 20, "it is in quarantine")
        self.assertEqual(len(sink.taken()), 1)


if __name__ == "__main__":
    main()
