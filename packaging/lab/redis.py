# SPDX-License-Identifier: BSD-2-Clause
"""A Redis in a folder of its own, and a client that says what it holds."""

import os
import signal
import socket
from typing import Union

from . import ports
from .neighbour import Neighbour

PROGRAM = "/usr/bin/redis-server"

Reply = Union[None, int, str, "Refused", list["Reply"]]


class Refused(str):
    """An error reply: its text."""


class Redis(Neighbour):
    """Listens on a UNIX socket and on a port. `conf` is added to its configuration."""

    NAME = "redis"

    def __init__(self, folder: str, **conf: str):
        super().__init__(folder)
        self.conf = conf

    def command_line(self) -> list[str]:
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        lines = {"bind": ports.HOST, "port": str(self.port), "unixsocket": self.socket,
                 "unixsocketperm": "777", "dir": self.folder, "save": '""', "appendonly": "no",
                 "daemonize": "no", **{name.replace("_", "-"): value
                                       for name, value in self.conf.items()}}
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        return [PROGRAM, self.write("redis.conf", text)]

    def answers(self) -> bool:
        return self.command("PING") is not None

    def stop(self) -> None:
        if self.process is not None:
            self.go_on()
        super().stop()

    def pause(self) -> None:
        """Stands still: the kernel goes on accepting, nobody answers."""
        assert self.process is not None
        self.process.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGCONT)

    # Looking

    def command(self, *words: str) -> Reply:
        return self.commands([words])[0]

    def commands(self, commands: list[tuple[str, ...]]) -> list[Reply]:
        """All in one go, and their replies."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(20)
            client.connect(self.socket)
            if "requirepass" in self.conf:
                commands = [("AUTH", self.conf["requirepass"]), *commands]
            client.sendall(b"".join(map(encode, commands)))
            with client.makefile("rb") as reader:
                replies = [read(reader) for _ in commands]
        return replies[1:] if "requirepass" in self.conf else replies

    def hashes(self, keys: list[str]) -> list[dict[str, str]]:
        """What HGETALL says of each; {}: there is no such key."""
        replies = self.commands([("HGETALL", key) for key in keys])
        return [dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else {}
                for reply in replies]


def encode(words: tuple[str, ...]) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part)
                                             for part in parts)


def read(reader) -> Reply:
    line = reader.readline()
    if not line:
        raise ConnectionError("Redis closed the connection")
    kind, rest = line[:1], line[1:].rstrip(b"\r\n").decode("utf-8", "replace")
    if kind == b"*":
        return [read(reader) for _ in range(int(rest))]
    if kind == b"$":
        data = reader.read(int(rest) + 2) if int(rest) >= 0 else None
        return None if data is None else data[:-2].decode("utf-8", "replace")
    if kind == b":":
        return int(rest)
    return Refused(rest) if kind == b"-" else rest
