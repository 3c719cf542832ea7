# SPDX-License-Identifier: BSD-2-Clause
"""A clamd in a folder of its own, whose only signature is that of EICAR's test file."""

import os
import socket
from typing import Optional

from . import ports
from .process import Process, wait_until

# In two halves, so that this file is none itself.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
VIRUS = "Eicar-Test-Signature.UNOFFICIAL"  # what it calls that

PROGRAM = "/usr/sbin/clamd"


class Clamd:
    """Listens on a UNIX socket and on a port. `conf` is added to its configuration."""

    def __init__(self, folder: str, **conf: str):
        self.folder = folder
        self.socket = os.path.join(folder, "clamd.sock")
        self.port = ports.take()
        self.conf = conf
        self.log = os.path.join(folder, "clamd.log")
        self.process: Optional[Process] = None

    @property
    def unix(self) -> str:
        return "unix:" + self.socket

    @property
    def inet(self) -> str:
        return f"inet:{ports.HOST}:{self.port}"

    def write_configuration(self) -> str:
        database = os.path.join(self.folder, "database")
        unpacked = os.path.join(self.folder, "unpacked")
        for path in (self.folder, database, unpacked):
            os.makedirs(path, mode=0o755, exist_ok=True)
        # "*": wherever in a file, not only where EICAR's rules want it.
        with open(os.path.join(database, "lab.ndb"), "w", encoding="ascii") as file:
            file.write(f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
        lines = {"Foreground": "yes", "DatabaseDirectory": database, "SelfCheck": "0",
                 "TemporaryDirectory": unpacked, "LocalSocket": self.socket,
                 "LocalSocketMode": "666", "FixStaleSocket": "yes", "TCPSocket": str(self.port),
                 "TCPAddr": ports.HOST, "MaxThreads": "4", "AlertExceedsMax": "yes",
                 "AlertEncrypted": "yes", **self.conf}
        path = os.path.join(self.folder, "clamd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())
        return path

    def start(self, seconds: float = 30) -> "Clamd":
        command = [PROGRAM, "--config-file=" + self.write_configuration()]
        self.process = Process("clamd", command, self.log)
        wait_until(self.is_up, seconds, f"clamd answers PING, see {self.log}")
        return self

    def is_up(self) -> bool:
        if self.process is not None and not self.process.is_running():
            raise RuntimeError(f"clamd did not start, see {self.log}")
        return all(ping(address) for address in (self.socket, (ports.HOST, self.port)))

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None


def ping(address: object) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(address)
            client.sendall(b"zPING\0")
            return client.recv(16) == b"PONG\0"
        except OSError:
            return False
