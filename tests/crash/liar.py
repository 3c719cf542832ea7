# SPDX-License-Identifier: BSD-2-Clause
"""A server that stands where a neighbour does: it speaks for the true one, or lies as told."""

import os
import select
import socket
import sys
import threading
import time
from typing import Callable, Optional, Union

from case import ports
from lies import Cue, Lie

Address = Union[str, int]  # a UNIX socket's path, or a port of ports.HOST
Serve = Callable[[socket.socket], None]
# Speaks the truth up to where the lie begins; None: there is nothing to lie about.
Prelude = Callable[[socket.socket], Optional[Cue]]


def connect(address: Address) -> socket.socket:
    if isinstance(address, str):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(address)
        return peer
    return socket.create_connection((ports.HOST, address))


def join(peer: socket.socket, address: Address, until: bytes = b"") -> bool:
    """Passes on what both say until one of them ends, or the peer says `until`: true then."""
    with connect(address) as true:
        ends = {peer.fileno(): (peer, true), true.fileno(): (true, peer)}
        poll = select.poll()
        for end in ends:
            poll.register(end, select.POLLIN)
        while True:
            for end, _ in poll.poll():
                one, other = ends[end]
                data = one.recv(65536)
                if until and one is peer and until in data:
                    return True
                if not data:
                    return False
                other.sendall(data)


class Neighbour:
    """What may lie. `lives`: seconds that each connection was lied to."""

    def __init__(self) -> None:
        self.lives: list[float] = []
        self.now: dict[int, float] = {}  # number of a connection that is lied to: since when
        self.talks = 0  # that are going on, honest or not
        self.is_awaited = False  # somebody has to come and be lied to

    def tell_truth(self) -> None:
        """From now on."""

    def stop(self) -> None:
        """For good."""

    def longest(self) -> float:
        """How long somebody let himself be lied to, who may still be there."""
        began = list(self.now.values())
        return max([*self.lives, *(time.monotonic() - one for one in began)], default=0.0)


class Liar(Neighbour):
    """`true` serves a connection as the neighbour would. `pick` says for each connection how it
    lies, None: not at all.
    """

    def __init__(self, true: Serve, path: str = ""):
        super().__init__()
        self.true = true
        self.pick: Callable[[int], Optional[tuple[Prelude, Lie]]] = lambda number: None
        self.path = path
        self.port = 0 if path else ports.take()
        self.count = 0
        self.peers: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.listener: Optional[socket.socket] = None
        self.open()

    @property
    def address(self) -> str:
        return f"unix:{self.path}" if self.path else f"inet:{ports.HOST}:{self.port}"

    def open(self) -> None:
        if self.path:
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            os.chmod(self.path, 0o777)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((ports.HOST, self.port))
        # Of what it does not read, little may seem to be on its way.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.listen(1000)
        threading.Thread(target=self._serve, args=(self.listener,), daemon=True).start()

    def refuse(self) -> None:
        """Until open()."""
        assert self.listener is not None
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in accept()
        self.listener.close()
        self.listener = None

    def stop(self) -> None:
        if self.listener is not None:
            self.refuse()

    def tell_truth(self) -> None:
        self.pick = lambda number: None
        self.is_awaited = False
        if self.listener is None:
            self.open()

    def lie(self, prelude: Prelude, lie: Lie) -> None:
        """To all who come, from now on."""
        self.pick = lambda number: (prelude, lie)
        self.is_awaited = True

    def sever(self, count: int = sys.maxsize) -> None:
        """So many of the connections that there are."""
        with self.lock:
            for peer in list(self.peers)[:count]:
                try:
                    peer.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._talk, args=(peer, self.count), daemon=True).start()

    def _talk(self, peer: socket.socket, number: int) -> None:
        with self.lock:
            self.talks += 1
            self.peers.add(peer)
        try:
            with peer:
                picked = self.pick(number)
                if picked is None:
                    self.true(peer)
                else:
                    self._lie(peer, number, *picked)
        except OSError:
            pass  # the other end broke off
        finally:
            with self.lock:
                self.talks -= 1
                self.peers.discard(peer)

    def _lie(self, peer: socket.socket, number: int, prelude: Prelude, lie: Lie) -> None:
        cue = prelude(peer)
        if cue is None:
            return
        self.now[number] = time.monotonic()
        try:
            lie(peer, cue)
        finally:
            self.lives.append(time.monotonic() - self.now.pop(number))
