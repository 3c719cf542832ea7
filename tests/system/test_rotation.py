#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's log is rotated in all the ways there are, while it is read and while nobody looks: what
Postern tells of each recipient is what Postfix has logged.
"""

import gzip
import os
import signal

from case import Settings, Stand, main, wait_until
from following import Following, answer, statuses
from lab.daemon import quoted
from told import Mail, PostfixLog, Sent, traces

COUNT = 400
STATUS = {"ok.example": "sent", "later.example": "deferred", "never.example": "bounced"}


def samples(count: int) -> list[Sent]:
    """Every second message is for all of them."""
    found = []
    for number in range(count):
        domains = list(STATUS) if number % 2 else [list(STATUS)[number // 2 % len(STATUS)]]
        found.append(Sent(f"{number}@load.postern.test",
                          {f"n{number}@{domain}": STATUS[domain] for domain in domains}))
    return found


Ends = dict[tuple[str, str], tuple[str, str]]  # (queue id out, path): status, enhanced code


def told_ends(one: dict) -> Ends:
    """What trace has of Postfix's word; each once, or it counts as none."""
    found = [((rcpt["reinjected_id"], end.get("to", rcpt["to"])), (end["status"], end["dsn"]))
             for rcpt in one["recipients"] for end in rcpt["finals"]]
    return dict(found) if len(dict(found)) == len(found) else {}


class Rotation(Following):
    # Under load

    def faults(self, stand: Stand, sent: list[Sent]) -> list[str]:
        log = PostfixLog(stand.postfix.log_text())
        found = {one["message_id"].strip("<>"): one for one in traces(
            stand.postern, [f"<{one.message_id}>" for one in sent]) if "message_id" in one}
        faults = []
        for one in sent:
            told, passage = found.get(one.message_id), log.passages[one.message_id]
            if told is None:
                faults.append(f"{one.message_id} is not known")
                continue
            expected: Ends = {key: (end.status, end.dsn)
                              for key, end in passage.deliveries.items()
                              if key[0] in passage.ids_out}
            if told_ends(told) != expected:
                faults.append(f"{one.message_id}: {told_ends(told)}, not {expected}")
            if statuses(told) != one.expected:
                faults.append(f"{one.message_id}: {statuses(told)}, not {one.expected}")
        return faults

    def agree(self, stand: Stand, sent: list[Sent]) -> None:
        last: list[str] = []

        def agrees() -> bool:
            last[:] = self.faults(stand, sent)
            return not last
        try:
            wait_until(agrees, 60, "all to agree", pause=1)
        except AssertionError:
            pass
        self.assertEqual(last[:10], [], f"{len(last)} differences")

    def load(self, kind: str, kills: int) -> None:
        # Not all of the log is to be about what is tried again.
        stand = self.follow(kind, every=400, minimal_backoff_time="20s",
                            maximal_backoff_time="20s")
        sent = samples(COUNT)
        daemon = self.daemon
        mail = Mail(stand.postfix.port_in, sent)
        mail.pause = kills * 0.04  # a scribe that dies often is started ever later
        mail.start()
        for _ in range(kills):
            seen = daemon.written
            wait_until(lambda: daemon.written > seen + COUNT // 2, 60, "the log to grow")
            victim = wait_until(stand.postern.scribe, 20, "a scribe")
            assert isinstance(victim, int)
            os.kill(victim, signal.SIGKILL)
        mail.join()
        self.agree(stand, sent)
        self.assertGreater(daemon.rotations, 5)
        self.assertEqual(stand.postern.log_lines(r"scribe\[\d+\]: .*\blost\b"), [])

    def test_renamed_under_load(self) -> None:
        self.load("rename", 10)

    def test_copied_and_truncated_under_load(self) -> None:
        self.load("copy", 4)

    def test_postfix_changes_over_itself(self) -> None:
        """Its own log daemon writes to the old file until it is told."""
        stand = self.stand(settings=Settings(track={
            "postfix_log": quoted(os.path.join(self.folder, "postfix", "postfix.log"))}))
        stand.sink.script.rcpt = answer
        self.send_one(stand, "1@x", "a@ok.example")
        self.wait_status(stand.postern, "1@x", "sent")
        os.rename(stand.postfix.log, stand.postfix.log + ".1")
        self.send_one(stand, "2@x", "a@ok.example", "b@never.example")
        told = self.wait_status(stand.postern, "2@x", "partial")
        self.assertEqual(statuses(told), {"a@ok.example": "sent", "b@never.example": "bounced"})
        stand.postfix.reload()
        wait_until(lambda: os.path.exists(stand.postfix.log), 20, "a new log")
        os.chmod(stand.postfix.log, 0o644)
        self.send_one(stand, "3@x", "a@ok.example")
        self.wait_status(stand.postern, "3@x", "sent")

    # While nobody looks

    def test_a_log_that_comes_late(self) -> None:
        stand = self.follow(is_late=True)
        stand.postern.wait_log(r"scribe\[\d+\]: .*mail\.log")
        self.send_one(stand, "1@x", "a@ok.example", "b@later.example", "c@never.example")
        wait_until(lambda: len(stand.postfix.log_lines("to=<.@.*status=.*RCPT TO|SINK")) >= 3, 20,
                   "Postfix to deliver")
        self.wait_status(stand.postern, "1@x", "reinjected")
        self.begin_log(stand)
        told = self.wait_status(stand.postern, "1@x", "deferred")
        self.assertEqual(statuses(told), {"a@ok.example": "sent", "b@later.example": "deferred",
                                          "c@never.example": "bounced"})
        self.assertEqual(len(stand.postern.log_lines(r"scribe\[\d+\]: .*cannot open")), 1)

    def test_delivered_and_rotated_while_stopped(self) -> None:
        stand = self.follow()
        daemon = self.daemon
        self.send_one(stand, "1@x", "a@later.example")
        self.wait_status(stand.postern, "1@x", "deferred")
        stand.postern.stop()
        daemon.rename()
        stand.sink.script.rcpt = lambda path: "250 2.1.5 Ok"
        wait_until(lambda: stand.postfix.log_lines("a@later.example.*status=sent"), 30,
                   "Postfix to deliver it")
        seen = daemon.written
        stand.postfix.reload()
        wait_until(lambda: daemon.written > seen, 20, "the log to have it all")
        daemon.rename()
        stand.postern.start()
        told = self.wait_status(stand.postern, "1@x", "sent")
        self.assertEqual(len(told["recipients"][0]["finals"]), 1)
        self.assertEqual(stand.postern.log_lines(r"scribe\[\d+\]: .*\blost\b"), [])

    def test_compressed_while_stopped(self) -> None:
        """What cannot be read any more is told to be lost; what comes is followed."""
        stand = self.follow()
        daemon = self.daemon
        self.send_one(stand, "1@x", "a@ok.example")
        self.wait_status(stand.postern, "1@x", "sent")
        stand.postern.stop()
        old = daemon.rename()
        with open(old, "rb") as plain, gzip.open(old + ".gz", "wb") as packed:
            packed.write(plain.read())
        os.unlink(old)
        stand.postern.start()
        stand.postern.wait_log(r"scribe\[\d+\]: .*\blost\b")
        self.send_one(stand, "2@x", "a@ok.example")
        self.wait_status(stand.postern, "2@x", "sent")
        self.assertEqual(self.trace(stand.postern, "1@x")["status"], "sent")


if __name__ == "__main__":
    main()
