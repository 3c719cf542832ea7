#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""200,000 waiting messages: the first 250 comes within ten seconds, and each costs little."""

import json
import multiprocessing
import os
import pwd
import time

import spoolfile
from case import Case, Client, main, message, wait_until
from lab.daemon import USER, Postern
from lab.process import pss_kb

COUNT, PER_FOLDER = 200_000, 1000


def fill_folders(root: str, uid: int, numbers: range, per_folder: int) -> None:
    """Runs in a process of its own, as the user whose files they are."""
    os.seteuid(uid)
    now = int(time.time() * 1000) - 3_600_000
    due = time.time() + 3600
    content = message()
    event = f"deferred r=0 until={int(due * 1000)} code=451 reply=later"
    for number in numbers:
        folder = os.path.join(root, f"{number:04x}")
        os.makedirs(folder, exist_ok=True)
        for index in range(per_folder):
            ident = spoolfile.make_id(now + number, index)
            fd = os.open(os.path.join(folder, ident), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            os.write(fd, spoolfile.make(ident, ["n@example.com"], content, now, "sink", (event,)))
            os.utime(fd, (due, due))
            os.close(fd)


def fill(spool: str, count: int) -> None:
    """What a worker left that died with a long queue; due in an hour."""
    root = os.path.join(spool, "active", "k3x9-1-0123abcd")
    owner = pwd.getpwnam(USER)
    folders = (count + PER_FOLDER - 1) // PER_FOLDER
    makers = [multiprocessing.Process(target=fill_folders, args=(root, owner.pw_uid, half,
                                                                 min(count, PER_FOLDER)))
              for half in (range(0, folders, 2), range(1, folders, 2))]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
        assert maker.exitcode == 0


def wait_for_waiting(postern: Postern, count: int) -> None:
    """Until that many are known to the workers."""
    def waiting() -> int:
        facts = map(json.loads, postern.tool("--json", "status").stdout.splitlines())
        return sum(fact.get("waiting", 0) for fact in facts if fact["what"] == "queue")
    wait_until(lambda: waiting() >= count, 120, f"{count} messages to be adopted", pause=0.5)


class Start(Case):
    def test_first_250_within_ten_seconds(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"', spool={"max_messages": "1000000"})
        postern.stop()
        fill(postern.spool, COUNT)
        begin = time.monotonic()
        postern.start(seconds=10)
        with Client(postern.ports[0]) as client:
            reply, = client.send("ann@example.org", ["bob@example.com"], message())
        took = time.monotonic() - begin
        self.assertEqual(reply.code, 250)
        print(f"first 250 after {took:.2f} s with {COUNT} messages waiting")
        self.assertLess(took, 10)
        sink.wait_for(1)
        # Until they are all adopted; then a message costs at most 200 bytes and no descriptor (its folder
        # has one).
        wait_for_waiting(postern, COUNT)
        wait_until(lambda: self.settled(postern.workers()), 60, "adoption to end")
        for pid in postern.workers():
            self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), COUNT // PER_FOLDER + 100)
        total = sum(pss_kb(pid) for pid in postern.workers())
        print(f"{total} KB in all workers")
        self.assertLess(total, 64 * 1024 + COUNT * 200 // 1024)
        postern.stop()

    @staticmethod
    def settled(pids: list[int]) -> bool:
        before = [pss_kb(pid) for pid in pids]
        time.sleep(1)
        return before == [pss_kb(pid) for pid in pids]


if __name__ == "__main__":
    main()
