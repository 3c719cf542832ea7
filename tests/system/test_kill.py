#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Workers and the master are killed while mail is under way: nothing is lost, nothing held.

A message may arrive twice only where a kill fell between the end of data sent and `sent` written:
its first copy came right before a kill. Or the client had to send it again, because the connection
was lost behind the end of data. Nothing else may arrive twice.
"""

import collections
import os
import re
import signal
import time
from dataclasses import dataclass

import spoolfile
from case import Case, Postern, Settings, Sink, main, wait_until
from load import Load

FAST = {"retry": '{"1s", "2s"}'}
COUNT = 2000
WINDOW = 1.0  # seconds before a kill in which `sent` may not have been written yet


def ours_of(content: bytes) -> str:
    """Postern's id of a message that arrived, from its Received field."""
    found = re.search(rb"\(Postern\)[^;]* id ([0-9A-Za-z.]+);", content)
    assert found is not None, content[:300]
    return found.group(1).decode()


def under_suspicion(postern: Postern) -> set[str]:
    """Messages whose worker died while it sent them, and that have not gone out since."""
    suspected: set[str] = set()
    for line in postern.log_lines("when its process died|: removed$"):
        ident = re.search(r"\]: ([0-9A-Za-z.]+): ", line)
        assert ident is not None, line
        if line.endswith(": removed"):
            suspected.discard(ident.group(1))
        else:
            suspected.add(ident.group(1))
    return suspected


@dataclass
class Copy:
    """A message at the sink."""
    recipient: str
    ident: str
    at: float


class Kill(Case):
    def setUp(self) -> None:
        self.kills: list[float] = []

    def kill_workers(self, postern: Postern, times: int) -> None:
        """Each kill hits another worker while mail is under way.

        What a killed worker was sending goes out again before the next kill: a message whose
        worker dies each time it runs alone is held, and rightly so.
        """
        for number in range(times):
            time.sleep(0.25)
            wait_until(lambda: not under_suspicion(postern), 20, "adopted messages to go out")
            workers = wait_until(postern.workers, 20, "workers")
            assert isinstance(workers, list)
            victim = workers[number % len(workers)]
            self.kills.append(time.time())
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: victim not in postern.workers(), 10, "the killed one to go")

    def kill_master(self, postern: Postern, times: int) -> None:
        for _ in range(times):
            time.sleep(1)
            self.kills.append(time.time())
            postern.kill()
            postern.start()

    @staticmethod
    def all_arrive(sink: Sink, load: Load) -> None:
        def missing() -> set[str]:
            return load.recipients() - {message.recipients[0].decode() for message in sink.taken()}
        wait_until(lambda: not missing(), 90, "all recipients")

    def settle(self, sink: Sink, load: Load, postern: Postern, lag: float = 0.2) -> list[Copy]:
        """Everything that arrived, once all is quiet: each recipient, nothing held.

        lag: seconds between Postern's sending and the sink.
        """
        self.all_arrive(sink, load)
        wait_until(lambda: not spoolfile.live(postern.spool), 60, "an empty spool")
        copies = [Copy(message.recipients[0].decode(), ours_of(message.content), message.at)
                  for message in sink.taken()]
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

    def test_worker_ten_times(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST)
        load = Load(postern.ports[0], COUNT, goes_on=True).start()
        self.kill_workers(postern, 10)
        load.finish()
        self.explain(self.settle(sink, load, postern), load.doubtful)

    def test_master_twice(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST)
        load = Load(postern.ports[0], COUNT, goes_on=True).start()
        self.kill_master(postern, 2)
        load.finish()
        self.explain(self.settle(sink, load, postern), load.doubtful)

    def test_worker_and_master_between_two_postfixes(self) -> None:
        stand = self.stand(settings=Settings(spool=FAST))
        load = Load(stand.postfix.port_in, COUNT, per_connection=250, goes_on=True).start()
        self.kill_workers(stand.postern, 5)
        self.kill_master(stand.postern, 1)
        load.finish()
        copies = self.settle(stand.sink, load, stand.postern, lag=4)
        wait_until(lambda: stand.postfix.queued() == 0, 60, "an empty queue of Postfix")
        # Postfix tells which messages it had to send again.
        again = {re.search(r"to=<([^>]*)>", line).group(1) for line  # type: ignore
                 in stand.postfix.log_lines(r"postfix/lmtp.*status=deferred")}
        self.explain(copies, again)

    def test_with_relay_hand_off_nothing_is_lost_either(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST, lines={"handoff": "relay"})
        load = Load(postern.ports[0], 500, goes_on=True).start()
        self.kill_workers(postern, 3)
        load.finish()
        self.all_arrive(sink, load)
        copies = collections.Counter(message.recipients[0].decode() for message in sink.taken())
        self.assertLessEqual({recipient for recipient, times in copies.items() if times > 1},
                             load.doubtful)
        wait_until(lambda: not spoolfile.live(postern.spool), 30, "an empty spool")


if __name__ == "__main__":
    main()
