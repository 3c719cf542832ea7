#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The next hop is killed, stands still, or refuses some recipients: each recipient ends once."""

import ssl
import threading
import time

from case import Case, Client, Message, Settings, Sink, main, message, ports, send, wait_until
from load import Load

FAST = {"retry": '{"1s", "1s", "2s"}'}
HOP = "dead_time = 1s  connect_timeout = 2s"


class NextHop(Case):
    def once_each(self, sink: Sink, count: int) -> None:
        wait_until(lambda: len(sink.taken()) >= count, 60, f"{count} messages")
        reached = [taken.recipients[0] for taken in sink.taken()]
        self.assertEqual(len(reached), len(set(reached)))
        self.assertEqual(len(reached), count)

    def test_gone_and_back(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool=FAST, hop=HOP)
        load = Load(postern.ports[0], 300)
        sink.drop()
        load.start().join()
        self.assertEqual(load.trouble, [])
        postern.wait_log(r"status=deferred \(")
        sink.start()
        self.once_each(sink, 300)
        self.assert_nothing_left(postern)

    def test_killed_under_load(self) -> None:
        """A connection that breaks before the dot costs a try; behind it, the copy is explained."""
        sink = self.sink()
        postern = self.between(sink, spool=FAST, hop=HOP)
        load = Load(postern.ports[0], 600).start()
        for count in (50, 150):
            wait_until(lambda: len(sink.taken()) > count, 30, "mail to flow")
            sink.drop()
            sink.start()
        load.join()
        self.assertEqual(load.trouble, [])
        wait_until(lambda: len({taken.recipients[0] for taken in sink.taken()}) == 600, 60,
                   "all recipients")
        self.assert_nothing_left(postern)
        # Lost behind the dot: the sink had it, Postern could not know.
        reached = [taken.recipients[0].decode() for taken in sink.taken()]
        for recipient in {path for path in reached if reached.count(path) > 1}:
            self.assertIn(recipient, postern.recipients_with("deferred"))

    def test_standing_still(self) -> None:
        """It accepts connections and says nothing, like a stopped process."""
        sink = self.sink()
        postern = self.between(sink, spool=FAST, hop=HOP + "  timeout = 1s  dot_timeout = 2s")
        go_on = threading.Event()
        sink.freeze(go_on)
        load = Load(postern.ports[0], 40).start().join()
        self.assertEqual(load.trouble, [])
        postern.wait_log(r"status=deferred \(", count=3)
        go_on.set()
        wait_until(lambda: len({taken.recipients[0] for taken in sink.taken()}) == 40, 60,
                   "all recipients")
        self.assert_nothing_left(postern)

    def test_some_recipients_4xx_some_5xx(self) -> None:
        sink = self.sink()
        tries: dict[bytes, int] = {}

        def rcpt(path: bytes) -> str:
            tries[path] = tries.get(path, 0) + 1
            if path.startswith(b"bad"):
                return "550 5.1.1 no such user"
            if path.startswith(b"late") and tries[path] < 3:
                return "450 4.2.0 come again"
            return "250 2.1.5 Ok"

        sink.script.rcpt = rcpt
        postern = self.between(sink, spool=FAST)
        recipients = [f"{kind}{number}@example.com" for number in range(10)
                      for kind in ("good", "late", "bad")]
        reply, = send(postern.ports[0], "ann@example.org", recipients, message())
        self.assertEqual(reply.code, 250)

        def reached() -> list[str]:
            return sorted(path.decode() for taken in sink.taken() if taken.sender
                          for path in taken.recipients)
        good = sorted(path for path in recipients if not path.startswith("bad"))
        wait_until(lambda: len(reached()) >= len(good), 30, "good and late recipients")
        self.assertEqual(reached(), good)
        bounces = self.bounces(sink, 1)
        for number in range(10):
            self.assertIn(f"Final-Recipient: rfc822; bad{number}@example.com".encode(),
                          bounces[0].content.replace(b"rfc822;bad", b"rfc822; bad"))
        self.assertNotIn(b"Final-Recipient: rfc822; good", bounces[0].content)
        self.assert_nothing_left(postern)
        self.assertEqual(sorted(path for path in postern.recipients_with("sent")
                                if path != "ann@example.org"), good)
        self.assertEqual(len(postern.recipients_with("deferred")), 20)
        self.assertEqual(len(postern.recipients_with("(bounced|failed)")), 10)

    def bounces(self, sink: Sink, count: int) -> list[Message]:
        def found() -> list[Message]:
            return [taken for taken in sink.taken() if taken.sender == b""]
        wait_until(lambda: len(found()) >= count, 30, "bounces")
        self.assertEqual(len(found()), count)
        return found()

    def test_lmtp_hop_answers_for_each_recipient(self) -> None:
        sink = self.sink(is_lmtp=True)
        seen = []

        def dot(taken: Message) -> list[str]:
            seen.append(list(taken.recipients))
            verdicts = {b"good": "250 2.0.0 Ok", b"late": "450 4.2.0 later", b"bad": "550 5.2.2 full"}
            if len(seen) > 1:
                verdicts[b"late"] = "250 2.0.0 Ok"
            return [verdicts[path.split(b"@")[0]] if taken.sender else "250 2.0.0 Ok"
                    for path in taken.recipients]

        sink.script.dot = dot
        postern = self.between(sink, spool=FAST)
        send(postern.ports[0], "ann@example.org",
             ["good@example.com", "late@example.com", "bad@example.com"], message())
        wait_until(lambda: "late@example.com" in postern.recipients_with("sent"), 20, "late to go")
        self.assert_nothing_left(postern)
        self.assertEqual(sum(path == b"good@example.com" for row in seen for path in row), 1)
        self.assertEqual(sum(path == b"late@example.com" for row in seen for path in row), 2)
        self.assertEqual(sum(path == b"bad@example.com" for row in seen for path in row), 1)
        self.assertEqual(sum(path == b"ann@example.org" for row in seen for path in row), 1)

    def test_too_many_recipients_for_one_transaction(self) -> None:
        """452 4.5.3 after some: the rest goes at once in the next one."""
        sink = self.sink()
        count = {"now": 0}

        def mail(_path: bytes) -> str:
            count["now"] = 0
            return "250 2.1.0 Ok"

        def rcpt(_path: bytes) -> str:
            count["now"] += 1
            return "250 2.1.5 Ok" if count["now"] <= 10 else "452 4.5.3 too many recipients"

        sink.script.mail, sink.script.rcpt = mail, rcpt
        postern = self.between(sink, spool={"retry": '{"1h"}'})
        recipients = [f"r{number}@example.com" for number in range(35)]
        send(postern.ports[0], "ann@example.org", recipients, message())
        sink.wait_for(4)
        self.assertEqual(sorted(path.decode() for taken in sink.taken()
                                for path in taken.recipients), sorted(recipients))
        self.assert_nothing_left(postern)

    def test_backup_takes_over(self) -> None:
        first, second = self.sink(), self.sink()
        postern = self.between(first, hop=f'backup = {{"{second.address}"}}  ' + HOP)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        first.wait_for(1)
        first.drop()
        for number in range(5):
            send(postern.ports[0], "ann@example.org", [f"n{number}@example.com"], message())
        self.once_each(second, 5)
        self.assert_nothing_left(postern)

    def test_greeting_and_session_5xx_are_temporary(self) -> None:
        sink = self.sink()
        sink.script.greeting = lambda session: "554 5.3.2 not today" if session < 3 \
            else "220 welcome"
        postern = self.between(sink, spool=FAST, hop=HOP)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)
        self.assert_nothing_left(postern)
        self.assertEqual([taken for taken in sink.taken() if taken.sender == b""], [])

    def test_two_routes(self) -> None:
        left, right = self.sink(), self.sink()
        postern = self.between(left, hop='name = "left"')
        postern.settings.hops[right.address] = 'name = "right"'
        port = ports.take()
        postern.settings.listeners[f"inet:127.0.0.1:{port}"] = 'next_hop = "right"'
        postern.stop()
        postern.start()
        send(port, "ann@example.org", ["right@example.com"], message())
        send(postern.ports[0], "ann@example.org", ["left@example.com"], message())
        self.assertEqual(right.wait_for(1)[0].recipients, [b"right@example.com"])
        self.assertEqual(left.wait_for(1)[0].recipients, [b"left@example.com"])

    def tls_sink(self) -> tuple[Sink, str]:
        cert, key = self.certificate("sink.postern.test")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        return self.sink(tls=context), cert

    def test_tls_required(self) -> None:
        sink, cert = self.tls_sink()
        postern = self.between(sink, hop=f'tls = require  tls_ca = "{cert}"')
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message(size=300_000))
        self.assertTrue(sink.wait_for(1)[0].by_tls)
        self.assert_nothing_left(postern)

    def test_tls_required_and_not_offered_waits(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop="tls = require", spool=FAST)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log(r"status=deferred \(", count=2)
        self.assertEqual(sink.messages, [])

    def test_tls_with_a_stranger_waits(self) -> None:
        sink, _ = self.tls_sink()
        other, _ = self.certificate("other.postern.test")
        postern = self.between(sink, hop=f'tls = require  tls_ca = "{other}"  dead_time = 1s',
                               spool=FAST)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log(r"status=deferred \(", count=2)
        self.assertEqual(sink.messages, [])

    def test_tls_may(self) -> None:
        sink, _ = self.tls_sink()
        plain = self.sink()
        for server, by_tls in ((sink, True), (plain, False)):
            port = ports.take()
            self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                  hops={server.address: "tls = may"}), f"tls-{by_tls}")
            send(port, "ann@example.org", ["bob@example.com"], message())
            self.assertEqual(server.wait_for(1)[0].by_tls, by_tls)

    def test_server_that_collects_replies(self) -> None:
        """It sends the next small one when the one before is acknowledged, for which the kernel
        alone takes 40 ms (and does not in a connection's first exchanges)."""
        for name, options in (("bdat", {}), ("data", {"keywords": ("PIPELINING",)}),
                              ("lmtp", {"keywords": ("PIPELINING",), "is_lmtp": True})):
            with self.subTest(name):
                self.assertLess(min(self.times_through(name, self.sink(collects=True, **options))),
                                0.03)

    def times_through(self, name: str, sink: Sink) -> list[float]:
        """Of the last 30 of 60 messages over one connection."""
        port = ports.take()
        protocol = "protocol = lmtp  " if sink.is_lmtp else ""
        self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                              hops={sink.address: protocol + "connections = 2"},
                              lines={"workers": "1", "handoff": "relay"}), name, verbose=False)
        took = []
        with Client(port) as client:
            for _ in range(60):
                begin = time.monotonic()
                client.send("ann@example.org", ["bob@example.com", "eve@example.com"],
                            message("again"))
                took.append(time.monotonic() - begin)
        return took[30:]

    def test_unix_socket(self) -> None:
        sink = self.sink(path=self.path("sink.sock"), is_lmtp=True)
        postern = self.between(sink)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)
        self.assert_nothing_left(postern)

    def test_connections_are_kept_and_bounded(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop="connections = 4")
        Load(postern.ports[0], 200).start().join()
        self.once_each(sink, 200)
        self.assertLessEqual(sink.sessions, 8)
        with Client(postern.ports[0]) as client:
            client.send("ann@example.org", ["last@example.com"], message())
        self.once_each(sink, 201)


if __name__ == "__main__":
    main()
