# SPDX-License-Identifier: BSD-2-Clause
"""A port of 127.0.0.1 where whoever comes is talked to by a function of ours."""

import socket
import threading
from typing import Callable

from . import ports


class Listener:
    """`talk` has a thread for each connection, which is closed behind it; an OSError ends it."""

    def __init__(self, talk: Callable[[socket.socket], None]):
        self.talk = talk
        self.port = ports.take()
        self.socket = socket.create_server((ports.HOST, self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def inet(self) -> str:
        return f"inet:{ports.HOST}:{self.port}"

    def stop(self) -> None:
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(peer,), daemon=True).start()

    def _greet(self, peer: socket.socket) -> None:
        with peer:
            try:
                self.talk(peer)
            except OSError:
                pass
