# SPDX-License-Identifier: BSD-2-Clause
"""A name server that knows one name, and lies in ways of its own."""

import os
import random
import select
import socket
import struct
import threading
import time
from typing import Callable, Optional

QUESTION_AT, A = 12, 1
# Of a question, the answer to give over UDP and over TCP; None: silence.
Lie = Callable[["NameServer", bytes, bool], Optional[bytes]]


class NameServer:
    """Port 53 of an address of 127/8 that nobody else has, over UDP and TCP."""

    def __init__(self, host: str, address: str):
        self.name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) \
            + b"\0"
        self.number = socket.inet_aton(address)
        self.lie: Optional[Lie] = None
        self.questions = 0
        self.udp, self.tcp = self._bind()
        self.address = self.udp.getsockname()[0]
        self.is_over = False
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _bind() -> tuple[socket.socket, socket.socket]:
        while True:
            address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.53"
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind((address, 53))
                return udp, socket.create_server((address, 53))
            except OSError:
                udp.close()

    def stop(self) -> None:
        self.is_over = True

    def truth(self, question: bytes) -> bytes:
        kind, = struct.unpack_from("!H", question, QUESTION_AT + len(self.name))
        if not question[QUESTION_AT:].startswith(self.name) or kind != A:
            return reply(question, [])
        return reply(question, [b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 0, 4) + self.number])

    def _answer(self, question: bytes, is_tcp: bool) -> Optional[bytes]:
        self.questions += 1
        if self.lie is None:
            return self.truth(question)
        return self.lie(self, question, is_tcp)

    def _serve_udp(self) -> None:
        while not self.is_over:
            if not select.select([self.udp], [], [], 0.2)[0]:
                continue
            question, peer = self.udp.recvfrom(4096)
            said = self._answer(question, False)
            if said is not None:
                self.udp.sendto(said[:65000], peer)
        self.udp.close()

    def _serve_tcp(self) -> None:
        while not self.is_over:
            if select.select([self.tcp], [], [], 0.2)[0]:
                peer, _ = self.tcp.accept()
                threading.Thread(target=self._talk, args=(peer,), daemon=True).start()
        self.tcp.close()

    def _talk(self, peer: socket.socket) -> None:
        with peer:
            peer.settimeout(10)
            try:
                size = int.from_bytes(peer.recv(2), "big")
                said = self._answer(peer.recv(size), True)
                if said is None:
                    peer.recv(1)
                    return
                for at in range(len(said)):
                    peer.sendall(said[at:at + 1])
                    time.sleep(0.2)
            except OSError:
                pass


def reply(question: bytes, answers: list[bytes], flags: int = 0x8180, ident: bytes = b"") -> bytes:
    end = question.index(b"\0", QUESTION_AT) + 5
    return (ident or question[:2]) + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + \
        question[QUESTION_AT:end] + b"".join(answers)


def record(kind: int, data: bytes) -> bytes:
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def silence(_names: NameServer, _question: bytes, _is_tcp: bool) -> Optional[bytes]:
    return None


def garbage(_names: NameServer, _question: bytes, _is_tcp: bool) -> bytes:
    return os.urandom(100)


def half(names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    said = names.truth(question)
    return said[:len(said) - 3]


def wrong_id(_names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    return reply(question, [record(A, b"\x7f\0\0\x09")], ident=bytes([question[0] ^ 1, 0]))


def other_name(_names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    return reply(question.replace(b"postern", b"nretsop"), [record(A, b"\x7f\0\0\x09")])


def loop(_names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    return reply(question, [record(5, b"\xc0\x0c")] * 50)


def many(_names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    """Addresses where nobody listens."""
    return reply(question, [record(A, b"\x7f\0\0" + bytes([number % 200 + 9]))
                            for number in range(200)])


def odd_lengths(_names: NameServer, question: bytes, _is_tcp: bool) -> bytes:
    return reply(question, [record(A, b"\x7f"), record(A, b""), record(A, b"x" * 300)])


def slow_tcp(names: NameServer, question: bytes, is_tcp: bool) -> bytes:
    """Truncated over UDP; over TCP a byte now and then."""
    if is_tcp:
        said = names.truth(question)
        return len(said).to_bytes(2, "big") + said
    return reply(question, [], flags=0x8380)


def silent_tcp(_names: NameServer, question: bytes, is_tcp: bool) -> Optional[bytes]:
    return None if is_tcp else reply(question, [], flags=0x8380)


def with_code(code: int) -> Lie:
    return lambda names, question, is_tcp: reply(question, [], flags=0x8180 | code)


def change(names: NameServer, question: bytes, is_tcp: bool) -> Optional[bytes]:
    """Its mind, with each question."""
    ways = list(LIES_OF_DNS.values())
    return ways[names.questions % (len(ways) - 1)](names, question, is_tcp)


LIES_OF_DNS: dict[str, Lie] = {
    "hangs": silence, "garbage": garbage, "half": half, "another's answer": wrong_id,
    "another name": other_name, "aliases of itself": loop, "nobody there": many,
    "odd lengths": odd_lengths, "slow TCP": slow_tcp, "silent TCP": silent_tcp,
    "yes and nothing more": with_code(0), "bare failure": with_code(2),
    "no such name": with_code(3), "refuses": with_code(5), "changes its mind": change}
