# SPDX-License-Identifier: BSD-2-Clause
"""A program beside Postern in a folder of its own, which answers on a UNIX socket and on a port."""

import os
from typing import Optional

from . import ports
from .process import Process, wait_until


class Neighbour:
    """Its kind says its name, what it is started with, and how one sees that it answers."""

    NAME = ""
    START_S = 30.0

    def __init__(self, folder: str, socket_name: str = ""):
        self.folder = folder
        self.socket = os.path.join(folder, socket_name or f"{self.NAME}.sock")
        self.port = ports.take()
        self.log = os.path.join(folder, f"{self.NAME}.log")
        self.process: Optional[Process] = None

    @property
    def unix(self) -> str:
        return "unix:" + self.socket

    @property
    def inet(self) -> str:
        return f"inet:{ports.HOST}:{self.port}"

    def command_line(self) -> list[str]:
        """Its configuration is written by then."""
        raise NotImplementedError

    def answers(self) -> bool:
        """May raise OSError, which is no."""
        raise NotImplementedError

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, seconds: Optional[float] = None):
        self.process = Process(self.NAME, self.command_line(), self.log)
        wait_until(self.is_up, seconds or self.START_S, f"{self.NAME} answers, see {self.log}")
        return self

    def is_up(self) -> bool:
        if self.process is not None and not self.process.is_running():
            raise RuntimeError(f"{self.NAME} did not start, see {self.log}")
        try:
            return self.answers()
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None
