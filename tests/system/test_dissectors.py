#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Dissectors that die or stand still under a message, and a nursery that is gone for a while."""

import os
import signal
import threading
import time
from typing import Callable

import spoolfile
from case import Case, Client, Postern, Sink, main, message, send, split_ours, wait_until
from lab.client import Reply
from lab.daemon import is_alive
from lab.process import children_of, cpu_of

SENDER, BOB = "ann@example.org", "bob@example.com"
DIED = "alarm: .*a dissector died on it"
BUSY = 0.1  # seconds of CPU: more than it takes to start
SLOW = message("slow") + (b"<a href=http://example.org/" + b"x" * 50 + b">\r\n") * 300_000
HELD = "alarm: .*held: dissectors died on it"


def executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def nursery(postern: Postern) -> int:
    def find() -> list[int]:
        return [pid for pid in children_of(postern.pid)
                if executable(pid) == postern.dissect_path]
    found = wait_until(find, 20, "a nursery")
    assert isinstance(found, list)
    return found[0]


def dissectors(postern: Postern) -> list[int]:
    found = wait_until(lambda: children_of(nursery(postern)), 20, "dissectors")
    assert isinstance(found, list)
    return found


def stop_all(postern: Postern) -> list[int]:
    """Whatever is asked of them, they do not answer."""
    stopped = dissectors(postern)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    return stopped


