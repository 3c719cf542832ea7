#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The ledger in trouble: locked, on a full disk, damaged, missing, and more to tell than there is
room for. Mail flows in all of it, and what can be made good is.
"""

import contextlib
import glob
import os
import re
import signal
import sqlite3
import subprocess
import time
import urllib.request
from typing import Iterator

from case import Case, Postern, Sink, main, message, ports, send, wait_until
from killing import ours_of
from lab.process import status_number
from lab.redis import Redis
from load import Load
from told import stats, traces

UNWRITTEN = "the ledger cannot be written"
AGAIN = "the ledger can be written again"


class Ledger(Case):
    def telling(self, sink: Sink, **track: str) -> Postern:
        self.http = ports.take()
        self.redis = Redis(self.path("redis")).start()
        self.addCleanup(self.redis.stop)
        return self.between(sink, track=track, https={f"inet:127.0.0.1:{self.http}": ""},
                            redis={"servers": f'{{"{self.redis.inet}"}}'},
                            spool={"retry": '{"1s"}'})

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as page:
            text = page.read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if re.match(rf"{name}(\{{|\s)", line))

    def mail(self, sink: Sink, postern: Postern, count: int) -> list[str]:
        """Ids of so many more messages, which have arrived at the sink."""
        before = len(sink.taken())
        Load(postern.ports[0], count).start().join()
        return [ours_of(one.content) for one in sink.wait_for(before + count)[before:]]

    def wait_known(self, postern: Postern, ids: list[str]) -> None:
        """Each of them once, and over."""
        def known() -> bool:
            found = traces(postern, ids)
            return sorted(one["postern_id"] for one in found) == sorted(ids) and \
                all(one["in_ledger"] and one["place"] == "done" for one in found)
        wait_until(known, 40, f"{len(ids)} messages in the ledger", pause=0.3)

    def wait_keys(self, ids: list[str]) -> None:
        """Redis knows them, too."""
        commands = [("HGET", f"postern:msg:{one}", "status") for one in ids]
        wait_until(lambda: set(self.redis.commands(commands)) == {"reinjected"}, 40,
                   f"{len(ids)} messages in Redis", pause=0.3)

    def write_lock(self, postern: Postern) -> sqlite3.Connection:
        wait_until(lambda: os.path.exists(postern.ledger), 20, "a ledger")
        lock = sqlite3.connect(postern.ledger, isolation_level=None, timeout=20)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        return lock

    def test_locked_by_another(self) -> None:
        sink = self.sink()
        postern = self.telling(sink)
        ids = self.mail(sink, postern, 20)
        self.wait_known(postern, ids)
        lock = self.write_lock(postern)
        ids += self.mail(sink, postern, 50)
        postern.wait_log(UNWRITTEN)
        self.assertEqual(len(traces(postern, ids[:20])), 20)  # reading goes on
        lock.execute("ROLLBACK")
        postern.wait_log(AGAIN)
        self.wait_known(postern, ids)
        self.assertEqual(self.metric("postern_events_dropped_total"), 0)

    def test_full_disk(self) -> None:
        sink = self.sink()
        disk = self.small_disk("1024K")
        postern = self.telling(sink, ledger=f'"{disk}/ledger.db"')
        ids = self.mail(sink, postern, 20)
        self.wait_known(postern, ids)
        filling = os.path.join(disk, "filling")
        with open(filling, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1024))
        ids += self.mail(sink, postern, 600)
        postern.wait_log(UNWRITTEN)
        os.unlink(filling)
        subprocess.run(["mount", "-o", "remount,size=32M", disk], check=True)
        postern.wait_log(AGAIN)
        self.wait_known(postern, ids)

    def damaged(self, postern: Postern) -> list[str]:
        return [path for path in glob.glob(postern.ledger + ".damaged-*")
                if not path.endswith(("-wal", "-shm"))]

    def test_damaged_while_it_is_written(self) -> None:
        """Another one counts its changes from the start: Redis misses none of them."""
        sink = self.sink()
        postern = self.telling(sink)
        self.wait_known(postern, self.mail(sink, postern, 20))
        for path in glob.glob(postern.ledger + "*"):
            with open(path, "r+b") as file:
                file.write(os.urandom(os.path.getsize(path)))
        ids = self.mail(sink, postern, 100)
        wait_until(lambda: self.damaged(postern), 20, "the damaged one to be set aside")
        ids += self.mail(sink, postern, 20)
        self.wait_known(postern, ids[100:])
        self.wait_keys(ids)
        self.assertTrue(postern.log_lines(r"alarm: .*damaged"))

    def test_damaged_at_start(self) -> None:
        sink = self.sink()
        postern = self.telling(sink)
        self.wait_known(postern, self.mail(sink, postern, 5))
        self.assertEqual(postern.stop(), 0)
        with open(postern.ledger, "wb") as file:
            file.write(b"this is no ledger" * 1000)
        postern.start()
        self.wait_known(postern, self.mail(sink, postern, 5))
        self.assertEqual(len(self.damaged(postern)), 1)

    def test_removed_while_it_is_written(self) -> None:
        """Somebody tidies up: a new one is begun."""
        sink = self.sink()
        postern = self.telling(sink)
        self.wait_known(postern, self.mail(sink, postern, 5))
        for path in glob.glob(postern.ledger + "*"):
            os.unlink(path)
        wait_until(lambda: os.path.exists(postern.ledger), 20, "another ledger")
        ids = self.mail(sink, postern, 50)
        self.wait_known(postern, ids)
        self.wait_keys(ids)
        self.assertTrue(postern.log_lines("alarm: .*ledger"))

    def test_nowhere_to_write_it(self) -> None:
        """A folder that cannot be made: mail flows, trace finds what is still in the spool."""
        sink = self.sink()
        sink.script.rcpt = lambda path: "451 4.3.0 later" if b"late" in path else "250 2.1.5 Ok"
        with open(self.path("file"), "w", encoding="ascii"):
            pass
        postern = self.telling(sink, ledger=f'"{self.path("file")}/below/ledger.db"')
        self.mail(sink, postern, 20)
        postern.wait_log(UNWRITTEN)
        send(postern.ports[0], "ann@example.org", ["late@example.com"], message())
        waiting = wait_until(lambda: postern.listing("--where", "active"), 20, "one that waits")
        assert isinstance(waiting, list)
        done = postern.tool("trace", waiting[0]["queue_id"], check=False)
        self.assertEqual(done.returncode, 74, done)
        self.assertIn("deferred    <late@example.com>\n", done.stdout)
        self.assertIn("not in the ledger\n", done.stdout)
        self.assertIn("ledger", done.stderr)
        self.assertIsNone(stats(postern))

    # More than there is room for

    @contextlib.contextmanager
    def stopped(self, pid: int) -> Iterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def test_flood(self) -> None:
        """What was dropped is counted; whose later record comes through is whole again."""
        sink = self.sink()
        is_late = True
        sink.script.rcpt = lambda path: \
            "451 4.3.0 later" if is_late and b"late" in path else "250 2.1.5 Ok"
        postern = self.telling(sink, buffer='"256K"')
        scribe = wait_until(postern.scribe, 20, "a scribe")
        assert isinstance(scribe, int)
        resident = status_number(scribe, "VmRSS")
        with self.stopped(scribe):
            self.mail(sink, postern, 1500)
            send(postern.ports[0], "ann@example.org", ["late@example.com"], message())
            postern.wait_log("status=deferred")
            self.mail(sink, postern, 100)
        wait_until(lambda: self.metric("postern_events_dropped_total") > 0, 20, "the count")
        dropped = self.metric("postern_events_dropped_total")
        is_late = False
        sink.wait_for(1601)
        late = next(one for one in sink.taken() if one.recipients == [b"late@example.com"])
        self.wait_known(postern, [ours_of(late.content)])
        time.sleep(1)
        self.assertEqual(self.metric("postern_events_dropped_total"), dropped)
        told = stats(postern)
        assert told is not None
        print(f"{dropped:.0f} records dropped, {told['messages']} of 1601 messages known")
        self.assertLess(told["messages"], 1601)
        self.assertLess(status_number(postern.scribe(), "VmHWM") - resident, 200_000)


if __name__ == "__main__":
    main()
