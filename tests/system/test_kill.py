#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Workers and the master are killed while mail is under way: nothing is lost, nothing held.

A message may arrive twice only where a kill fell between the end of data sent and `sent` written.
Then the daemon has reported it sent at most once; and over Postfix, the client may have had to
send it again. Both are counted here, and nothing else may arrive twice.
"""

import collections
import os
import re
import signal
import time

import spoolfile
from case import Case, Postern, Settings, Sink, main, wait_until
from load import Load

FAST = {"retry": '{"1s", "2s"}'}
COUNT = 2000


def ours_of(content: bytes) -> str:
    """Postern's id of a message that arrived, from its Received field."""
    found = re.search(rb"\(Postern\)[^;]* id ([0-9A-Za-z.]+);", content)
    assert found is not None, content[:300]
    return found.group(1).decode()


class Kill(Case):
    def kill_workers(self, postern: Postern, load: Load, times: int) -> None:
        for number in range(times):
            time.sleep(0.25)
            workers = wait_until(postern.workers, 20, "workers")
            assert isinstance(workers, list)
            victim = workers[number % len(workers)]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: victim not in postern.workers(), 10, "the killed one to go")
        self.assertFalse(load.trouble == [] and load.is_over(), "the kills came too late")

    def kill_master(self, postern: Postern, times: int) -> None:
        for _ in range(times):
            time.sleep(1)
            postern.kill()
            postern.start()

    def arrived(self, sink: Sink, count: int, postern: Postern) -> list[tuple[str, str]]:
        """(recipient, our id) of everything at the sink, once all is quiet."""
        def recipients() -> set[bytes]:
            return {message.recipients[0] for message in sink.taken()}
        wait_until(lambda: len(recipients()) >= count, 90, f"{count} recipients, "
                   f"{len(recipients())} are there")
        wait_until(lambda: not spoolfile.live(postern.spool), 30, "an empty spool")
        return [(message.recipients[0].decode(), ours_of(message.content))
                for message in sink.taken()]

    def check(self, postern: Postern, pairs: list[tuple[str, str]], count: int) -> None:
        self.assertEqual({recipient for recipient, _ in pairs},
                         {f"n{number}@example.com" for number in range(count)})
        sent = collections.Counter(re.search(r"\]: ([0-9A-Za-z.]+): ", line).group(1)  # type: ignore
                                   for line in postern.log_lines(r"send\[\d+\]: .*status=sent"))
        self.assertEqual([ident for ident, times in sent.items() if times > 1], [],
                         "was reported sent, and sent again")
        self.assert_no_alarm(postern)
        copies = collections.Counter(pairs)
        twice = [ident for (_, ident), times in copies.items() if times > 1]
        for ident in twice:
            attempts = len(postern.log_lines(rf"{ident}: .*(adopted|attempt)"))
            self.assertGreater(attempts, 0, f"{ident} was sent twice without having been adopted")
        print(f"{len(twice)} of {count} went out twice")

    def explain(self, pairs: list[tuple[str, str]], allowed: set[str]) -> None:
        """A recipient under two ids of ours was sent twice by the client, who had to."""
        ids: dict[str, set[str]] = collections.defaultdict(set)
        for recipient, ident in pairs:
            ids[recipient].add(ident)
        self.assertLessEqual({recipient for recipient, own in ids.items() if len(own) > 1}, allowed)

    def test_worker_ten_times(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST)
        load = Load(postern.ports[0], COUNT).start()
        self.kill_workers(postern, load, 10)
        load.join()
        pairs = self.arrived(sink, COUNT, postern)
        self.check(postern, pairs, COUNT)
        self.explain(pairs, load.doubtful)

    def test_master_twice(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST)
        load = Load(postern.ports[0], COUNT).start()
        self.kill_master(postern, 2)
        load.join()
        pairs = self.arrived(sink, COUNT, postern)
        self.check(postern, pairs, COUNT)
        self.explain(pairs, load.doubtful)

    def test_worker_and_master_between_two_postfixes(self) -> None:
        stand = self.stand(settings=Settings(spool=FAST))
        load = Load(stand.postfix.port_in, COUNT, per_connection=250).start()
        for _ in range(5):
            time.sleep(0.4)
            os.kill(stand.postern.workers()[0], signal.SIGKILL)
        self.kill_master(stand.postern, 1)
        load.join()
        pairs = self.arrived(stand.sink, COUNT, stand.postern)
        wait_until(lambda: stand.postfix.queued() == 0, 60, "an empty queue of Postfix")
        self.check(stand.postern, pairs, COUNT)
        # Postfix tells which messages it had to send again.
        again = {re.search(r"to=<([^>]*)>", line).group(1) for line  # type: ignore
                 in stand.postfix.log_lines(r"postfix/lmtp.*status=deferred")}
        self.explain(pairs, again)

    def test_with_relay_hand_off_nothing_is_lost_either(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST, lines={"handoff": "relay"})
        load = Load(postern.ports[0], 500).start()
        self.kill_workers(postern, load, 3)
        load.join()
        wait_until(lambda: len({message.recipients[0] for message in sink.taken()}) >= 500, 60,
                   "500 recipients")
        copies = collections.Counter(message.recipients[0].decode() for message in sink.taken())
        self.assertLessEqual({recipient for recipient, times in copies.items() if times > 1},
                             load.doubtful)
        wait_until(lambda: not spoolfile.live(postern.spool), 30, "an empty spool")


if __name__ == "__main__":
    main()
