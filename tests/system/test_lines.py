#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is between our processes: a line that breaks, though both live, is made anew; each listens
at its own sockets only.
"""

import ctypes
import os
import socket
import stat

from case import Case, Postern, main, message, send, skip_if, wait_until
from lab.process import children_of

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
LIBC = ctypes.CDLL(None, use_errno=True)


def is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except FileNotFoundError:  # closed meanwhile
        return False


def sockets_of(pid: int) -> list[socket.socket]:
    """Another process's, as our own."""
    process = LIBC.syscall(SYS_PIDFD_OPEN, pid, 0)
    found = [socket.socket(fileno=LIBC.syscall(SYS_PIDFD_GETFD, process, int(name), 0))
             for name in os.listdir(f"/proc/{pid}/fd")
             if is_socket(f"/proc/{pid}/fd/{name}")]
    os.close(process)
    return found


def listens(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def cut(pid: int, kind: int) -> None:
    """Both ends see the line end."""
    sockets = sockets_of(pid)
    lines = [one for one in sockets
             if one.family == socket.AF_UNIX and one.type == kind and not listens(one)]
    assert lines, f"{pid} has no such line"
    for line in lines:
        line.shutdown(socket.SHUT_RDWR)
    for one in sockets:
        one.close()


def listens_at(pid: int) -> set[object]:
    sockets = sockets_of(pid)
    names = {one.getsockname() for one in sockets if listens(one)}
    for one in sockets:
        one.close()
    return names


def executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:  # it has just ended
        return ""


def nursery(postern: Postern) -> int:
    return next((pid for pid in children_of(postern.pid)
                 if executable(pid) == postern.dissect_path), 0)


class Lines(Case):
    def setUp(self) -> None:
        skip_if("not-root", os.getuid() != 0)
        self.sink = self.sink()  # type: ignore[method-assign,assignment]
        self.door = self.between(self.sink, lines={"workers": "1"})
        self.pass_one(1)

    def pass_one(self, count: int) -> None:
        send(self.door.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.sink.wait_for(count, 20)

    def test_worker_and_nursery(self) -> None:
        before = nursery(self.door)
        cut(before, socket.SOCK_STREAM)
        self.pass_one(2)
        self.assertEqual(nursery(self.door), before)
        self.assert_nothing_left(self.door)

    def test_worker_and_scribe(self) -> None:
        """What the operator asks of a worker comes to it by the scribe."""
        self.sink.script.rcpt = lambda path: "451 4.2.1 later"
        send(self.door.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.door.wait_log("status=deferred")
        worker, = self.door.workers()
        cut(worker, socket.SOCK_STREAM)
        self.sink.script.rcpt = lambda path: "250 2.1.5 Ok"
        wait_until(lambda: self.door.tool("retry", "all", check=False).returncode == 0, 20,
                   "the worker to hear of the operator again")
        self.sink.wait_for(2, 10)

    def test_each_listens_at_its_own(self) -> None:
        """Else a worker taken over could answer the operator."""
        worker, = self.door.workers()
        self.assertEqual(listens_at(worker), {("127.0.0.1", self.door.ports[0])})
        self.assertEqual(listens_at(self.door.scribe()), {self.door.control})

    def test_master_and_nursery(self) -> None:
        """Who hears nothing from the master any more is replaced."""
        before = nursery(self.door)
        cut(before, socket.SOCK_SEQPACKET)
        wait_until(lambda: nursery(self.door) not in (0, before), 20, "another nursery")
        self.pass_one(2)


if __name__ == "__main__":
    main()
