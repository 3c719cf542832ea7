# SPDX-License-Identifier: BSD-2-Clause
"""What every system test stands on: a folder of its own, things to start, and the last look."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Optional

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "packaging"))

# pylint: disable=wrong-import-position
import spoolfile  # noqa: E402
from lab import postfix, ports  # noqa: E402
from lab.client import Client, send  # noqa: E402,F401
from lab.daemon import Postern, Settings  # noqa: E402
from lab.listener import Listener  # noqa: E402,F401
from lab.process import Timeout, wait_until  # noqa: E402,F401
from lab.sink import Message, Script, Sink  # noqa: E402,F401
from lab.stand import Stand, Wiring  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD", os.path.join(TOP, "build", "asan-clang"))
OUR_RECEIVED = re.compile(rb"\AReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
LOG_TAIL = 6000
Skipped = unittest.SkipTest  # what skip_if() raises


def skip_if(name: str, condition: bool) -> None:
    """Skips the test that calls it; `name` and the reason stand in tests/skips."""
    with open(os.path.join(TOP, "tests", "skips"), encoding="utf-8") as file:
        reasons = dict(line.strip().split(maxsplit=1) for line in file
                       if line.strip() and line[0] != "#")
    reason = reasons[name]
    if condition:
        raise unittest.SkipTest(reason)


class Case(unittest.TestCase):
    """Stops what it started, and fails if any process left a sanitizer's report."""

    def run(self, result: Optional[unittest.TestResult] = None) -> Optional[unittest.TestResult]:
        assert result is not None
        before = len(result.failures) + len(result.errors)
        self.folder = tempfile.mkdtemp(prefix="postern-test-")
        os.chmod(self.folder, 0o755)
        self.posterns: list[Postern] = []
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            self.show_logs()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def show_logs(self) -> None:
        print(f"--- {self.id()}: everything is in {self.folder}", file=sys.stderr)
        for postern in self.posterns:
            print(f"--- {postern.log}\n{postern.output()[-LOG_TAIL:]}"
                  f"{postern.log_text()[-LOG_TAIL:]}", file=sys.stderr)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def small_disk(self, size: str) -> str:
        """A file system of its own, so that it can be filled: 64M, 1024K."""
        folder = self.path("disk")
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", folder],
                       check=True, capture_output=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", folder], check=True))
        return folder

    def certificate(self, name: str) -> tuple[str, str]:
        """Files of a certificate that vouches for itself, and of its key."""
        cert, key = self.path(name + "-cert.pem"), self.path(name + "-key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
                        "-keyout", key, "-out", cert],
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
        os.chmod(key, 0o644)
        return cert, key

    # Things that are stopped by themselves

    def sink(self, **options) -> Sink:
        sink = Sink(**options).start()
        self.addCleanup(sink.stop)
        return sink

    def postern(self, settings: Settings, name: str = "postern", start: bool = True,
                verbose: bool = True) -> Postern:
        # Most tests mean another message when they send the same bytes again, as no Postfix does.
        settings.spool.setdefault("remember", "0")
        postern = Postern(BUILD, self.path(name), settings)
        self.posterns.append(postern)
        self.addCleanup(self.check_end, postern)
        if start:
            postern.start(verbose=verbose)
        return postern

    def between(self, sink: Sink, listeners: int = 1, inside: str = "", hop: str = "",
                verbose: bool = True, **sections: dict[str, str]) -> Postern:
        """A Postern on TCP ports in front of a sink; `.ports` are its listeners'."""
        numbers = [ports.take() for _ in range(listeners)]
        settings = Settings(
            listeners={f"inet:127.0.0.1:{port}": inside for port in numbers},
            hops={sink.address: ("protocol = lmtp  " if sink.is_lmtp else "") + hop}, **sections)
        postern = self.postern(settings, verbose=verbose)
        postern.ports = numbers  # type: ignore[attr-defined]
        return postern

    def stand(self, **wiring) -> Stand:
        stand = Stand(self.folder, BUILD, self.tree(), Wiring(**wiring))
        self.posterns.append(stand.postern)
        self.addCleanup(stand.sink.stop)
        if stand.redis is not None:
            self.addCleanup(stand.redis.stop)
        self.addCleanup(stand.postfix.stop)
        self.addCleanup(self.check_end, stand.postern)
        return stand.start()

    def plain_postfix(self, sink: Sink, name: str = "plain", **main: str) -> postfix.Postfix:
        """Postfix without a filter, everything goes to the sink."""
        instance = postfix.Postfix(self.tree(), self.path(name),
                                   postfix.Options(port_final=sink.port, main=main))
        self.addCleanup(instance.stop)
        instance.start()
        return instance

    @staticmethod
    def tree() -> str:
        return postfix.unpack(os.path.join(BUILD, "unpacked"))

    # The last look

    def check_end(self, postern: Postern) -> None:
        code = postern.stop()
        reports = postern.sanitizer_reports()
        for report in reports:
            with open(report, encoding="utf-8", errors="replace") as file:
                print(f"--- {report}\n{file.read()[:LOG_TAIL]}", file=sys.stderr)
        self.assertEqual(reports, [], "sanitizer reports")
        self.assertIn(code, (0, None), "posternd's exit code")

    def assert_nothing_left(self, postern: Postern) -> None:
        """All mail has gone: nothing waits, is held or is corrupt."""
        wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")
        self.assert_no_alarm(postern)

    def assert_no_alarm(self, postern: Postern) -> None:
        """Nothing is held or corrupt, and no human is called."""
        self.assertEqual(spoolfile.live(postern.spool, "hold"), [])
        self.assertEqual(os.listdir(os.path.join(postern.spool, "corrupt")), [])
        self.assertEqual(postern.log_lines("alarm: "), [])


def split_ours(content: bytes) -> tuple[bytes, bytes]:
    """Our Received field on top, and all below it."""
    found = OUR_RECEIVED.match(content)
    assert found and b"(Postern)" in found.group(0), content[:300]
    return found.group(0), content[found.end():]


def normalised(raw: bytes) -> bytes:
    """What content becomes: a final CRLF, a bare CR a blank, a bare LF a CRLF."""
    if raw and not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    out = bytearray()
    for at, byte in enumerate(raw):
        if byte == 0x0D:
            out += b"" if raw[at + 1:at + 2] == b"\n" else b" "
        elif byte == 0x0A:
            out += b"\r\n"
        else:
            out.append(byte)
    return bytes(out)


def message(subject: str = "test", size: int = 0) -> bytes:
    head = f"From: ann@example.org\r\nTo: bob@example.com\r\nSubject: {subject}\r\n\r\n".encode()
    line = b"0123456789abcdef" * 4 + b"\r\n"
    return head + b"Hello.\r\n" + line * (size // len(line))


main = unittest.main
