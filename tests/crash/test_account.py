#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The book itself can fail: each fault that is planted is found, and nothing where there is none."""

import os
import shutil
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "system"), os.path.join(TOP, "packaging")]

# pylint: disable=wrong-import-position
import spoolfile  # noqa: E402
from account import Book, Result, numbers  # noqa: E402
from lab.sink import Message  # noqa: E402

CONTENT = b"Subject: x\r\n\r\nHello.\r\n"
ANN, BOB = "ann@example.com", "bob@example.com"
DSN = b"Final-Recipient: rfc822; " + ANN.encode() + b"\r\n"


def received(ident: str) -> bytes:
    return b"Received: from a by b (Postern)\r\n\twith ESMTP id " + ident.encode() + b"; today\r\n"


def arrived(ident: str = "1", content: bytes = CONTENT, recipient: str = ANN) -> Message:
    return Message(sender=b"a@example.org", recipients=[recipient.encode()],
                   content=received(ident) + content)


class Account(unittest.TestCase):
    def setUp(self) -> None:
        self.spool = tempfile.mkdtemp(prefix="postern-account-")
        self.addCleanup(shutil.rmtree, self.spool)
        for place in ("active", "hold", "quarantine", "corrupt"):
            os.mkdir(os.path.join(self.spool, place))
        self.book = Book()

    def offer(self, *recipients: str, fate: str = "sent") -> None:
        for recipient in recipients:
            self.book.offer(recipient, CONTENT, fate)
            self.book.acknowledge(recipient, "2.0.0 Ok: queued as 1")

    def keep(self, place: str, data: bytes) -> None:
        with open(os.path.join(self.spool, place, "1"), "wb") as file:
            file.write(data)

    def check(self, *messages: Message) -> Result:
        return self.book.check(messages, self.spool)

    def test_all_is_well(self) -> None:
        self.offer(ANN)
        self.offer(BOB, fate="discard")
        result = self.check(arrived())
        self.assertEqual((result.is_good(), result.text()), (True, ""))
        self.assertEqual(self.book.offers[ANN].idents, {"1"})

    def test_withheld(self) -> None:
        self.offer(ANN, BOB)
        result = self.check(arrived())
        self.assertEqual((result.lost, result.is_good()), ([BOB], False))

    def test_never_acknowledged_is_not_lost(self) -> None:
        self.book.offer(ANN, CONTENT)
        self.assertTrue(self.check().is_good())
        self.assertTrue(self.check(arrived()).is_good())
        self.assertFalse(self.check(arrived(), arrived()).is_good())

    def test_twice(self) -> None:
        self.offer(ANN)
        result = self.check(arrived(), arrived())
        self.assertEqual([(one.recipient, len(one.copies)) for one in result.twice], [(ANN, 2)])
        self.assertFalse(result.is_good())

    def test_sent_again_by_its_client(self) -> None:
        self.book.offer(ANN, CONTENT)
        self.book.doubt(ANN)
        self.offer(ANN)
        self.assertTrue(self.check(arrived("1"), arrived("2")).twice[0].is_sent_again())
        self.assertFalse(self.check(arrived("1"), arrived("1")).twice[0].is_sent_again())
        self.assertFalse(self.check(*map(arrived, "123")).twice[0].is_sent_again())

    def test_bounced(self) -> None:
        self.offer(ANN, fate="bounce")
        notice = Message(recipients=[b"a@example.org"], content=received("2") + DSN)
        self.assertTrue(self.check(notice).is_good())
        self.assertEqual(self.check(notice, arrived()).astray, [ANN])

    def test_kept(self) -> None:
        self.offer(ANN, BOB, fate="quarantine")
        self.keep("quarantine", spoolfile.make("1", [ANN, BOB], CONTENT, 1, "x",
                                               ("moved r=1 child=2",)))
        self.assertEqual(self.check().lost, [BOB])

    def test_still_in_work(self) -> None:
        self.offer(ANN)
        self.keep("active", spoolfile.make("1", [ANN], CONTENT, 1, "x"))
        result = self.check()
        self.assertEqual((result.lost, len(result.orphans)), ([], 1))

    def test_other_content(self) -> None:
        self.offer(ANN)
        self.assertEqual(self.check(arrived(content=CONTENT[:-3])).torn, [ANN])
        self.keep("hold", spoolfile.make("1", [ANN], CONTENT, 1, "x").replace(b"Hello", b"hello"))
        self.assertEqual(len(self.check(arrived()).torn), 1)

    def test_corrupt(self) -> None:
        self.keep("corrupt", b"x")
        self.assertFalse(self.check().is_good())

    def test_numbers(self) -> None:
        self.assertEqual(numbers("0-2,5"), {0, 1, 2, 5})
        self.assertEqual(numbers(""), set())


if __name__ == "__main__":
    unittest.main()
