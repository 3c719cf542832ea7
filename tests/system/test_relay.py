#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Relay hand-off: the reply is the outcome; what cannot be told in one reply is taken over."""

import time

import spoolfile
from case import Case, Client, Postern, Sink, main, message, send, wait_until
from lab.client import Reply
from load import Load

RECIPIENTS = ["good@example.com", "late@example.com", "bad@example.com"]
VERDICTS = {b"good": "250 2.1.5 Ok", b"late": "450 4.2.0 come again", b"bad": "550 5.1.1 unknown"}


class Relay(Case):
    def relay(self, sink: Sink, inside: str = "", **lines: str) -> Postern:
        return self.between(sink, inside=inside, lines={"handoff": "relay", **lines},
                            spool={"remember": "1h", "retry": '{"1s"}'}, hop="dead_time = 1s  timeout = 5s")

    def reply_for(self, dot: str) -> Reply:
        sink = self.sink()
        sink.script.dot = lambda taken: dot
        postern = self.relay(sink)
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")
        self.assertEqual(postern.log_lines("notice="), [])
        return reply

    def test_next_hop_2xx(self) -> None:
        self.assertEqual(self.reply_for("250 2.0.0 Ok: queued as 4Zb1yn0QZrzB").code, 250)

    def test_next_hop_4xx(self) -> None:
        reply = self.reply_for("452 4.3.1 disk full over there")
        self.assertEqual(reply.code, 452)
        self.assertIn("4.3.1 disk full over there", reply.text)

    def test_next_hop_5xx(self) -> None:
        reply = self.reply_for("554 5.4.0 too many hops")
        self.assertEqual(reply.code, 554)
        self.assertIn("5.4.0 too many hops", reply.text)

    def test_connection_lost_behind_the_dot_is_temporary(self) -> None:
        sink = self.sink()
        sink.script.dot = lambda taken: None
        postern = self.relay(sink)
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.assertEqual(reply.code // 100, 4)

    def test_next_hop_gone(self) -> None:
        sink = self.sink()
        postern = self.relay(sink)
        sink.drop()
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.assertEqual(reply.code // 100, 4, str(reply))
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_lmtp_tells_each_recipient(self) -> None:
        sink = self.sink()
        sink.script.rcpt = lambda path: VERDICTS[path.split(b"@")[0]]
        postern = self.relay(sink, inside="protocol = lmtp")
        replies = send(postern.ports[0], "ann@example.org", RECIPIENTS, message(), is_lmtp=True)
        self.assertEqual([reply.code for reply in replies], [250, 450, 550])
        self.assertEqual(len(sink.taken()), 1)
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_smtp_takes_over_what_one_reply_cannot_tell(self) -> None:
        sink = self.sink()
        late = {"is": True}

        def rcpt(path: bytes) -> str:
            if path.startswith(b"late") and not late["is"] or path.startswith(b"ann"):
                return "250 2.1.5 Ok"
            return VERDICTS[path.split(b"@")[0]]

        sink.script.rcpt = rcpt
        postern = self.relay(sink)
        reply, = send(postern.ports[0], "ann@example.org", RECIPIENTS, message())
        self.assertEqual(reply.code, 250)
        postern.wait_log("taken over")
        late["is"] = False

        def reached() -> list[bytes]:
            return sorted(path for taken in sink.taken() for path in taken.recipients)
        expected = [b"ann@example.org", b"good@example.com", b"late@example.com"]
        wait_until(lambda: len(reached()) >= 3, 20, "good, late, and the bounce for bad")
        self.assertEqual(reached(), expected)
        self.assert_nothing_left(postern)

    def test_large_messages_too(self) -> None:
        sink = self.sink()
        postern = self.relay(sink)
        content = message(size=3_000_000)
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], content)
        self.assertEqual(reply.code, 250)
        self.assertTrue(sink.wait_for(1)[0].content.endswith(content))
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_client_gone_before_our_dot_aborts(self) -> None:
        # With CHUNKING everything would be on its way before the first reply.
        sink = self.sink(keywords=("PIPELINING", "8BITMIME"))
        sink.script.mail = lambda path: time.sleep(1) or "250 2.1.0 Ok"
        postern = self.relay(sink)
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            client.expect(3, "DATA")
            client.write(message() + b".\r\n")
            time.sleep(0.3)
        time.sleep(1.5)
        self.assertEqual(sink.taken(), [])
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_client_gone_behind_our_dot_and_back_gets_the_outcome(self) -> None:
        """It comes again with the same message: told what happened, nothing is sent twice."""
        sink = self.sink()
        sink.script.dot_delay = 1
        postern = self.relay(sink)
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            client.expect(3, "DATA")
            client.write(message() + b".\r\n")
            time.sleep(0.6)
        sink.wait_for(1)
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.assertEqual(reply.code, 250)
        time.sleep(1.2)
        self.assertEqual(len(sink.taken()), 1)

    def test_many_at_once(self) -> None:
        sink = self.sink()
        postern = self.relay(sink)
        Load(postern.ports[0], 300).start().join()
        self.assertEqual(len(sink.taken()), 300)
        self.assertEqual(spoolfile.live(postern.spool), [])

    def test_with_postfix(self) -> None:
        """Postfix keeps the mail while the final decision is open, and bounces by itself."""
        stand = self.stand()
        stand.postern.settings.lines["handoff"] = "relay"
        stand.postern.reload()
        send(stand.postfix.port_in, "ann@example.org", ["bob@example.com"], message())
        taken = stand.sink.wait_for(1)[0]
        self.assertEqual(taken.recipients, [b"bob@example.com"])
        self.assertEqual(stand.postern.log_lines("handoff=spool"), [])
        self.assertEqual(len(stand.postern.log_lines(r"smtp\[.*handoff=relay")), 1)


if __name__ == "__main__":
    main()
