# SPDX-License-Identifier: BSD-2-Clause
"""TCP ports of 127.0.0.1 that nobody else takes, however many labs run side by side."""

import fcntl
import os
import random
import socket
import tempfile

HOST = "127.0.0.1"
FIRST, LAST = 20000, 32000  # below the ports that the kernel gives to clients

_held: list[int] = []  # locked for the life of this process


def _lock_folder() -> str:
    folder = os.path.join(tempfile.gettempdir(), f"postern-ports-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def _reserve(port: int) -> bool:
    """Holds a lock named after the port, so that between now and its use no other lab takes it."""
    fd = os.open(os.path.join(_lock_folder(), str(port)), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return False
    _held.append(fd)
    return True


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def take(wanted: int = 0) -> int:
    """`wanted` if it is free, else any free one; it stays this process's own."""
    if wanted and is_free(wanted) and _reserve(wanted):
        return wanted
    for _ in range(2000):
        port = random.randint(FIRST, LAST)
        if is_free(port) and _reserve(port):
            return port
    raise RuntimeError("no free TCP port")
