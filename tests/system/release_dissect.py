#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages made to be expensive: each is answered within time and memory, and delays no other.

What is beyond the limits of dissect { }, or would take readers long, is unscannable and goes to
quarantine; what is only large, or odd and within limits, is delivered. Neither kills a dissector.
"""

import base64
import io
import os
import threading
import time
import zipfile
import zlib
from typing import Iterator

from case import Case, Client, Postern, Settings, main, message, ports, postfix, wait_until
from lab.process import Process, children_of, status_number

MEGABYTE = 1 << 20
SENDER, TARGET, SMALL = "ann@example.org", "bob@example.com", "carol@example.com"
TIMEOUT, MEMORY_MB = 30, 512
HEAD = b"From: ann@example.org\r\nTo: bob@example.com\r\nSubject: expensive\r\nMIME-Version: 1.0\r\n"
DELIVERED, UNSCANNABLE = "delivered", "unscannable"


def repeated(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece) + 1)


def long_header() -> bytes:
    return HEAD + repeated(b"X-Long: " + b"a" * 900 + b"\r\n", 100 * MEGABYTE) + b"\r\nHello.\r\n"


def one_long_field() -> bytes:
    return HEAD + b"X-Long: a" + repeated(b"a" * 900 + b"\r\n ", 100 * MEGABYTE) + b"\r\n\r\nHello.\r\n"


def deep(depth: int) -> bytes:
    heads = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
             for level in range(depth)]
    return HEAD + b"".join(heads) + b"\r\nHello.\r\n"


def deep_mails(depth: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\nHello.\r\n"


def many_parts(count: int) -> bytes:
    part = b"--edge\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    return (HEAD + b"Content-Type: multipart/mixed; boundary=edge\r\n\r\n" + part * count
            + b"--edge--\r\n")


def many_dashes(count: int) -> bytes:
    return (HEAD + b"Content-Type: multipart/mixed; boundary=edge\r\n\r\n" + b"--\r\n" * count
            + b"--edge\r\n\r\nhello\r\n--edge--\r\n")


def many_near_boundaries(count: int) -> bytes:
    return (HEAD + b'Content-Type: multipart/mixed; boundary="' + b"e" * 60 + b'"\r\n\r\n'
            + (b"--" + b"e" * 59 + b"\r\n") * count + b"--" + b"e" * 60 + b"--\r\n")


def many_parameters(count: int) -> bytes:
    return (HEAD + b"Content-Type: text/plain"
            + b"".join(b";\r\n a%d=b" % number for number in range(count)) + b"\r\n\r\nHello.\r\n")


def attached(data: bytes, name: bytes = b"a.zip") -> bytes:
    lines = base64.b64encode(data)
    lines = b"\r\n".join(lines[at:at + 76] for at in range(0, len(lines), 76))
    return (HEAD + b"Content-Type: application/octet-stream; name=" + name
            + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines + b"\r\n")


def zeros_in_base64() -> bytes:
    return (HEAD + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
            b"\r\n" + repeated(b"A" * 76 + b"\r\n", 100 * MEGABYTE) + b"\r\n")


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def flat_bomb() -> bytes:
    """1:1000, and far more than max_unpacked."""
    return attached(zipped({"zeros": bytes(512 * MEGABYTE)}))


def nested_bomb() -> bytes:
    """Sixteen of sixteen of sixteen of sixteen, as in 42.zip, each leaf 16 MB of zeros."""
    data = zipped({"zeros": bytes(16 * MEGABYTE)})
    for _ in range(4):
        data = zipped({f"{number}.zip": data for number in range(16)})
    return attached(data)


def gzip_bomb() -> bytes:
    """gzip in gzip."""
    data = bytes(512 * MEGABYTE)
    for _ in range(3):
        data = gzipped(data)
    return attached(data, b"a.gz")


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


EXPENSIVE = {
    "100 MB header": (long_header, UNSCANNABLE),
    "one field of 100 MB": (one_long_field, UNSCANNABLE),
    "depth 10,000": (lambda: deep(10_000), UNSCANNABLE),
    "10,000 mails in each other": (lambda: deep_mails(10_000), UNSCANNABLE),
    "100,000 parts": (lambda: many_parts(100_000), UNSCANNABLE),
    "100,000 parameters": (lambda: many_parameters(100_000), UNSCANNABLE),
    "a flat zip bomb": (flat_bomb, UNSCANNABLE),
    "a nested zip bomb": (nested_bomb, UNSCANNABLE),
    "a nested gzip bomb": (gzip_bomb, UNSCANNABLE),
    "100 MB of zeros in base64": (zeros_in_base64, DELIVERED),
    "1,000,000 lines of dashes": (lambda: many_dashes(1_000_000), UNSCANNABLE),
    "100,000 lines of dashes": (lambda: many_dashes(100_000), DELIVERED),
    "200,000 nearly boundaries": (lambda: many_near_boundaries(200_000), DELIVERED),
}


class Watch:
    """The most that any dissector of a Postern has had in memory, and small mail meanwhile."""

    def __init__(self, postern: Postern):
        self.postern = postern
        self.is_over = threading.Event()
        self.peak_kb = 0
        self.delays: list[float] = []
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self._measure, self._send)]

    def __enter__(self) -> "Watch":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_unused) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def _dissectors(self) -> Iterator[int]:
        for child in children_of(self.postern.pid):
            if os.readlink(f"/proc/{child}/exe").endswith("/postern-dissect"):
                yield from children_of(child)

    def _measure(self) -> None:
        while not self.is_over.wait(0.02):
            for pid in self._dissectors():
                self.peak_kb = max(self.peak_kb, status_number(pid, "VmHWM"))

    def _send(self) -> None:
        """With relay, the reply comes when the message is through."""
        with Client(self.postern.ports[1]) as client:  # type: ignore[attr-defined]
            while not self.is_over.wait(0.05):
                begin = time.monotonic()
                reply, = client.send(SENDER, [SMALL], message())
                assert reply.code == 250, reply
                self.delays.append(time.monotonic() - begin)

    def typical(self) -> float:
        return sorted(self.delays)[len(self.delays) // 2]

    def worst(self) -> float:
        return max(self.delays)


class Dissect(Case):
    """One worker and two dissectors: what delays one message would delay all."""

    def smtp_sink(self) -> int:
        """Postfix's own: nothing of it takes processor time from this test."""
        tree, port = self.tree(), ports.take()
        sink = Process("smtp-sink", [postfix.program(tree, "smtp-sink"), "-u", postfix.PRIVS,
                                     f"127.0.0.1:{port}", "100"],
                       self.path("sink.out"), postfix.environment(tree))
        self.addCleanup(sink.stop)
        wait_until(lambda: not ports.is_free(port), 10, "smtp-sink listens")
        return port

    def start(self) -> Postern:
        numbers = [ports.take(), ports.take()]
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": "handoff = relay" for port in numbers},
            hops={f"inet:127.0.0.1:{self.smtp_sink()}": ""},
            lines={"max_size": '"200M"', "workers": "1", "dissectors": "2"},
            dissect={"timeout": f"{TIMEOUT}s", "memory": f'"{MEMORY_MB}M"'}, spool={"sync": "no"}))
        postern.ports = numbers  # type: ignore[attr-defined]
        with Watch(postern) as watch:
            time.sleep(3)
        self.typical = watch.typical()
        print(f"small ones by themselves: {self.typical * 1000:.1f} ms, at worst "
              f"{watch.worst() * 1000:.0f} ms")
        return postern

    def check(self, postern: Postern, content: bytes) -> str:
        """How it ends."""
        kept = len(self.kept(postern))
        with Watch(postern) as watch, Client(postern.ports[0], timeout=3 * TIMEOUT) as client:
            begin = time.monotonic()
            reply, = client.send(SENDER, [TARGET], content)
            took = time.monotonic() - begin
            time.sleep(0.2)
        end = UNSCANNABLE if len(self.kept(postern)) > kept else DELIVERED
        print(f"    {len(content) / MEGABYTE:.1f} MB: {end} after {took:.1f} s, dissector's peak "
              f"{watch.peak_kb >> 10} MB; small ones: {watch.typical() * 1000:.1f} ms, at worst "
              f"{watch.worst() * 1000:.0f} ms")
        self.assertEqual(reply.code, 250, reply)
        self.assertLess(took, TIMEOUT)
        self.assertGreater(watch.peak_kb, 0)
        self.assertLess(watch.peak_kb, MEMORY_MB << 10)
        self.assertLess(watch.typical(), 10 * self.typical + 0.5)  # others use the machine, too
        self.assertLess(watch.worst(), 5)
        return end

    @staticmethod
    def kept(postern: Postern) -> list[dict]:
        return postern.listing("--where", "quarantine")

    def test_expensive_messages(self) -> None:
        postern = self.start()
        for name, (make, expected) in EXPENSIVE.items():
            with self.subTest(name):
                content = make()
                print(name, flush=True)
                self.assertEqual(self.check(postern, content), expected)
        self.assertEqual(postern.log_lines("dissector died"), [])


if __name__ == "__main__":
    main()
