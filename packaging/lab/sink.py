# SPDX-License-Identifier: BSD-2-Clause
"""An SMTP and LMTP server that records what it is told, byte for byte, and answers as scripted."""

import asyncio
import os
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional, Union

from . import ports
from .process import wait_until

KEYWORDS = ("PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING",
            "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
END_OF_DATA = b"\r\n.\r\n"

Reply = Optional[str]  # None: close the connection without a word


@dataclass
class Message:
    """One transaction as the sink saw it."""
    sender: bytes = b""
    sender_params: bytes = b""
    recipients: list[bytes] = field(default_factory=list)      # accepted ones
    recipient_params: list[bytes] = field(default_factory=list)
    xforward: dict[str, bytes] = field(default_factory=dict)
    content: bytes = b""                                       # dots unstuffed
    helo: bytes = b""
    has_bare_newline: bool = False
    by_bdat: bool = False
    by_tls: bool = False
    at: float = 0.0
    session: int = 0
    answered: str = ""

    @property
    def head(self) -> bytes:
        return self.content.split(b"\r\n\r\n", 1)[0] + b"\r\n"

    @property
    def body(self) -> bytes:
        return self.content.split(b"\r\n\r\n", 1)[-1]

    def header(self, name: str) -> bytes:
        """First field of that name, unfolded; empty if there is none."""
        found = re.search(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*((?:.*)(?:\r\n[ \t].*)*)",
                          self.head)
        return re.sub(rb"\r\n[ \t]+", b" ", found.group(1)).strip() if found else b""


@dataclass
class Script:
    """What the sink answers. Each function gets what it answers to; None closes the connection."""
    greeting: Callable[[int], Reply] = lambda session: "220 sink.postern.test ESMTP"
    ehlo: Callable[[bytes], Reply] = lambda name: "250"
    mail: Callable[[bytes], Reply] = lambda path: "250 2.1.0 Ok"
    rcpt: Callable[[bytes], Reply] = lambda path: "250 2.1.5 Ok"
    data: Callable[["Message"], Reply] = lambda message: "354 go ahead"
    # One reply, or over LMTP a list with one for each recipient.
    dot: Callable[["Message"], Union[Reply, list[str]]] = lambda message: "250 2.0.0 Ok: queued as SINK"
    dot_delay: float = 0.0


class _Gone(Exception):
    pass


class _Session:
    def __init__(self, sink: "Sink", number: int, reader: asyncio.StreamReader,
                 writer: asyncio.StreamWriter):
        self.sink = sink
        self.number = number
        self.reader = reader
        self.writer = writer
        self.helo = b""
        self.is_tls = False
        self.message: Optional[Message] = None
        self.xforward: dict[str, bytes] = {}

    async def run(self) -> None:
        try:
            await self.answer(self.sink.script.greeting(self.number))
            while True:
                await self.command(await self.line())
        except (_Gone, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.writer.close()

    async def line(self) -> bytes:
        return (await self.reader.readuntil(b"\r\n"))[:-2]

    async def answer(self, reply: Reply) -> None:
        if reply is None:
            raise _Gone
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()
        if reply.startswith("421"):
            raise _Gone

    async def command(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        name = verb.decode("latin-1").lower()
        if self.sink.keep_commands:
            self.sink.commands.append(line)
        handler = getattr(self, "on_" + name, None)
        if handler is None:
            await self.answer("500 5.5.2 what?")
        else:
            await handler(rest)

    async def on_ehlo(self, rest: bytes) -> None:
        self.helo = rest
        self.message = None
        reply = self.sink.script.ehlo(rest)
        if reply != "250":
            await self.answer(reply)
            return
        lines = ["sink.postern.test", *self.sink.keywords]
        if self.sink.tls is not None and not self.is_tls:
            lines.append("STARTTLS")
        for line in lines[:-1]:
            self.writer.write(f"250-{line}\r\n".encode())
        await self.answer(f"250 {lines[-1]}")

    on_lhlo = on_ehlo

    async def on_helo(self, rest: bytes) -> None:
        self.helo = rest
        await self.answer("250 sink.postern.test")

    async def on_xforward(self, rest: bytes) -> None:
        for word in rest.split():
            name, _, value = word.partition(b"=")
            self.xforward[name.decode().upper()] = value
        await self.answer("250 2.0.0 Ok")

    async def on_mail(self, rest: bytes) -> None:
        path, params = split_path(rest, b"FROM:")
        reply = self.sink.script.mail(path)
        if reply is not None and reply.startswith("2"):
            self.message = Message(sender=path, sender_params=params, helo=self.helo,
                                   xforward=self.xforward, session=self.number)
        await self.answer(reply)

    async def on_rcpt(self, rest: bytes) -> None:
        if self.message is None:
            await self.answer("503 5.5.1 MAIL first")
            return
        path, params = split_path(rest, b"TO:")
        reply = self.sink.script.rcpt(path)
        if reply is not None and reply.startswith("2"):
            self.message.recipients.append(path)
            self.message.recipient_params.append(params)
        await self.answer(reply)

    async def on_data(self, _rest: bytes) -> None:
        message = self.message
        if message is None or not message.recipients:
            await self.answer("554 5.5.1 no valid recipients")
            return
        reply = self.sink.script.data(message)
        await self.answer(reply)
        if reply is None or not reply.startswith("3"):
            return
        raw = await self.data()
        message.has_bare_newline = has_bare_newline(raw)
        await self.finish(message, unstuff(raw))

    async def data(self) -> bytes:
        """Up to CRLF.CRLF, which the text's own last CRLF begins."""
        held = bytearray(b"\r\n")
        while not held.endswith(END_OF_DATA):
            if not self.sink.keep_content:
                del held[:-len(END_OF_DATA)]
            held += await self.reader.readuntil(b".\r\n")
        return bytes(held[2:-3])

    async def on_bdat(self, rest: bytes) -> None:
        words = rest.upper().split()
        chunk = await self.reader.readexactly(int(words[0]))
        message = self.message
        if message is None or not message.recipients:
            await self.answer("503 5.5.1 MAIL and RCPT first")
            return
        message.by_bdat = True
        message.content += chunk
        if b"LAST" not in words:
            await self.answer("250 2.0.0 Ok")
            return
        message.has_bare_newline = has_bare_newline(message.content)
        await self.finish(message, message.content)

    async def finish(self, message: Message, content: bytes) -> None:
        message.content = content if self.sink.keep_content else b""
        message.at = time.time()
        message.by_tls = self.is_tls
        self.message = None
        self.xforward = {}
        if self.sink.script.dot_delay:
            await asyncio.sleep(self.sink.script.dot_delay)
        replies = self.sink.script.dot(message)
        if isinstance(replies, str):
            replies = [replies] * (len(message.recipients) if self.sink.is_lmtp else 1)
        message.answered = "" if replies is None else " / ".join(sorted(set(replies)))
        self.sink.record(message)
        if replies is None:
            raise _Gone
        self.writer.write("".join(reply + "\r\n" for reply in replies).encode())
        await self.writer.drain()

    async def on_starttls(self, _rest: bytes) -> None:
        if self.sink.tls is None:
            await self.answer("502 5.5.1 not here")
            return
        await self.answer("220 2.0.0 go ahead")
        await self.writer.start_tls(self.sink.tls)
        self.is_tls = True

    async def on_rset(self, _rest: bytes) -> None:
        self.message = None
        self.xforward = {}
        await self.answer("250 2.0.0 Ok")

    async def on_noop(self, _rest: bytes) -> None:
        await self.answer("250 2.0.0 Ok")

    async def on_quit(self, _rest: bytes) -> None:
        await self.answer("221 2.0.0 Bye")
        raise _Gone


class Sink:
    """A thread with a loop of its own. `messages` grows; take `with sink.lock` to copy it."""

    def __init__(self, path: str = "", port: int = 0, is_lmtp: bool = False,
                 keywords: tuple[str, ...] = KEYWORDS, keep_content: bool = True,
                 tls: Optional[ssl.SSLContext] = None, collects: bool = False):
        self.path = path
        self.port = 0 if path else ports.take(port)
        self.is_lmtp = is_lmtp
        self.keywords = keywords
        self.keep_content = keep_content
        self.tls = tls
        self.collects = collects  # small replies (Nagle's algorithm), as Postfix's smtpd does
        self.keep_commands = False
        self.commands: list[bytes] = []
        self.keep_wire = False
        self.wire: dict[int, bytearray] = {}  # of each session: all bytes that came, in clear
        self.script = Script()
        self.lock = threading.Lock()
        self.messages: list[Message] = []
        self.sessions = 0
        self._tasks: set[asyncio.Task] = set()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # peers that break off
        self._server: Optional[asyncio.AbstractServer] = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """As Postern's configuration writes it."""
        return f"unix:{self.path}" if self.path else f"inet:{ports.HOST}:{self.port}"

    def start(self) -> "Sink":
        self._wait(self._listen())
        return self

    async def _listen(self) -> None:
        limit = 1 << 28
        if self.path:
            self._server = await asyncio.start_unix_server(self._serve, self.path, limit=limit)
            os.chmod(self.path, 0o777)
        else:
            self._server = await asyncio.start_server(self._serve, ports.HOST, self.port,
                                                      limit=limit, backlog=1000,
                                                      reuse_address=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        if self.collects:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        if self.keep_wire:
            tap(reader, self.wire.setdefault(self.sessions, bytearray()))
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await _Session(self, self.sessions, reader, writer).run()
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)

    def record(self, message: Message) -> None:
        with self.lock:
            self.messages.append(message)

    def taken(self) -> list[Message]:
        """Messages so far that were answered with a 2xx for at least one recipient."""
        with self.lock:
            return [message for message in self.messages if "2" in
                    {reply[:1] for reply in message.answered.split(" / ")}]

    def wait_for(self, count: int, seconds: float = 30) -> list[Message]:
        wait_until(lambda: len(self.taken()) >= count, seconds,
                   f"{count} messages at the sink, there are {len(self.taken())}")
        return self.taken()

    def forget(self) -> None:
        with self.lock:
            self.messages.clear()
            self.commands.clear()

    def drop(self) -> None:
        """As if the machine had been switched off: nobody listens, connections end."""
        self._wait(self._drop())

    async def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def freeze(self, until: threading.Event) -> None:
        """Stands still like a stopped process: the kernel goes on accepting, nobody answers."""
        self._loop.call_soon_threadsafe(until.wait)

    def stop(self) -> None:
        if self._loop.is_running():
            self.drop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _wait(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


def tap(reader: asyncio.StreamReader, copy: bytearray) -> None:
    feed = reader.feed_data

    def feed_and_keep(data: bytes) -> None:
        copy.extend(data)
        feed(data)
    reader.feed_data = feed_and_keep  # type: ignore[method-assign]


def split_path(text: bytes, prefix: bytes) -> tuple[bytes, bytes]:
    """'FROM:<a b> SIZE=1' as (b'a b', b'SIZE=1'); quoted strings may hold '>'."""
    assert text[:len(prefix)].upper() == prefix, text
    text = text[len(prefix):].lstrip(b" ")
    quoted = False
    at = 1
    while at < len(text) and (quoted or text[at:at + 1] != b">"):
        if text[at:at + 1] == b"\\":
            at += 1
        elif text[at:at + 1] == b'"':
            quoted = not quoted
        at += 1
    return text[1:at], text[at + 1:].strip()


def unstuff(raw: bytes) -> bytes:
    if raw.startswith(b"."):
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n")


def has_bare_newline(raw: bytes) -> bool:
    pairs = raw.count(b"\r\n")
    return raw.count(b"\r") != pairs or raw.count(b"\n") != pairs
