#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reloads and upgrades while mail flows: no connection is refused, nothing is lost."""

import os
import shutil
import signal
import time

from case import Case, Client, main, message, ports, send, wait_until
from lab.daemon import is_alive
from load import Load

WAYS_TO_CLOSE = ("421", "closed the connection", "Connection reset by peer")
FAST = {"retry": '{"1s", "2s"}'}


class Reload(Case):
    def assert_whole(self, postern, sink, load: Load, others: int = 0) -> None:
        load.finish()
        count = load.count + others
        # A draining worker may answer 421 to who is connected, and close: who was still sending
        # then is reset. To be refused, or to lose mail by it, is a fault.
        self.assertEqual([line for line in load.trouble
                          if not any(text in line for text in WAYS_TO_CLOSE)], [])
        self.assertEqual(load.doubtful, set())
        sink.wait_for(count, 60)
        reached = [taken.recipients[0] for taken in sink.taken()]
        self.assertEqual(len(set(reached)), count)
        self.assertEqual(len(reached), count, "copies")
        self.assert_nothing_left(postern)

    def copied(self, sink):
        """A Postern whose binary is its own, so that it can be replaced."""
        postern = self.between(sink, spool=FAST)
        postern.stop()
        own = self.path("posternd")
        shutil.copy(postern.daemon, own)
        postern.daemon = own
        postern.start()
        return postern

    def test_ten_reloads_under_load(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST)
        load = Load(postern.ports[0], 1000, per_connection=3, goes_on=True).start()
        for _ in range(10):
            postern.reload()
        self.assert_whole(postern, sink, load)

    def test_listeners_and_workers_change(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST, lines={"workers": "1"})
        kept, added = postern.ports[0], ports.take()
        load = Load(kept, 400, per_connection=3, goes_on=True).start()
        postern.settings.listeners[f"inet:127.0.0.1:{added}"] = "protocol = lmtp"
        postern.settings.lines["workers"] = "3"
        postern.reload()
        wait_until(lambda: len(postern.workers()) == 3, 20, "three workers")
        reply, = send(added, "ann@example.org", ["lmtp@example.com"], message(), is_lmtp=True)
        self.assertEqual(reply.code, 250)
        del postern.settings.listeners[f"inet:127.0.0.1:{added}"]
        postern.settings.lines["workers"] = "2"
        postern.reload()
        wait_until(lambda: len(postern.workers()) == 2, 20, "two workers")
        wait_until(lambda: ports.is_free(added), 10, "the listener taken away to be gone")
        self.assert_whole(postern, sink, load, others=1)

    def test_waiting_mail_outlives_a_reload(self) -> None:
        sink = self.sink()
        sink.script.mail = lambda path: "451 4.3.0 later"
        postern = self.between(sink, spool={"retry": '{"1s"}'})
        Load(postern.ports[0], 30).start().join()
        postern.wait_log(r"status=deferred \(", count=10)
        postern.reload()
        sink.script.mail = lambda path: "250 2.1.0 Ok"
        sink.wait_for(30, 90)
        self.assertEqual(len({taken.recipients[0] for taken in sink.taken()}), 30)
        self.assertEqual(len(sink.taken()), 30)
        self.assert_nothing_left(postern)

    def test_bad_configuration_is_refused_and_the_old_one_stays(self) -> None:
        sink = self.sink()
        postern = self.between(sink)
        workers = postern.workers()
        with open(postern.conf, "a", encoding="ascii") as file:
            file.write("max_sise = 10M\n")
        postern.hang_up()
        postern.wait_log("reload refused.*max_sise")
        self.assertEqual(postern.workers(), workers)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)

    def test_refused_reload_closes_nothing(self) -> None:
        """A socket whose path is gone stands in the way of a reload, and of nothing else."""
        sink = self.sink()
        path = self.path("in.sock")
        postern = self.between(sink)
        kept = postern.ports[0]
        listeners = dict(postern.settings.listeners)
        postern.settings.listeners.clear()
        postern.settings.listeners[f"unix:{path}"] = ""
        postern.settings.listeners.update(listeners)
        postern.reload()
        os.unlink(path)
        postern.hang_up()
        postern.wait_log("reload refused.*in.sock")
        for worker in postern.workers():
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not ports.is_free(kept), 20, "the listener that stays")
        send(kept, "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)

    def test_open_session_ends_its_transaction(self) -> None:
        """Draining: what is under way is finished; then 421 and close."""
        sink = self.sink()
        postern = self.between(sink)
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            postern.reload()
            self.assertEqual(client.data(message())[0].code, 250)
            self.assertEqual(client.command("RSET").code, 421)
            self.assertTrue(client.is_closed())
        sink.wait_for(1)

    def test_new_binary_in_place(self) -> None:
        """SIGUSR2: the same process id, the same listeners, and mail flows all the time."""
        sink = self.sink()
        postern = self.copied(sink)
        load = Load(postern.ports[0], 500, per_connection=3, goes_on=True).start()
        pid = postern.pid
        for _ in range(2):
            workers = postern.workers()
            replacement = postern.daemon + ".new"
            shutil.copy(postern.daemon, replacement)
            os.rename(replacement, postern.daemon)
            assert postern.master is not None
            postern.master.signal(signal.SIGUSR2)
            wait_until(lambda: not any(map(is_alive, workers)), 40, "the old workers to drain")
            wait_until(postern.workers, 20, "new workers")
            self.assertEqual(postern.pid, pid)
            self.assertTrue(postern.master.is_running())
        self.assert_whole(postern, sink, load)

    def test_broken_new_binary_is_not_executed(self) -> None:
        sink = self.sink()
        postern = self.copied(sink)
        with open(postern.daemon + ".new", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(postern.daemon + ".new", 0o755)
        os.rename(postern.daemon + ".new", postern.daemon)
        assert postern.master is not None
        postern.master.signal(signal.SIGUSR2)
        postern.wait_log("upgrade refused")
        time.sleep(0.2)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)


if __name__ == "__main__":
    main()