class Dissectors(Case):
    def looking(self, sink: Sink, inside: str = "", handoff: str = "spool",
                **dissect: str) -> Postern:
        """One worker, so that it is known which dissector a message gets."""
        postern = self.between(sink, inside=inside, lines={"workers": "1", "handoff": handoff},
                               spool={"retry": '{"1s"}'}, dissect=dissect)
        send(postern.ports[0], SENDER, [BOB], message("the first"))
        sink.wait_for(1)
        sink.forget()
        return postern

    def send(self, postern: Postern, subject: str = "test", **options) -> list[Reply]:
        return send(postern.ports[0], SENDER, [BOB], message(subject), **options)

    def wait_look(self, postern: Postern, subject_count: int = 2) -> None:
        """The message is with a dissector, or waits for one."""
        postern.wait_log(r"-> look\b", count=subject_count)

    def check_arrives(self, sink: Sink, subject: str = "test", seconds: float = 20) -> None:
        one, = sink.wait_for(1, seconds)
        self.assertEqual(split_ours(one.content)[1], message(subject))

    @staticmethod
    def kill(pids: list[int]) -> None:
        """Until they are dead, they may still be asked."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in pids), 10, "they are dead")

    # Dies

    def check_tried_again(self, end: Callable[[int], None]) -> None:
        sink = self.sink()
        postern = self.looking(sink)
        stopped = stop_all(postern)
        self.send(postern)
        self.wait_look(postern)
        for pid in stopped:
            end(pid)
        self.check_arrives(sink)
        self.assertEqual(len(postern.log_lines(DIED)), 1)
        wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")
        self.assertEqual(postern.log_lines(HELD), [])
        postern.stop()

    def test_killed_under_a_message(self) -> None:
        self.check_tried_again(lambda pid: os.kill(pid, signal.SIGKILL))

    def test_crashed_under_a_message(self) -> None:
        def crash(pid: int) -> None:
            os.kill(pid, signal.SIGSEGV)
            os.kill(pid, signal.SIGCONT)
        self.check_tried_again(crash)

    def test_aborted_under_a_message(self) -> None:
        def abort(pid: int) -> None:
            os.kill(pid, signal.SIGABRT)
            os.kill(pid, signal.SIGCONT)
        self.check_tried_again(abort)

    def test_killed_idle(self) -> None:
        """No message is to blame."""
        sink = self.sink()
        postern = self.looking(sink, attempts="1")
        for _ in range(3):
            self.kill(dissectors(postern))
            self.send(postern)
            self.check_arrives(sink)
            sink.forget()
        self.assert_nothing_left(postern)

    # Stands still

    def test_stopped_is_killed_in_time(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, timeout="1s")
        stopped = stop_all(postern)
        begin = time.monotonic()
        self.send(postern)
        self.check_arrives(sink)
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertEqual(len(postern.log_lines(DIED + ".*took longer than 1s")), 1)
        wait_until(lambda: not any(is_alive(pid) for pid in stopped), 5, "they are dead")

    def test_others_do_not_wait(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, timeout="8s")
        stop_all(postern)
        self.send(postern, "slow")
        self.wait_look(postern)
        begin = time.monotonic()
        for number in range(5):
            self.send(postern, f"quick {number}")
        sink.wait_for(5, 6)
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(postern.log_lines(DIED), [])
        sink.wait_for(6, 20)
        self.assertEqual(len(postern.log_lines(DIED)), 1)

    def test_continued_in_time(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, attempts="1")
        stopped = stop_all(postern)
        self.send(postern)
        self.wait_look(postern)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        self.check_arrives(sink)
        self.assert_nothing_left(postern)

    # Again and again

    def check_held(self, postern: Postern) -> None:
        wait_until(lambda: postern.listing("--where", "hold"), 20, "it is held")
        self.assertEqual(len(postern.log_lines(DIED)), 1)
        self.assertEqual(len(postern.log_lines(HELD)), 1)

    def test_held_after_attempts(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, timeout="1s", attempts="1")
        stop_all(postern)
        self.send(postern, "poison")
        self.wait_look(postern)
        self.send(postern)
        self.check_arrives(sink)
        self.check_held(postern)
        sink.forget()
        held, = postern.listing("--where", "hold")
        postern.tool("unhold", held["queue_id"])
        self.check_arrives(sink, "poison")

    def test_held_after_the_third(self) -> None:
        """Those that begin to work on it are killed, whichever they are."""
        sink = self.sink()
        postern = self.looking(sink)
        over = threading.Event()

        def kill_who_works() -> None:
            while not over.wait(0.005):
                for pid in children_of(nursery(postern)):
                    if cpu_of(pid).own > BUSY:
                        os.kill(pid, signal.SIGKILL)
        thread = threading.Thread(target=kill_who_works)
        thread.start()
        try:
            send(postern.ports[0], SENDER, [BOB], SLOW)
            postern.wait_log(HELD, 30)
        finally:
            over.set()
            thread.join()
        self.assertEqual(len(postern.log_lines(DIED + ".*was killed by signal 9")), 3)
        self.assertEqual(sink.taken(), [])
        self.send(postern)
        self.check_arrives(sink)
        held, = postern.listing("--where", "hold")
        sink.forget()
        postern.tool("unhold", held["queue_id"])
        self.assertEqual(split_ours(sink.wait_for(1)[0].content)[1], SLOW)

    # Over relay the client waits for it

    def test_relay(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, handoff="relay", timeout="1s")
        stop_all(postern)
        self.assertEqual(self.send(postern)[0].code, 250)
        self.check_arrives(sink, seconds=1)
        self.assertEqual(len(postern.log_lines(DIED)), 1)

    def test_relay_held(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, handoff="relay", timeout="1s", attempts="1")
        stop_all(postern)
        reply, = self.send(postern)
        self.assertEqual(sink.taken(), [])
        self.check_held(postern)
        self.assertEqual(reply.code, 250)

    # The nursery

    def test_nursery_killed_under_a_message(self) -> None:
        """No message is to blame for that, either."""
        sink = self.sink()
        postern = self.looking(sink, attempts="1")
        stop_all(postern)
        for number in range(3):
            self.send(postern, f"waits {number}")
        self.wait_look(postern, 4)
        os.kill(nursery(postern), signal.SIGKILL)
        sink.wait_for(3)
        self.assert_nothing_left(postern)

    def test_nursery_stopped(self) -> None:
        sink = self.sink()
        postern = self.looking(sink, attempts="1")
        own = nursery(postern)
        infants = dissectors(postern)
        os.kill(own, signal.SIGSTOP)
        self.kill(infants)
        with Client(postern.ports[0]) as client:
            self.assertEqual(client.send(SENDER, [BOB], message())[0].code, 250)
        time.sleep(1)
        self.assertEqual(sink.taken(), [])
        os.kill(own, signal.SIGCONT)
        self.check_arrives(sink)
        self.assert_nothing_left(postern)

    def test_nursery_killed_again_and_again(self) -> None:
        sink = self.sink()
        postern = self.looking(sink)
        for number in range(3):
            os.kill(nursery(postern), signal.SIGKILL)
            self.send(postern, str(number))
        sink.wait_for(3, 60)
        self.assert_nothing_left(postern)


if __name__ == "__main__":
    main()
