# SPDX-License-Identifier: BSD-2-Clause
"""clamd or rspamd lies: what it cannot have looked at is never clean."""

import os
import socket
from typing import Optional

from case import Settings
from fake import http, read_exactly, read_http, read_stream
from liar import Liar, Prelude
from lies import LIES, Cue, Lie
from ward import LARGE, Cell, Ward

CLEAN = b"stream: OK\0"
GOOD = (b'{"is_skipped": false, "score": 1.5, "required_score": 15.0, "action": "no action", '
        b'"symbols": {"ANY": {"name": "ANY", "score": 1.5}}, "milter": {}}')


class ScannerWard(Ward):
    type = "clamd"
    truth = CLEAN
    yes, more = b"OK\0", b"stream: OK\n"
    honest: tuple[str, ...] = ("bare status, at once", "too early, asked", "never reads, asked")
    path = ""  # of a UNIX socket in the ward's folder
    liar: Liar

    def make_liar(self) -> Liar:
        return Liar(self.serve, self.path and os.path.join(self.folder, self.path))

    def serve(self, peer: socket.socket) -> None:
        self.read(peer)
        peer.sendall(self.truth)

    def read(self, peer: socket.socket) -> None:
        read_stream(peer)

    def settings(self) -> Settings:
        asked = (f'type = {self.type}  servers = {{"{self.liar.address}"}}  timeout = 1s  '
                 'retries = 0  max_errors = 10000  on_error = defer  '
                 'skip_recipients = {"aside*@example.com"}')
        return self.beside(filters={"asked": asked})

    def cells(self) -> list[Cell]:
        found = [Cell("refuses", self.liar.refuse)]
        for name, lie in LIES.items():
            found += [self.cell(f"{name}, {when}", name, lie, prelude)
                      for when, prelude in (("asked", self.asked), ("at once", self.at_once))]
        found.append(Cell("changes its mind", self.change_its_mind, may_pass=True))
        return [cell for cell in found if cell.name not in self.honest]

    def cue(self) -> Cue:
        return Cue(self.truth, self.truth, self.yes, self.more)

    def asked(self, peer: socket.socket) -> Optional[Cue]:
        self.read(peer)
        return self.cue()

    def at_once(self, _peer: socket.socket) -> Optional[Cue]:
        return self.cue()

    def cell(self, title: str, name: str, lie: Lie, prelude: Prelude) -> Cell:
        def start() -> None:
            self.liar.lie(prelude, lie)
        return Cell(title, start, LARGE if prelude == self.at_once else 0)

    def change_its_mind(self) -> None:
        ways = [(self.asked, lie) for name, lie in LIES.items() if name != "too early"]
        self.liar.pick = lambda number: (ways + [None])[number % (len(ways) + 1)]


class ClamdTcp(ScannerWard):
    name = "clamd, TCP"


class ClamdUnix(ScannerWard):
    name = "clamd, UNIX socket"
    path = "scanner.sock"
    # The question is a few bytes: they have left before the answer can be there.
    honest = (*ScannerWard.honest, "never reads, at once")

    def read(self, peer: socket.socket) -> None:
        """A command and a byte that carries a descriptor, which is dropped."""
        read_exactly(peer, len(b"zFILDES\0") + 1)


class RspamdTcp(ScannerWard):
    name = "rspamd"
    type = "rspamd"
    truth = http(GOOD)
    yes, more = b"HTTP/1.1 250 Ok\r\n\r\n", b"X-More: more\r\n"

    def read(self, peer: socket.socket) -> None:
        read_http(peer)
