# SPDX-License-Identifier: BSD-2-Clause
"""Those who are told of mail lie: Redis, its name servers, the system's log. Mail does not wait for
them, and what they missed is told when they are well again.
"""

import os
import socket
import threading
import time
from typing import Optional

from case import Settings
from lab.ports import HOST
from lab.redis import Redis
from liar import Liar, Neighbour, join
from lies import LIES, Cue, Lie
from lying_dns import LIES_OF_DNS, NameServer
from ward import DEADLINE, SLACK, Cell, Ward

# What is no lie: the true first word, so far.
HONEST = {"first word, bare status", "first word, never reads"}
TOLD_WITHIN = 45  # the longest pause between two tries is 30 s


class RedisWard(Ward):
    name = "Redis"
    keeps = 1
    liar: Liar

    def make_liar(self) -> Neighbour:
        self.redis = Redis(os.path.join(self.folder, "redis")).start()
        return Liar(lambda peer: void(join(peer, self.redis.socket)))

    def server(self) -> str:
        return self.liar.address

    def settings(self) -> Settings:
        return self.beside(redis={"servers": f'{{"{self.server()}"}}', "timeout": "200ms"})

    def cells(self) -> list[Cell]:
        found = [Cell("refuses", self.refuse, may_pass=True)]
        found += [self.cell(f"{when}, {name}", prelude, lie) for name, lie in LIES.items()
                  for when, prelude in (("first word", self.first), ("batch", self.batch))]
        found.append(Cell("changes its mind", self.change_its_mind, may_pass=True))
        return [cell for cell in found if cell.name not in HONEST]

    def refuse(self) -> None:
        self.liar.refuse()
        self.liar.sever()

    def cell(self, name: str, prelude, lie: Lie) -> Cell:
        def start() -> None:
            self.liar.lie(prelude, lie)
            self.liar.sever()
        return Cell(name, start, may_pass=True)

    def change_its_mind(self) -> None:
        ways = [(prelude, lie) for prelude in (self.first, self.batch) for lie in LIES.values()]
        self.liar.pick = lambda number: ways[number * 7 % len(ways)]
        self.liar.sever()

    @staticmethod
    def first(_peer: socket.socket) -> Optional[Cue]:
        return Cue(b"+OK\r\n", b"+QUEUED\r\n" * 20 + b"*1\r\n:1\r\n", b"+OK\r\n", b"*1000\r\n")

    def batch(self, peer: socket.socket) -> Optional[Cue]:
        """Behind a good login."""
        if not join(peer, self.redis.socket, until=b"MULTI"):
            return None
        return Cue(b"+OK\r\n", b"+QUEUED\r\n" * 20 + b"*1\r\n:1\r\n", b"+QUEUED\r\n", b"*1000\r\n")

    def meanwhile(self, cell: Cell) -> None:
        """The scribe, who is lied to, goes on answering others."""
        began = time.monotonic()
        self.postern.tool("status")
        if time.monotonic() - began > DEADLINE + SLACK:
            self.result.late.append(f"{cell.name}: the scribe does not answer")

    def after(self, cell: Cell) -> None:
        """Redis hears of what it missed."""
        wanted = set(self.recent)

        def told() -> set[str]:
            keys = self.redis.command("KEYS", "postern:msg:*")
            assert isinstance(keys, list)
            return {one.get("to", "") for one in self.redis.hashes([str(key) for key in keys])
                    if one.get("status") == "reinjected"}
        if not self.comes_true(lambda: wanted <= told(), TOLD_WITHIN):
            self.result.lost.append(f"{cell.name}: Redis was not told of {wanted - told()}")
        self.redis.command("FLUSHALL")

    def stop(self) -> None:
        super().stop()
        self.redis.stop()


class DnsWard(RedisWard):
    """Redis has a name, which is looked up for each new connection."""
    name = "DNS"
    host = "redis.postern.test"

    def make_liar(self) -> Neighbour:
        self.names = NameServer(self.host, HOST)
        self.config = os.path.join(self.folder, "resolv.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"nameserver {self.names.address}\n")
        return super().make_liar()

    def server(self) -> str:
        return f"inet:{self.host}:{self.liar.port}"

    def __init__(self, folder: str):
        super().__init__(folder)
        # A resolv.conf that only this daemon sees.
        self.postern.wrapper = ["unshare", "-m", "sh", "-c", f'mount --bind {self.config} '
                                '/etc/resolv.conf && exec "$@"', "sh"]

    def cells(self) -> list[Cell]:
        found = []
        for name, lie in LIES_OF_DNS.items():
            def start(lie=lie) -> None:
                self.asked = self.names.questions
                self.names.lie = lie
                self.liar.sever()
            found.append(Cell(name, start, may_pass=True))
        return found

    def meanwhile(self, cell: Cell) -> None:
        super().meanwhile(cell)
        if not self.comes_true(lambda: self.names.questions > self.asked, DEADLINE + SLACK):
            self.result.late.append(f"{cell.name}: the name is not looked up")

    def after(self, cell: Cell) -> None:
        self.names.lie = None
        super().after(cell)

    def stop(self) -> None:
        super().stop()
        self.names.stop()


class LogSocket(Neighbour):
    """What /dev/log is."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.read = 0  # lines
        self.reads = True
        self.socket: Optional[socket.socket] = None
        self.open(socket.SOCK_DGRAM)

    def open(self, kind: int) -> None:
        self.close()
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        if kind != socket.SOCK_DGRAM:
            self.socket.listen(1)
            return
        threading.Thread(target=self._read, args=(self.socket,), daemon=True).start()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if os.path.exists(self.path):
            os.unlink(self.path)

    def tell_truth(self) -> None:
        self.reads = True
        if self.socket is None or self.socket.type != socket.SOCK_DGRAM:
            self.open(socket.SOCK_DGRAM)

    def stop(self) -> None:
        self.close()

    def _read(self, own: socket.socket) -> None:
        own.settimeout(0.1)
        while own is self.socket:
            if not self.reads:
                time.sleep(0.05)
                continue
            try:
                self.read += bool(own.recv(65536))
            except TimeoutError:
                pass
            except OSError:
                return


class SyslogWard(Ward):
    name = "syslog"
    liar: LogSocket

    def make_liar(self) -> Neighbour:
        return LogSocket(os.path.join(self.folder, "log.sock"))

    def settings(self) -> Settings:
        return self.beside(log={"syslog": "yes", "syslog_path": f'"{self.liar.path}"'})

    def cells(self) -> list[Cell]:
        def never_read() -> None:
            self.liar.reads = False

        def rebind() -> None:
            self.liar.open(socket.SOCK_DGRAM)
        ways = {"refuses": self.liar.close, "never reads": never_read, "is another": rebind,
                "is a stream": lambda: self.liar.open(socket.SOCK_STREAM)}
        return [Cell(name, start, may_pass=True) for name, start in ways.items()]

    def meanwhile(self, cell: Cell) -> None:
        """More lines than a socket keeps."""
        began = time.monotonic()
        for _ in range(30):
            self.send("spool")
        if time.monotonic() - began > 30 * DEADLINE:
            self.result.late.append(f"{cell.name}: mail waits for the log")

    def after(self, cell: Cell) -> None:
        before = self.liar.read

        def is_logged() -> bool:
            self.send("aside")
            return self.liar.read > before
        if not self.comes_true(is_logged, 20):
            self.result.lost.append(f"{cell.name}: no log any more")


def void(_unused: object) -> None:
    """Of a join, its end matters only."""
