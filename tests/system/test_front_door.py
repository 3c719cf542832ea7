#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The front door on the wire: what it announces, what it refuses, and how, and where data ends."""

import os
import socket
import ssl
import subprocess
import time

import spoolfile
from case import Case, Client, Postern, Settings, main, message, send, wait_until

MAIL = "MAIL FROM:<ann@example.org>"
RCPT = "RCPT TO:<bob@example.com>"

# Name, lines before, the line, code, enhanced code.
REFUSED = [
    ("unknown command", [], "FROBNICATE", 500, "5.5.2"),
    ("RCPT before MAIL", [], RCPT, 503, "5.5.1"),
    ("DATA before MAIL", [], "DATA", 503, "5.5.1"),
    ("MAIL twice", [MAIL], MAIL, 503, "5.5.1"),
    ("XFORWARD inside a transaction", [MAIL], "XFORWARD NAME=x", 503, "5.5.1"),
    ("unknown MAIL parameter", [], MAIL + " FOO=bar", 555, "5.5.4"),
    ("unknown RCPT parameter", [MAIL], RCPT + " FOO=bar", 555, "5.5.4"),
    ("BODY that is none", [], MAIL + " BODY=9BIT", 501, "5.5.4"),
    ("SIZE that is none", [], MAIL + " SIZE=abc", 501, "5.5.4"),
    ("NOTIFY never and others", [MAIL], RCPT + " NOTIFY=NEVER,FAILURE", 501, "5.5.4"),
    ("ORCPT without a type", [MAIL], RCPT + " ORCPT=bob", 501, "5.5.4"),
    ("SIZE over the limit", [], MAIL + " SIZE=3000000", 552, "5.3.4"),
    ("path without end", [], "MAIL FROM:<ann@example.org", 501, "5.1.7"),
    ("path without brackets", [MAIL], "RCPT TO:bob@example.com", 501, "5.1.3"),
    ("source route", [MAIL], "RCPT TO:<@relay.example:bob@example.com>", 501, "5.1.3"),
    ("NUL in a command", [], b"MAIL FROM:<a\0b@example.org>", 500, "5.5.2"),
    ("control character in a path", [], b"MAIL FROM:<a\x01b@example.org>", 500, "5.5.2"),
    ("bare CR in a command", [], b"NOOP a\rRSET", 500, "5.5.2"),
    ("a line of 5,000 bytes", [], "NOOP " + "x" * 5000, 500, "5.5."),
    ("null recipient", [MAIL], "RCPT TO:<>", 501, "5.1.3"),
    ("bad XFORWARD attribute", [], "XFORWARD FOO=bar", 501, "5.5.4"),
    ("STARTTLS where it is not offered", [], "STARTTLS", 502, "5.5.1"),
    ("BDAT where it is not offered", [MAIL, RCPT], "BDAT 0 LAST", 502, "5.5.1"),
]

ACCEPTED = [
    "MAIL FROM:<>", "MAIL FROM:<ann@example.org> BODY=8BITMIME", "mail from:<ann@example.org>",
    'MAIL FROM:<"a b>c"@example.org>', "MAIL FROM:<ann@[192.0.2.1]>",
    "MAIL FROM:<ann@example.org> SIZE=1000 RET=FULL ENVID=x",
    "MAIL FROM:<jörg@example.org> SMTPUTF8", f"MAIL FROM:<{'v' * 100}@example.org>",
]

SMUGGLING = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r\r\n", b"\r\n.\0\r\n",
             b"\r\n\0.\r\n"]


