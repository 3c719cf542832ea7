# SPDX-License-Identifier: BSD-2-Clause
"""The next hop lies, at each step of SMTP and of LMTP."""

import random

from case import Settings
from liar import Liar, join
from lies import LIES, Lie
from lying_smtp import MODERN, OLD, PIPELINED, STEPS, Hop
from ward import LARGE, Cell, Ward

# What is no lie there: a 250 to the end is an answer; where all that is asked has been said
# already, no answer is too early, and a 250 to BDAT is an answer too.
HONEST = {("dot", "yes to all"), ("dot", "bare status"), ("dot", "never reads"),
          ("dot", "too early"), ("dot", "endless"), ("dot", "megabytes of a line")}
HONEST_TO_BDAT = {(step, lie) for step in ("MAIL", "RCPT") for lie in ("yes to all", "too early")}


class HopWard(Ward):
    """keywords: what the liar offers."""
    keywords = MODERN
    liar: Liar

    def make_liar(self) -> Liar:
        self.hops: list[Hop] = []
        return Liar(lambda peer: join(peer, self.sink.port))

    def settings(self) -> Settings:
        protocol = "lmtp" if self.is_lmtp else "smtp"
        limits = "connect_timeout = 1s  timeout = 1s  dot_timeout = 1s  dead_time = 100ms"
        return self.beside(
            listeners=self.listeners('next_hop = "aside"'),
            hops={self.liar.address: f'name = "main"  protocol = {protocol}  idle = 300ms  '
                                     f'{limits}',
                  self.sink.address: f'name = "aside"  protocol = {protocol}  idle = 300ms'})

    def elsewhere(self) -> set[str]:
        return set().union(*(hop.taken for hop in self.hops))

    def cells(self) -> list[Cell]:
        found = [Cell("refuses", self.liar.refuse)]
        found += [self.cell(step, name, lie) for step in STEPS for name, lie in LIES.items()
                  if self.is_lie(step, name)]
        found.append(Cell("changes its mind", self.change_its_mind, may_pass=True))
        return found

    def is_lie(self, step: str, name: str) -> bool:
        if self.keywords is not MODERN:
            return (step, name) not in HONEST
        return step != "DATA" and (step, name) not in HONEST | HONEST_TO_BDAT

    def hop(self, step: str) -> Hop:
        self.hops.append(Hop(step, self.keywords))
        return self.hops[-1]

    def cell(self, step: str, name: str, lie: Lie) -> Cell:
        hop = self.hop(step)

        def start() -> None:
            self.liar.lie(hop, lie)
        return Cell(f"{name} at {step}", start, LARGE if name == "never reads" else 0)

    def change_its_mind(self) -> None:
        """Each connection is lied to in another way, or not at all."""
        chance = random.Random(1)
        ways = [(self.hop(step), lie) for step in STEPS for name, lie in LIES.items()
                if self.is_lie(step, name)]
        self.liar.pick = lambda number: chance.choice([None, chance.choice(ways)])


class Smtp(HopWard):
    name = "next hop, SMTP"


class OldSmtp(HopWard):
    name = "next hop, SMTP without extensions"
    keywords = OLD


class PipelinedSmtp(HopWard):
    name = "next hop, SMTP without CHUNKING"
    keywords = PIPELINED


class Lmtp(HopWard):
    name = "next hop, LMTP"
    is_lmtp = True
