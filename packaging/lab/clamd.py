# SPDX-License-Identifier: BSD-2-Clause
"""A clamd in a folder of its own, whose only signature is that of EICAR's test file."""

import os
import socket

from . import ports
from .neighbour import Neighbour

# In two halves, so that this file is none itself.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
VIRUS = "Eicar-Test-Signature.UNOFFICIAL"  # what it calls that

PROGRAM = "/usr/sbin/clamd"


class Clamd(Neighbour):
    """Listens on a UNIX socket and on a port. `conf` is added to its configuration."""

    NAME = "clamd"

    def __init__(self, folder: str, **conf: str):
        super().__init__(folder)
        self.conf = conf

    def command_line(self) -> list[str]:
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
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        return [PROGRAM, "--config-file=" + self.write("clamd.conf", text)]

    def answers(self) -> bool:
        return all(ping(address) for address in (self.socket, (ports.HOST, self.port)))


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
