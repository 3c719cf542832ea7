#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Workers and the master are killed while mail is under way: nothing is lost, nothing held.

A message may arrive twice only where a kill fell between the end of data sent and `sent` written:
its first copy came right before a kill. Or the client had to send it again, because the connection
was lost behind the end of data. Nothing else may arrive twice.
"""

import collections
import re

import spoolfile
from case import Settings, main, wait_until
from killing import Killing
from load import Load

FAST = {"retry": '{"1s", "2s"}'}
COUNT = 2000


class Kill(Killing):
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
        self.all_arrive(sink, load.recipients())
        copies = collections.Counter(message.recipients[0].decode() for message in sink.taken())
        self.assertLessEqual({recipient for recipient, times in copies.items() if times > 1},
                             load.doubtful)
        wait_until(lambda: not spoolfile.live(postern.spool), 30, "an empty spool")


if __name__ == "__main__":
    main()
