# SPDX-License-Identifier: BSD-2-Clause
"""What tests that kill processes under way share: the kills, and what may come of them."""

import collections
import os
import re
import signal
import time
from dataclasses import dataclass

import spoolfile
from case import Case, Postern, Sink, wait_until
from load import Load

WINDOW = 1.0  # seconds before a kill in which `sent` may not have been written yet
IDENT = re.compile(r"\]: (?:alarm: )?([0-9A-Za-z.]+): ")
SENDING = "when its process died"


def ours_of(content: bytes) -> str:
    """Postern's id of a message that arrived, from its Received field."""
    found = re.search(rb"\(Postern\)[^;]* id ([0-9A-Za-z.]+);", content)
    assert found is not None, content[:300]
    return found.group(1).decode()


def unfinished(postern: Postern, trouble: str) -> set[str]:
    """Messages of which the log tells that trouble, and that were not over since."""
    found: set[str] = set()
    for line in postern.log_lines(rf"{trouble}|: removed$|status=quarantined"):
        ident = IDENT.search(line)
        assert ident is not None, line
        if re.search(trouble, line):
            found.add(ident.group(1))
        else:
            found.discard(ident.group(1))
    return found


@dataclass
class Copy:
    """A message at the sink."""
    recipient: str
    ident: str
    at: float


def copies_at(sink: Sink) -> list[Copy]:
    return [Copy(message.recipients[0].decode(), ours_of(message.content), message.at)
            for message in sink.taken()]


class Killing(Case):
    def setUp(self) -> None:
        self.kills: list[float] = []

    def kill_worker(self, postern: Postern, number: int) -> None:
        """What a killed worker was sending goes out again before the next kill: a message whose
        worker dies each time it runs alone is held, and rightly so.
        """
        wait_until(lambda: not unfinished(postern, SENDING), 20, "adopted messages to go out")
        workers = wait_until(postern.workers, 20, "workers")
        assert isinstance(workers, list)
        victim = workers[number % len(workers)]
        self.kills.append(time.time())
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in postern.workers(), 10, "the killed one to go")

    def kill_workers(self, postern: Postern, times: int) -> None:
        """Each kill hits another worker while mail is under way."""
        for number in range(times):
            time.sleep(0.25)
            self.kill_worker(postern, number)

    def kill_master(self, postern: Postern, times: int) -> None:
        for _ in range(times):
            time.sleep(1)
            self.kills.append(time.time())
            postern.kill()
            postern.start()

    @staticmethod
    def all_arrive(sink: Sink, wanted: set[str]) -> None:
        def missing() -> set[str]:
            return wanted - {message.recipients[0].decode() for message in sink.taken()}
        wait_until(lambda: not missing(), 90, "all recipients")

    def settle(self, sink: Sink, load: Load, postern: Postern, lag: float = 0.2) -> list[Copy]:
        """Everything that arrived, once all is quiet: each recipient, nothing held.

        lag: seconds between Postern's sending and the sink.
        """
        self.all_arrive(sink, load.recipients())
        wait_until(lambda: not spoolfile.live(postern.spool), 60, "an empty spool")
        copies = copies_at(sink)
        self.assert_no_alarm(postern)
        self.sent_twice_only_at_a_kill(copies, lag)
        return copies

    def sent_twice_only_at_a_kill(self, copies: list[Copy], lag: float) -> None:
        times: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
        for copy in copies:
            times[copy.recipient, copy.ident].append(copy.at)
        twice = {key: sorted(at) for key, at in times.items() if len(at) > 1}
        for key, at in twice.items():
            for earlier in at[:-1]:
                self.assertTrue(any(kill - WINDOW < earlier < kill + lag for kill in self.kills),
                                f"{key} went out at {at}, kills were at {self.kills}")
        print(f"{len(twice)} of {len(times)} went out twice, {len(self.kills)} kills")
        self.assertLessEqual(len(twice), 20 * len(self.kills))

    def explain(self, copies: list[Copy], allowed: set[str]) -> None:
        """A recipient under two ids of ours was sent twice by the client, who had to."""
        ids: dict[str, set[str]] = collections.defaultdict(set)
        for copy in copies:
            ids[copy.recipient].add(copy.ident)
        self.assertLessEqual({recipient for recipient, own in ids.items() if len(own) > 1}, allowed)