class FrontDoor(Case):
    def door(self, inside: str = "", **lines: str) -> Postern:
        self.final = self.sink()
        return self.between(self.final, inside=inside, lines=lines)

    def test_announces_what_postfix_relies_on(self) -> None:
        postern = self.door()
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("learned")
        with Client(postern.ports[0]) as client:
            self.assertEqual(sorted(client.keywords), [
                "8BITMIME", "DSN", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE 104857600",
                "SMTPUTF8", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"])
            self.assertIn("filter.postern.test", client.greeting.text)

    def test_offers_only_what_the_next_hop_takes(self) -> None:
        sink = self.sink(keywords=("PIPELINING", "8BITMIME"))
        postern = self.between(sink, lines={"workers": "1"})
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log("learned")

        def offered() -> list[str]:
            with Client(postern.ports[0]) as client:
                return client.keywords
        keywords = offered()
        self.assertIn("8BITMIME", keywords)
        self.assertNotIn("SMTPUTF8", keywords)
        postern.stop()
        postern.start()
        self.assertNotIn("SMTPUTF8", offered(), "forgotten over a restart")

    def test_refuses_with_the_right_codes(self) -> None:
        postern = self.door(max_size='"2M"')
        for name, before, line, code, enhanced in REFUSED:
            with self.subTest(name), Client(postern.ports[0]) as client:
                for other in before:
                    client.expect(2, other)
                reply = client.command(line)
                self.assertEqual(reply.code, code, str(reply))
                self.assertTrue(reply.text.startswith(enhanced), str(reply))
                self.assertEqual(client.command("NOOP").code, 250, "out of step")
        self.assertEqual(self.final.taken(), [])
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_accepts_what_is_legal(self) -> None:
        postern = self.door()
        with Client(postern.ports[0]) as client:
            for line in ACCEPTED:
                with self.subTest(line):
                    self.assertEqual(client.command(line).code, 250)
                    self.assertEqual(client.command("RCPT TO:<postmaster>").code, 250)
                    client.expect(2, "RSET")
            self.assertEqual(client.command("VRFY bob").code, 252)
            self.assertEqual(client.command("HELP").code, 214)

    def test_lmtp_answers_each_recipient(self) -> None:
        postern = self.door("protocol = lmtp")
        with Client(postern.ports[0], is_lmtp=True) as client:
            self.assertEqual(client.command("EHLO x").code // 100, 5)
            client.expect(2, MAIL)
            self.assertEqual(client.command("DATA").code, 503)
            client.expect(2, "RSET")
            replies = client.send("ann@example.org", ["a@example.com", "b@example.com"], message())
            self.assertEqual([reply.code for reply in replies], [250, 250])

    def test_pipelined_batch_is_answered_in_one_write(self) -> None:
        postern = self.door()
        with Client(postern.ports[0]) as client:
            client.write(b"\r\n".join([MAIL.encode()] + [RCPT.encode()] * 20 + [b"DATA", b""]))
            wait_until(lambda: self.peeked(client).endswith(b"\r\n") and b"354" in
                       self.peeked(client), 5, "354")
            first = client.socket.recv(1 << 16)
            self.assertEqual(first.count(b"\r\n"), 22)

    @staticmethod
    def peeked(client: Client) -> bytes:
        return client.socket.recv(1 << 16, socket.MSG_PEEK)

    def test_byte_by_byte(self) -> None:
        postern = self.door()
        with Client(postern.ports[0]) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in (MAIL, RCPT, "DATA"):
                for byte in (part + "\r\n").encode():
                    client.write(bytes([byte]))
                client.read()
            for byte in b"Subject: x\r\n\r\n..dot\r\n\r.\n.\r\n.\r\n":
                client.write(bytes([byte]))
            self.assertEqual(client.read().code, 250)
        taken, = self.final.wait_for(1)
        self.assertTrue(taken.content.endswith(b"Subject: x\r\n\r\n.dot\r\n .\r\n.\r\n"))

    def test_data_ends_at_crlf_dot_crlf_and_nothing_else(self) -> None:
        postern = self.door()
        smuggled = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nevil\r\n"
        for number, form in enumerate(SMUGGLING):  # some are the same once they are mended
            with Client(postern.ports[0]) as client:
                client.envelope("ann@example.org", ["bob@example.com"])
                client.expect(3, "DATA")
                client.write(b"Subject: %d\r\n\r\ntext" % number + form + smuggled + b"\r\n.\r\n")
                self.assertEqual(client.read().code, 250, form)
                self.assertEqual(client.command("NOOP").code, 250, form)
        taken = self.final.wait_for(len(SMUGGLING))
        time.sleep(0.3)
        self.assertEqual(len(self.final.taken()), len(SMUGGLING))
        for one in taken:
            self.assertEqual(one.sender, b"ann@example.org")
            self.assertIn(b"MAIL FROM:<evil@example.org>", one.content)
            self.assertFalse(one.has_bare_newline)

    def test_bare_newlines_are_refused_where_the_setting_says_so(self) -> None:
        postern = self.door(bare_newlines="reject")
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            client.expect(3, "DATA")
            client.write(b"Subject: x\r\n\r\nbare\nnewline\r\n.\r\n")
            reply = client.read()
            self.assertEqual(reply.code, 550)
            self.assertTrue(reply.text.startswith("5.5.2"), str(reply))
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_bare_newlines_are_counted_and_logged(self) -> None:
        postern = self.door()
        send(postern.ports[0], "ann@example.org", ["bob@example.com"],
             b"Subject: x\r\n\r\none\ntwo\rthree\r\n")
        self.assertEqual(len(postern.wait_log("bare_newlines=2")), 1)

    def test_size_is_checked_while_receiving(self) -> None:
        postern = self.door(max_size='"1M"')
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            reply, = client.data(message(size=1_100_000))
            self.assertEqual(reply.code, 552)
            self.assertTrue(reply.text.startswith("5.3.4"), str(reply))
            self.assertEqual(client.command("NOOP").code, 250)
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_disconnect_before_the_dot_leaves_nothing(self) -> None:
        postern = self.door()
        for size in (100, 500_000):
            with Client(postern.ports[0]) as client:
                client.envelope("ann@example.org", ["bob@example.com"])
                client.expect(3, "DATA")
                client.write(message(size=size))
        time.sleep(0.5)
        self.assertEqual(spoolfile.live(postern.spool), [])
        self.assertEqual(self.final.taken(), [])

    def test_silent_client_is_told_and_closed(self) -> None:
        postern = self.door("timeout = 1s")
        with Client(postern.ports[0]) as silent, Client(postern.ports[0]) as slow:
            slow.envelope("ann@example.org", ["bob@example.com"])
            slow.expect(3, "DATA")
            begin = time.monotonic()
            self.assertEqual(silent.read().code, 421)
            self.assertTrue(silent.is_closed())
            self.assertLess(time.monotonic() - begin, 5)
            slow.read_line()  # 421 or a closed connection; either way no hang

    def test_too_many_errors_end_the_session(self) -> None:
        postern = self.door(max_errors="5")
        with Client(postern.ports[0]) as client:
            codes = [client.command("NONSENSE").code for _ in range(6)]
            self.assertEqual(codes, [500] * 5 + [421])
            self.assertTrue(client.is_closed())

    def test_silent_clients_do_not_hold_a_worker(self) -> None:
        postern = self.door(workers="1")
        silent = [Client(postern.ports[0]) for _ in range(100)]
        self.assertEqual(send(postern.ports[0], "ann@example.org", ["bob@example.com"],
                              message())[0].code, 250)
        for client in silent:
            client.close()

    def test_connections_over_the_limit_wait(self) -> None:
        postern = self.door(max_connections="2", workers="1")
        first, second = Client(postern.ports[0]), Client(postern.ports[0])
        third = Client(postern.ports[0], greet=False)
        third.socket.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            third.read()
        first.command("QUIT")
        first.close()
        third.socket.settimeout(10)
        self.assertEqual(third.read().code, 220)
        second.close()
        third.close()

    def test_clients_outside_the_networks_are_refused(self) -> None:
        postern = self.door('clients = {"192.0.2.0/24"}')
        with Client(postern.ports[0], greet=False) as client:
            reply = client.read()
            self.assertEqual(reply.code, 554)
            self.assertTrue(client.is_closed())

    def test_xforward_only_from_those_who_may(self) -> None:
        postern = self.door('xforward_clients = {"192.0.2.0/24"}')
        with Client(postern.ports[0]) as client:
            self.assertFalse([word for word in client.keywords if word.startswith("XFORWARD")])
            self.assertEqual(client.command("XFORWARD NAME=x").code, 550)

    def test_loop_is_held(self) -> None:
        postern = self.door()
        trace = b"Received: from x by y (Postern) with ESMTP id 1; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        send(postern.ports[0], "ann@example.org", ["once@example.com"], trace + message())
        self.final.wait_for(1)
        send(postern.ports[0], "ann@example.org", ["loop@example.com"], trace * 4 + message())
        wait_until(lambda: spoolfile.live(postern.spool, "hold"), 10, "a held message")
        self.assertEqual(len(self.final.taken()), 1)

    def test_bdat(self) -> None:
        postern = self.door("chunking = yes")
        with Client(postern.ports[0]) as client:
            self.assertIn("CHUNKING", client.keywords)
            client.envelope("ann@example.org", ["bob@example.com"])
            client.write(b"BDAT 10\r\nSubject: x")
            self.assertEqual(client.read().code, 250)
            client.write(b"BDAT 9\r\n\r\n\r\n.\r\nab")
            self.assertEqual(client.read().code, 250)
            client.write(b"BDAT 0 LAST\r\n")
            self.assertEqual(client.read().code, 250)
        taken, = self.final.wait_for(1)
        self.assertTrue(taken.content.endswith(b"Subject: x\r\n\r\n.\r\nab\r\n"))

    def test_starttls(self) -> None:
        cert, key = self.certificate("filter.postern.test")
        postern = self.door(f'tls {{ cert = "{cert}" key = "{key}" mode = require }}')
        context = ssl.create_default_context(cafile=cert)
        context.check_hostname = False
        with Client(postern.ports[0]) as client:
            self.assertIn("STARTTLS", client.keywords)
            self.assertEqual(client.command(MAIL).code, 530)
            client.expect(2, "STARTTLS")
            client.socket = context.wrap_socket(client.socket)
            self.assertNotIn("STARTTLS", client.hello())
            self.assertEqual(client.send("ann@example.org", ["bob@example.com"],
                                         message())[0].code, 250)
        # A command in clear text behind STARTTLS is an attack, never to be answered over TLS.
        with Client(postern.ports[0]) as client:
            client.write(b"STARTTLS\r\nNOOP\r\n")
            self.assertTrue(client.is_closed())
        self.assertIn(b"with ESMTPS id", self.final.wait_for(1)[0].head)

    def test_unix_socket_with_mode(self) -> None:
        sink = self.sink()
        path = self.path("door/lmtp.sock")
        postern = self.postern(Settings(listeners={f"unix:{path}": 'mode = "0600"'},
                                        hops={sink.address: ""}))
        # Others have to get through the folder, which was not there.
        modes = subprocess.run(["stat", "-c", "%a", path, os.path.dirname(path)],
                               capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(modes, ["600", "755"])
        reply, = send(path, "ann@example.org", ["bob@example.com"], message(), is_lmtp=True)
        self.assertEqual(reply.code, 250)
        sink.wait_for(1)
        self.assert_nothing_left(postern)


if __name__ == "__main__":
    main()
