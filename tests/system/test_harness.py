#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The harness itself can fail: planted faults are found, and its own functions tell the truth."""

import contextlib
import io
import os
import shutil
import unittest
from typing import Callable

from case import Case, Client, main, message, normalised
from lab.client import Refused, stuffed
from lab.sink import has_bare_newline, split_path, unstuff

NORMALISED = [
    (b"", b""), (b"a", b"a\r\n"), (b"a\nb", b"a\r\nb\r\n"), (b"a\rb\r\n", b"a b\r\n"),
    (b"a\r\r\nb", b"a \r\nb\r\n"), (b"a\n\r\n", b"a\r\n\r\n"), (b"a\n", b"a\r\n\r\n"),
    (b"\r", b" \r\n"), (b"\0\xff\r\n", b"\0\xff\r\n"),
]
PATHS = [
    (b"FROM:<a@b> SIZE=1", b"FROM:", (b"a@b", b"SIZE=1")), (b"from:<>", b"FROM:", (b"", b"")),
    (b'TO:<"a >b"@c> X', b"TO:", (b'"a >b"@c', b"X")),
    (b'TO:<"a\\">"@c>', b"TO:", (b'"a\\">"@c', b"")),
]


def leave_report(case: Case) -> None:
    """A test that passes, but for a report that some process left."""
    postern = case.between(case.sink())
    with open(os.path.join(postern.reports, "report.1"), "w", encoding="ascii") as file:
        file.write("==1==ERROR: AddressSanitizer: planted\n")


def kill_daemon(case: Case) -> None:
    """A test that passes, but for a daemon that was killed."""
    postern = case.between(case.sink())
    assert postern.master is not None
    postern.master.signal(9)
    postern.master.wait(10)


class Harness(Case):
    def outcome(self, body: Callable[[Case], None]) -> unittest.TestResult:
        """What comes of a test with that body."""
        class Planted(Case):
            def runTest(self) -> None:
                body(self)

        case, result = Planted(), unittest.TestResult()
        with contextlib.redirect_stderr(io.StringIO()):
            case.run(result)
        self.addCleanup(shutil.rmtree, case.folder, ignore_errors=True)
        return result

    def test_sanitizer_report_fails_the_test_it_came_from(self) -> None:
        result = self.outcome(leave_report)
        self.assertEqual(len(result.failures), 1)
        self.assertIn("sanitizer reports", result.failures[0][1])

    def test_crash_of_the_daemon_fails_the_test(self) -> None:
        self.assertEqual(len(self.outcome(kill_daemon).failures), 1)

    def test_own_functions(self) -> None:
        for raw, wanted in NORMALISED:
            self.assertEqual(normalised(raw), wanted, raw)
        for text, prefix, wanted_pair in PATHS:
            self.assertEqual(split_path(text, prefix), wanted_pair)
        for content in (b"", b".\r\n", b"..\r\n.a\r\nb\r\n", b"a\r\n.\r\n.\r\n"):
            self.assertEqual(unstuff(stuffed(content)), content)
        self.assertFalse(has_bare_newline(b"a\r\nb\r\n"))
        for raw in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n"):
            self.assertTrue(has_bare_newline(raw), raw)

    def test_client_and_sink_carry_every_byte(self) -> None:
        sink = self.sink()
        every_byte = bytes(byte for byte in range(256) if byte not in (10, 13))
        contents = [message(), b"", b".\r\n", b"\r\n.\r\n..\r\n", every_byte + b"\r\n",
                    message(size=300_000)]
        with Client(sink.port) as client:
            for content in contents:
                client.send("ann@example.org", ["bob@example.com"], content)
            with self.assertRaises(Refused):
                client.send("ann@example.org", [], b"no recipient")
        self.assertEqual([taken.content for taken in sink.wait_for(len(contents))], contents)
        self.assertEqual(sink.taken()[0].header("Subject"), b"test")


if __name__ == "__main__":
    main()
