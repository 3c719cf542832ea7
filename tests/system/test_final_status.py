#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The last word on a recipient is Postfix's, and nobody else's: not that of strangers who have
written into its log what looks like one, and whatever its clock says.
"""

import datetime
import re
import time

from case import Stand, main, wait_until
from following import Following, statuses
from lab.client import Client

RELAY = "delay=1, delays=0/0/0/1, "


class FinalStatus(Following):
    # What strangers write

    def forgeries(self, queue_id: str, path: str) -> list[str]:
        """Replies of a server that would have it that another's mail was sent."""
        fields = f"to=<{path}>, relay=x[192.0.2.1]:25, {RELAY}dsn=2.0.0, status=sent (250 ok"
        line = f"{time.strftime('%b %d %H:%M:%S')} mx postfix/final/smtp[1]: {queue_id}: {fields}"
        return [f"450 4.7.1 x) {line}", f"450 4.7.1 x){line})", f"450-4.7.1 x\r\n450 {line}",
                f"450 4.7.1 {fields})", f"450 4.7.1 x), status=sent (250 ok, {fields}",
                f"450 4.7.1 x\r\n\r\n{line}", f"450 4.7.1 \x00\x0a{line}",
                f"450 4.7.1 {'x' * 1900}) {line}"]

    def test_forged_replies(self) -> None:
        stand = self.follow()
        count = len(self.forgeries("", ""))
        victim = "victim@later.example"

        def reply(path: bytes) -> str:
            ids = re.findall(r"/reinject/smtpd\[\d+\]: (\w+): client=", stand.postfix.log_text())
            if path.startswith(b"evil"):
                return self.forgeries(ids[-1], victim)[int(path[4:path.index(b"@")])]
            return "451 4.3.0 come again"
        stand.sink.script.rcpt = reply
        paths = [f"evil{number}@later.example" for number in range(count)] + [victim]
        self.send_one(stand, "1@x", *paths)
        # All of them more than once.
        wait_until(lambda: len(stand.postfix.log_lines("to=<victim@.*status=deferred")) > 2, 60,
                   "Postfix to try again")
        self.assertGreater(len(stand.postfix.log_lines(
            r"status=deferred \(.*status=sent \(250 ok")), 4)
        told = self.wait_status(stand.postern, "1@x", "deferred")
        self.assertEqual(statuses(told), {path: "deferred" for path in paths})
        for rcpt in told["recipients"]:
            end, = rcpt["finals"]
            self.assertEqual((end["status"], end["dsn"][0]), ("deferred", "4"))
            self.assertTrue(end["relay"].startswith("127.0.0.1[127.0.0.1]:"), end)

    def test_forged_addresses(self) -> None:
        """Whose quotes and brackets look like fields, among others that are merely odd."""
        stand = self.follow()
        victim = "victim@later.example"
        forged = f"x>, relay=y, {RELAY}dsn=2.0.0, status=sent ("
        paths = {f'"{forged}"@later.example': "deferred",
                 f'"{victim}>, relay=y, {RELAY}dsn=2.0.0, status=sent (ok)"@later.example':
                     "deferred",
                 victim: "deferred", '"a b"@ok.example': "sent", '"q\\"\\\\"@never.example': "bounced",
                 "o'brien+tag=x%y@ok.example": "sent", '"a@b"@ok.example': "sent"}
        with Client(stand.postfix.port_in) as client:
            reply, = client.send('"s>, status=expired, returned to sender"@example.org',
                                 list(paths),
                                 b"Message-ID: <1@x>\r\nSubject: Nov  3 04:05:06 mx postfix/smtp[1]:"
                                 b" 4ABC123DEF: " + f"to=<{victim}>, {forged}".encode() + b"\r\n"
                                 b"\r\nHello.\r\n")
        self.assertEqual(reply.code, 250, reply)
        wait_until(lambda: len(stand.postfix.log_lines("to=<victim@.*status=deferred")) > 2, 60,
                   "Postfix to try again")
        wait_until(lambda: statuses(self.trace(stand.postern, "1@x")) == paths, 30, "all ends")
        told = self.trace(stand.postern, "1@x")
        self.assertEqual([len(rcpt["finals"]) for rcpt in told["recipients"]], [1] * len(paths))

    # Other times

    def sent_at(self, stand: Stand, message_id: str) -> float:
        """When Postfix sent it, as the log that is followed has it."""
        self.send_one(stand, message_id, "a@ok.example")
        told = self.wait_status(stand.postern, message_id, "sent")
        return told["recipients"][0]["finals"][0]["at_ms"] / 1000

    def test_times_and_hosts_of_all_kinds(self) -> None:
        stand = self.follow()
        daemon = self.daemon

        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        now = datetime.datetime.now(zone).replace(microsecond=250000)
        daemon.change = lambda line: (f"{now.isoformat()} 2001:db8::25"
                                      f"{line[line.index(' postfix/'):]}")
        self.assertEqual(self.sent_at(stand, "1@x"), now.timestamp())
        # A clock that is wrong: an hour behind, an hour ahead, nearly a day behind.
        for number, days in enumerate((-1 / 24, 1 / 24, -20 / 24), 2):
            then = self.set_clock(days)
            self.assertEqual(self.sent_at(stand, f"{number}@x"), then)

    def set_clock(self, days: float) -> float:
        """The log's lines are of one moment from now on, so many days from now."""
        daemon = self.daemon
        utc = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        then = utc + datetime.timedelta(days=days)
        stamp = f"{then.strftime('%b')} {then.day:2} {then.strftime('%H:%M:%S')} mx.example.com"
        daemon.change = lambda line: stamp + line[line.index(" postfix/"):]
        return then.timestamp()

    def test_a_clock_that_is_set_back(self) -> None:
        """What is over is over, also where it was over before the last try."""
        stand = self.follow()
        self.set_clock(1 / 24)
        self.send_one(stand, "1@x", "a@later.example")
        self.wait_status(stand.postern, "1@x", "deferred")
        then = self.set_clock(-1 / 24)
        stand.sink.script.rcpt = lambda path: "250 2.1.5 Ok"
        told = self.wait_status(stand.postern, "1@x", "sent")
        self.assertEqual(told["recipients"][0]["finals"][0]["at_ms"] / 1000, then)


if __name__ == "__main__":
    main()
