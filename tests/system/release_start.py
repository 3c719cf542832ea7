#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""200,000 waiting messages: the first 250 comes within ten seconds, and each costs little."""

import os
import pwd
import time

import spoolfile
from case import Case, Client, main, message, wait_until
from lab.daemon import USER
from lab.process import pss_kb

COUNT, PER_FOLDER = 200_000, 1000


class Start(Case):
    @staticmethod
    def fill(spool: str, count: int) -> None:
        """What a worker left that died with a long queue; due in an hour."""
        owner = pwd.getpwnam(USER)
        now = int(time.time() * 1000) - 3_600_000
        due = time.time() + 3600
        content = message()
        root = os.path.join(spool, "active", "k3x9-1-0123abcd")
        os.makedirs(root)
        os.chown(root, owner.pw_uid, owner.pw_gid)
        for number in range(count):
            folder = os.path.join(root, f"{number // PER_FOLDER:04d}")
            if number % PER_FOLDER == 0:
                os.mkdir(folder)
                os.chown(folder, owner.pw_uid, owner.pw_gid)
            ident = spoolfile.make_id(now + number // 8000, number % 8000)
            path = os.path.join(folder, ident)
            event = f"deferred r=0 until={int(due * 1000)} code=451 reply=later"
            with open(path, "wb") as file:
                file.write(spoolfile.make(ident, ["n@example.com"], content, now, "sink", (event,)))
            os.chown(path, owner.pw_uid, owner.pw_gid)
            os.utime(path, (due, due))

    def test_first_250_within_ten_seconds(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"', spool={"max_messages": "1000000"})
        postern.stop()
        self.fill(postern.spool, COUNT)
        begin = time.monotonic()
        postern.start(seconds=10)
        with Client(postern.ports[0]) as client:
            reply, = client.send("ann@example.org", ["bob@example.com"], message())
        took = time.monotonic() - begin
        self.assertEqual(reply.code, 250)
        print(f"first 250 after {took:.2f} s with {COUNT} messages waiting")
        self.assertLess(took, 10)
        sink.wait_for(1)
        # Until they are all adopted; then a message costs at most 200 bytes and no descriptor.
        wait_until(lambda: self.settled(postern.workers()), 60, "adoption to end")
        for pid in postern.workers():
            self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), 200)
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
