# SPDX-License-Identifier: BSD-2-Clause
"""An SMTP and LMTP client that sends exactly the bytes it is given."""

import socket
from dataclasses import dataclass
from typing import Iterable, Sequence, Union

from .ports import HOST

Address = Union[int, str]  # a port of 127.0.0.1, or the path of a UNIX socket


@dataclass
class Reply:
    code: int
    text: str  # without codes, lines joined by LF

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Refused(AssertionError):
    """A command that had to work did not."""


class Client:
    def __init__(self, address: Address, is_lmtp: bool = False, timeout: float = 60,
                 greet: bool = True):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(address if isinstance(address, str) else (HOST, address))
        except OSError:
            self.socket.close()
            raise
        self.is_lmtp = is_lmtp
        self.held = b""
        if greet:
            self.greet()

    def greet(self) -> None:
        try:
            self.greeting = self.read()
            self.keywords = self.hello()
        except (OSError, Refused):
            self.close()
            raise

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_unused) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def hello(self) -> list[str]:
        reply = self.expect(2, ("LHLO" if self.is_lmtp else "EHLO") + " client.postern.test")
        return reply.text.split("\n")[1:]

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_line(self) -> bytes:
        while b"\n" not in self.held:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server closed the connection")
            self.held += more
        line, _, self.held = self.held.partition(b"\n")
        return line.rstrip(b"\r")

    def read(self) -> Reply:
        lines = []
        while True:
            line = self.read_line()
            lines.append(line[4:].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(lines))

    def is_closed(self) -> bool:
        """Whether the server has ended the connection (waits for it)."""
        try:
            return self.held == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def command(self, line: Union[str, bytes]) -> Reply:
        self.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.read()

    def expect(self, first_digit: int, line: Union[str, bytes]) -> Reply:
        reply = self.command(line)
        if reply.code // 100 != first_digit:
            raise Refused(f"{line!r} was answered {reply}")
        return reply

    def pipeline(self, lines: Sequence[Union[str, bytes]]) -> list[Reply]:
        self.write(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n"
                            for line in lines))
        return [self.read() for _ in lines]

    def envelope(self, sender: str, recipients: Sequence[str], mail_params: str = "",
                 rcpt_params: str = "") -> list[Reply]:
        """MAIL and all RCPT, pipelined."""
        lines = [f"MAIL FROM:<{sender}>{pad(mail_params)}"]
        lines += [f"RCPT TO:<{recipient}>{pad(rcpt_params)}" for recipient in recipients]
        return self.pipeline(lines)

    def data(self, content: bytes) -> list[Reply]:
        """DATA and the content as it stands, dots stuffed; one reply, over LMTP all of them."""
        self.expect(3, "DATA")
        self.write(stuffed(content) + b".\r\n")
        return [self.read()]

    def send(self, sender: str, recipients: Sequence[str], content: bytes, mail_params: str = "",
             rcpt_params: str = "", xforward: Iterable[str] = ()) -> list[Reply]:
        """A whole transaction; the replies to the end of data. Nothing may be refused before."""
        for line in xforward:
            self.expect(2, "XFORWARD " + line)
        replies = self.envelope(sender, recipients, mail_params, rcpt_params)
        refused = [reply for reply in replies if reply.code // 100 != 2]
        if refused:
            raise Refused(f"MAIL or RCPT was answered {refused[0]}")
        replies = self.data(content)
        if self.is_lmtp:
            replies += [self.read() for _ in recipients[1:]]
        return replies


def pad(params: str) -> str:
    return " " + params if params else ""


def stuffed(content: bytes) -> bytes:
    """Dots doubled behind CRLF only, and a final CRLF; the content must be CRLF already."""
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..")


def send(address: Address, sender: str, recipients: Sequence[str], content: bytes,
         is_lmtp: bool = False, **options) -> list[Reply]:
    """One message on a connection of its own."""
    with Client(address, is_lmtp) as client:
        replies = client.send(sender, recipients, content, **options)
        client.command("QUIT")
        return replies
