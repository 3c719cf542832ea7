#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the protocols, in and out; below is the list of all attacks, and what proves each.

attack                                         proved by
end of data: LF.LF, CR.CR, NUL between, ..     EndOfData, at each packet border; test_front_door.py
the same in chunks                             EndOfData.test_chunks
what leaves has a bare CR or LF, two ends      EndOfData (bytes on the wire), tests/fuzz reinject_stuff
commands in content, at the next hop           EndOfData, with and without PIPELINING and CHUNKING
a size of a chunk that is none                 Behind.test_chunk_sizes
commands behind the dot, DATA, QUIT, BDAT      Behind
commands in clear behind STARTTLS              test_front_door.py test_starttls; Behind.test_starttls
replies in clear behind STARTTLS               Behind.test_reply_to_starttls
a next hop's reply that the client gets        Behind.test_replies_passed_on
XFORWARD from those not allowed                test_front_door.py; Behind.test_xforward
clients not allowed                            test_front_door.py
a crowd of silent clients                      test_attack_crowds.py, test_front_door.py
clients that never read, or a byte at a time   test_attack_crowds.py
commands, recipients, errors without end       test_attack_crowds.py, test_front_door.py
fields that forge lines and fields of the log  test_attack_fields.py, test_log.py, test_final_status.py
fields that forge header fields                test_attack_fields.py
names of files, viruses, symbols, replies      test_attack_fields.py
what a terminal obeys, in the tool's output    test_attack_fields.py
names that hurt shells and formats             test_attack_fields.py
the control socket by others                   test_attack_local.py
requests that are none, without end            test_attack_local.py, tests/fuzz control_request
paths instead of ids                           test_attack_local.py
links, pipes, devices in the spool             test_attack_local.py
a link in place of a socket, of a log          test_attack_local.py, unit test_listen.c, test_sink.c
content made to be misread                     test_evasion.py, test_checklist.py
"""

import array
import fcntl
import re
import socket
import ssl
import termios
import threading

import spoolfile
from case import (Case, Client, Postern, Settings, Sink, main, message, normalised, ports,
                  send, split_ours, wait_until)
from hostile import HURT
from lab.sink import has_bare_newline

# What somebody might take for CRLF.CRLF, and is not.
ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n",
        b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n\r.\n\r", b"\r\n\r.\r\n", b"\n\n.\n\n",
        b"\r\n.\0\r\n", b"\r\n\0.\r\n", b"\r\0\n.\r\0\n", b"\r\n.\r\0\n", b"\0\r\n.\0\r\n",
        b"\r\n. \r\n", b"\r\n.\t\r\n", b"\r\n.\x0c\r\n", b"\x85.\x85", b"\x0b.\x0b",
        "\u2028.\u2028".encode(), b"\r\n..\r\n", b"\x8d\x8a.\x8d\x8a"]
SMUGGLED = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.com>\r\nDATA\r\nevil\r\n"
HEAD = b"Subject: x\r\n\r\ntext"


class Wired(Case):
    def wired(self, sink: Sink, inside: str = "", hop: str = "", **lines: str) -> Postern:
        """Its doors: SMTP on a port; LMTP on a UNIX socket, of which one sees what is read."""
        sink.keep_wire = True
        self.port, self.socket = ports.take(), self.path("door.sock")
        return self.postern(Settings(
            listeners={f"inet:127.0.0.1:{self.port}": inside,
                       "unix:" + self.socket: inside.split("tls")[0]},
            hops={sink.address: hop}, lines=lines))

    def slot(self) -> Client:
        return Client(self.socket, is_lmtp=True)

    @staticmethod
    def write_alone(client: Client, data: bytes) -> None:
        """Not before the server has read what came before, so that it comes by itself."""
        unread = array.array("i", [0])

        def is_read() -> bool:
            fcntl.ioctl(client.socket, termios.TIOCOUTQ, unread)
            return unread[0] == 0
        wait_until(is_read, 10, "the server to read", 0)
        client.write(data)

    def check_wire(self, sink: Sink, messages: int) -> None:
        """Of all that came: lines end in CRLF only; each content in DATA has one end."""
        ends = begins = 0
        for wire in sink.wire.values():
            pairs = wire.count(b"\r\n")
            self.assertEqual((wire.count(b"\r"), wire.count(b"\n")), (pairs, pairs))
            ends += wire.count(b"\r\n.\r\n")
            begins += wire.count(b"\r\nDATA\r\n")
        smuggled = sum(message.content.count(b"\r\nDATA\r\n") for message in sink.taken())
        self.assertEqual((begins - smuggled, ends), (messages, messages))


class EndOfData(Wired):
    """Each form at the end of a content, and commands behind it, which must stay content."""

    def check_arrived(self, sink: Sink, sent: dict[bytes, bytes]) -> None:
        taken = sink.wait_for(len(sent))
        self.assertEqual(sorted(one.recipients[0] for one in taken), sorted(sent))
        for one in taken:
            self.assertEqual(one.sender, b"ann@example.org")
            self.assertFalse(one.has_bare_newline)
            _, content = split_ours(one.content)
            self.assertEqual(content, sent[one.recipients[0]])

    def send_cut(self, client: Client, number: int, pieces: list[bytes]) -> bytes:
        path = f"n{number}@example.com"
        client.envelope("ann@example.org", [path])
        client.expect(3, "DATA")
        for piece in pieces:
            self.write_alone(client, piece)
        self.assertEqual(client.read().code, 250, pieces)
        self.assertEqual(client.command("NOOP").code, 250, pieces)
        return path.encode()

    def check_data(self, sink: Sink) -> None:
        self.wired(sink, hop="chunking = no")
        sent: dict[bytes, bytes] = {}
        with self.slot() as client:
            for end in ENDS:
                # The last end is cut as well.
                whole = HEAD + end + SMUGGLED + b"\r\n.\r\n"
                content = (HEAD + end + SMUGGLED + b"\r\n").replace(b"\r\n.", b"\r\n")
                cuts = [*range(len(HEAD), len(HEAD + end) + 1), *range(len(whole) - 4, len(whole))]
                for cut in [0, *cuts]:
                    path = self.send_cut(client, len(sent), [whole[:cut], whole[cut:]])
                    sent[path] = normalised(content)
        self.check_arrived(sink, sent)
        self.check_wire(sink, len(sent))

    def test_data(self) -> None:
        self.check_data(self.sink())

    def test_data_to_a_simple_server(self) -> None:
        self.check_data(self.sink(keywords=("8BITMIME",)))

    def test_chunks(self) -> None:
        """In, and out: in chunks there is no end but the last octet, not even CRLF.CRLF."""
        sink = self.sink()
        self.wired(sink, "chunking = yes")
        sent: dict[bytes, bytes] = {}
        with self.slot() as client:
            for end in [*ENDS, b"\r\n.\r\n"]:
                whole = HEAD + end + SMUGGLED
                for cut in range(len(HEAD), len(HEAD + end) + 1):
                    path = f"n{len(sent)}@example.com".encode()
                    client.envelope("ann@example.org", [path.decode()])
                    for piece, last in ((whole[:cut], ""), (whole[cut:], " LAST")):
                        client.write(f"BDAT {len(piece)}{last}\r\n".encode())
                        self.write_alone(client, piece)
                        self.assertEqual(client.read().code, 250, whole)
                    self.assertEqual(client.command("NOOP").code, 250)
                    sent[path] = normalised(whole)
        self.check_arrived(sink, sent)
        self.assertTrue(all(one.by_bdat for one in sink.taken()))

    def test_chunks_in_data_out(self) -> None:
        sink = self.sink()
        self.wired(sink, "chunking = yes", hop="chunking = no")
        whole = HEAD + b"\r\n.\r\n" + SMUGGLED + b".\r\n.\n..\r\n"
        with self.slot() as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            client.write(f"BDAT {len(whole)} LAST\r\n".encode() + whole)
            self.assertEqual(client.read().code, 250)
        self.check_arrived(sink, {b"bob@example.com": normalised(whole)})
        self.check_wire(sink, 1)

    def test_refused_where_the_setting_says_so(self) -> None:
        """A bare CR or LF is refused, and all up to the true end with it."""
        sink = self.sink()
        postern = self.wired(sink, bare_newlines="reject")
        bare = [end for end in ENDS if has_bare_newline(end)]
        self.assertGreater(len(bare), 10)
        with self.slot() as client:
            for end in bare:
                client.envelope("ann@example.org", ["bob@example.com"])
                client.expect(3, "DATA")
                client.write(HEAD + end + SMUGGLED + b"\r\n.\r\n")
                self.assertEqual(client.read().code, 550, end)
                self.assertEqual(client.command("NOOP").code, 250, end)
        self.assertEqual((sink.taken(), spoolfile.live(postern.spool)), ([], []))


class Behind(Wired):
    """Commands that come behind what ends a dialogue."""

    def door(self) -> Client:
        return Client(self.port)

    @staticmethod
    def codes(client: Client, data: bytes) -> list[int]:
        """All replies, until the server ends the connection."""
        client.write(data)
        codes = []
        try:
            while True:
                codes.append(client.read().code)
        except ConnectionError:
            return codes

    def test_pipelined(self) -> None:
        """In order and in step; nothing is heard behind QUIT."""
        sink = self.sink()
        self.wired(sink, "chunking = yes")
        one = b"MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.com>\r\n"
        data, last = b"DATA\r\n", HEAD + b"\r\n.\r\n"
        rows: list[tuple[str, bytes, list[int], int]] = [
            ("behind the dot", one + data + last + one + data + last + b"QUIT\r\n",
             [250, 250, 354, 250, 250, 250, 354, 250, 221], 2),
            ("behind QUIT", b"QUIT\r\n" + one + data + last, [221], 0),
            ("behind the last chunk", one + b"BDAT %d LAST\r\n" % len(HEAD) + HEAD + one + b"QUIT\r\n",
             [250, 250, 250, 250, 250, 221], 1),
            ("content of a DATA that is refused", data + last + b"QUIT\r\n",
             [503, 500, 500, 500, 500, 221], 0),
            ("an end of data without data", one + b".\r\nQUIT\r\n", [250, 250, 500, 221], 0),
        ]
        for name, sent, codes, messages in rows:
            with self.subTest(name), self.door() as client:
                sink.forget()
                self.assertEqual(self.codes(client, sent), codes)
                self.assertEqual(len(sink.wait_for(messages)), messages)

    def test_chunk_sizes(self) -> None:
        """Where nobody can tell how much is content, nothing behind it is taken for commands."""
        sink = self.sink()
        self.wired(sink, "chunking = yes")
        for size in (b"", b"-1", b"+5", b"0x10", b"1e3", b"5,", b"5\t", b"18446744073709551617",
                     b"9" * 30, b"5\0", b"\xc2\xb2"):
            with self.subTest(size), self.door() as client:
                client.envelope("ann@example.org", ["bob@example.com"])
                codes = self.codes(client, b"BDAT " + size + b" LAST\r\n" + SMUGGLED + b".\r\n")
                self.assertEqual(len(codes), 1)
                self.assertEqual(codes[0] // 100, 5)
        # Refused, but its size is known: those octets are none of the client's commands.
        for before in (b"", b"MAIL FROM:<ann@example.org>\r\n"):
            with self.door() as client:
                codes = self.codes(client, before + b"BDAT %d LAST\r\n" % len(SMUGGLED) + SMUGGLED
                                   + b"NOOP\r\nQUIT\r\n")
                self.assertEqual(codes[-3:], [503, 250, 221])
        self.assertEqual(sink.taken(), [])

    def test_starttls(self) -> None:
        """What came in clear is gone, whenever it came: with the command, or behind the 220."""
        cert, key = self.certificate("filter.postern.test")
        sink = self.sink()
        self.wired(sink, f'tls {{ cert = "{cert}" key = "{key}" mode = may }}')
        context = ssl.create_default_context(cafile=cert)
        context.check_hostname = False
        for injected in (b"NOOP\r\n", b"MAIL FROM:<evil@example.org>\r\n", b"\r\n", b"N"):
            with self.door() as client:
                client.write(b"STARTTLS\r\n" + injected)
                self.assertTrue(client.is_closed(), injected)
            with self.door() as client:
                client.expect(2, "STARTTLS")
                client.write(injected)
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    context.wrap_socket(client.socket)
        # Nor does an envelope from before it live on.
        with self.door() as client:
            client.envelope("evil@example.org", ["evil@example.com"])
            self.assertEqual(client.command("STARTTLS").code, 503)
            client.expect(2, "RSET")
            client.expect(2, "STARTTLS")
            client.socket = context.wrap_socket(client.socket)
            self.assertEqual(client.command("RCPT TO:<bob@example.com>").code, 503)
        self.assertEqual(sink.taken(), [])

    def test_reply_to_starttls(self) -> None:
        """A reply that came in clear behind that to STARTTLS is not the server's."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        said: list[bytes] = []

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"220 x\r\n")
                peer.recv(1000)
                peer.sendall(b"250-x\r\n250 STARTTLS\r\n")
                said.append(peer.recv(1000))
                peer.sendall(b"220 go ahead\r\n250-injected\r\n250 XFORWARD NAME\r\n")
                said.append(peer.recv(1000))
        threading.Thread(target=serve, daemon=True).start()
        port = ports.take()
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": ""},
            hops={f"inet:127.0.0.1:{listener.getsockname()[1]}": "tls = may"}))
        send(port, "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("clear text behind the reply to STARTTLS")
        wait_until(lambda: len(said) == 2, 10, "the connection to end")
        self.assertEqual(said, [b"STARTTLS\r\n", b""])

    def test_replies_passed_on(self) -> None:
        """With handoff = relay the client gets the next hop's words, as one printable line."""
        sink = self.sink()
        self.wired(sink, handoff="relay")
        with self.door() as client:
            for text in HURT:
                words = re.sub("[\r\n]", " ", text)[:1500]
                sink.script.dot = lambda taken, words=words: "451 4.7.1 " + words
                client.envelope("ann@example.org", ["bob@example.com"])
                client.expect(3, "DATA")
                client.write(HEAD + b"\r\n.\r\n")
                line = client.read_line()
                self.assertRegex(line, rb"\A451 4\.[37]\.[01] [^\x00-\x1f\x7f]{1,500}\Z")
                self.assertEqual(client.command("NOOP").code, 250, line)

    def test_xforward(self) -> None:
        """Values cannot end a line, here or at the next hop; refused ones change nothing."""
        sink = self.sink()
        self.wired(sink)
        with self.door() as client:
            for bad in ("ADDR=999.1.1.1", "ADDR=192.0.2.7+0D+0AMAIL", "PORT=x", "PORT=+0A",
                        "NAME=a+ZZb", "NAME", "=x", "NAME=" + "x" * 3000, "SOURCE=+0D+0A",
                        "NAME=a+0D+0AMAIL+20FROM:<evil@example.org>", "HELO=a+00", "IDENT=+0A.",
                        "NAME=a\tb=c", "FOO=bar"):
                self.assertIn(client.command("XFORWARD " + bad).code, (500, 501), bad)
            client.expect(2, "XFORWARD NAME=a+20b+3Cevil@example.org+3E HELO=+2B0D+2B0A IDENT=x,y")
            client.send("ann@example.org", ["bob@example.com"], message())
        taken, = sink.wait_for(1)
        self.assertEqual((taken.sender, taken.xforward["HELO"], taken.xforward["NAME"]),
                         (b"ann@example.org", b"+2B0D+2B0A", b"a+20b+3Cevil@example.org+3E"))
        self.check_wire(sink, 0)


if __name__ == "__main__":
    main()
