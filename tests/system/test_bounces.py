#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""With spool hand-off, Postern owes the sender what RFC 3461 promises."""

import spoolfile
from case import Case, Message, Postern, Sink, main, message, send, wait_until
from lab.sink import KEYWORDS

WITHOUT_DSN = tuple(word for word in KEYWORDS if word != "DSN")


class Bounces(Case):
    def refusing(self, **options) -> tuple[Sink, Postern]:
        """A next hop that knows none of bad...@, and a Postern before it."""
        sink = self.sink(**options)
        sink.script.rcpt = lambda path: "550 5.1.1 no such user" if path.startswith(b"bad") \
            else "250 2.1.5 Ok"
        return sink, self.between(sink, spool={"retry": '{"1s"}'})

    def bounce(self, sink: Sink) -> Message:
        notices = wait_until(lambda: [taken for taken in sink.taken() if taken.sender == b""], 20,
                             "a notice")
        assert isinstance(notices, list)
        self.assertEqual(len(notices), 1)
        return notices[0]

    def test_failure_notice(self) -> None:
        sink, postern = self.refusing()
        send(postern.ports[0], "ann@example.org", ["bad@example.com", "good@example.com"],
             message("the subject"), mail_params="RET=HDRS ENVID=abc+2Bdef",
             rcpt_params="ORCPT=rfc822;old@example.com NOTIFY=FAILURE,DELAY")
        notice = self.bounce(sink)
        self.assertEqual(notice.recipients, [b"ann@example.org"])
        self.assertIn(b"NOTIFY=NEVER", notice.recipient_params[0])
        self.assertIn(b"multipart/report", notice.header("Content-Type"))
        for text in (b"Reporting-MTA: dns; filter.postern.test",
                     b"Original-Envelope-Id: abc+def",
                     b"Original-Recipient: rfc822; old@example.com",
                     b"Final-Recipient: rfc822; bad@example.com", b"Action: failed",
                     b"Status: 5.1.1", b"Diagnostic-Code: smtp; 550 5.1.1 no such user",
                     b"Subject: the subject"):
            self.assertIn(spaced(text), spaced(notice.content))
        self.assertNotIn(b"good@example.com", notice.content)
        self.assertNotIn(b"Hello.", notice.content, "RET=HDRS, yet the body is in it")
        self.assert_nothing_left(postern)

    def test_none_for_the_null_sender(self) -> None:
        sink, postern = self.refusing()
        send(postern.ports[0], "", ["bad@example.com"], message())
        # Never dropped without a trace: a human is told.
        postern.wait_log("alarm: |status=discarded")
        self.assertEqual(sink.taken(), [])

    def test_none_where_notify_says_never(self) -> None:
        sink, postern = self.refusing()
        send(postern.ports[0], "ann@example.org", ["bad@example.com"], message(),
             rcpt_params="NOTIFY=NEVER")
        postern.wait_log("status=discarded")
        wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")
        self.assertEqual(sink.taken(), [])

    def test_soft_bounce_keeps_the_message(self) -> None:
        sink, postern = self.refusing()
        postern.settings.lines["soft_bounce"] = "yes"
        postern.reload()
        send(postern.ports[0], "ann@example.org", ["bad@example.com"], message())
        postern.wait_log(r"status=deferred \(", count=2)
        self.assertEqual(sink.taken(), [])
        sink.script.rcpt = lambda path: "250 2.1.5 Ok"
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"bad@example.com"])

    def test_held_instead_where_the_setting_says_so(self) -> None:
        sink, postern = self.refusing()
        postern.settings.lines["on_next_hop_reject"] = "hold"
        postern.reload()
        send(postern.ports[0], "ann@example.org", ["bad@example.com"], message())
        wait_until(lambda: len(spoolfile.live(postern.spool, "hold")) == 1, 10, "a held message")
        self.assertEqual(sink.taken(), [])

    def test_expired_message_bounces(self) -> None:
        sink = self.sink()
        sink.script.rcpt = lambda path: "450 4.2.0 mailbox is locked" if path.startswith(b"late") \
            else "250 2.1.5 Ok"
        postern = self.between(sink, spool={"retry": '{"1s"}', "lifetime": "3s"})
        send(postern.ports[0], "ann@example.org", ["late@example.com"], message())
        notice = self.bounce(sink)
        self.assertIn(b"Action: failed", notice.content)
        self.assertIn(b"late@example.com", notice.content)
        self.assertIn(b"mailbox is locked", notice.content)
        self.assert_nothing_left(postern)

    def test_delay_warning_is_sent_once(self) -> None:
        sink = self.sink()
        sink.script.rcpt = lambda path: "450 4.2.0 mailbox is locked" if path.startswith(b"late") \
            else "250 2.1.5 Ok"
        postern = self.between(sink, spool={"retry": '{"1s"}'}, lines={"delay_warning": "2s"})
        send(postern.ports[0], "ann@example.org", ["late@example.com"], message())
        notice = self.bounce(sink)
        self.assertIn(b"Action: delayed", notice.content)
        tries = len(postern.log_lines(r"status=deferred \("))
        postern.wait_log(r"status=deferred \(", count=tries + 2)
        self.bounce(sink)
        sink.script.rcpt = lambda path: "250 2.1.5 Ok"
        wait_until(lambda: len(sink.taken()) == 2, 20, "the message itself")
        self.assert_nothing_left(postern)

    def test_relayed_notice_where_the_next_hop_has_no_dsn(self) -> None:
        sink, postern = self.refusing(keywords=WITHOUT_DSN)
        send(postern.ports[0], "warm@example.org", ["up@example.com"], message())
        sink.wait_for(1)
        sink.forget()
        postern.wait_log("learned")
        send(postern.ports[0], "ann@example.org", ["good@example.com"], message())
        sink.wait_for(1)
        self.assertEqual(sink.taken()[0].recipient_params, [b""])
        self.assert_nothing_left(postern)

    def test_relayed_notice_is_owed_when_dsn_was_offered_before(self) -> None:
        """Offered while the next hop was unknown; then it turns out that it cannot."""
        sink, postern = self.refusing(keywords=WITHOUT_DSN)
        send(postern.ports[0], "ann@example.org", ["good@example.com"], message(),
             rcpt_params="NOTIFY=SUCCESS")
        notice = self.bounce(sink)
        self.assertIn(b"Action: relayed", notice.content)
        self.assertIn(b"good@example.com", notice.content)
        carried = [taken for taken in sink.taken() if taken.sender]
        self.assertEqual([taken.recipient_params for taken in carried], [[b""]])
        self.assert_nothing_left(postern)

    def test_smtputf8_original(self) -> None:
        sink, postern = self.refusing()
        send(postern.ports[0], "jörg@example.org", ["badé@example.com"], message(),
             mail_params="BODY=8BITMIME SMTPUTF8")
        notice = self.bounce(sink)
        self.assertEqual(notice.recipients[0].decode(), "jörg@example.org")
        self.assertIn(b"SMTPUTF8", notice.sender_params)
        self.assertIn("badé@example.com".encode(), notice.content)
        self.assertIn(b"message/global-delivery-status", notice.content)


def spaced(text: bytes) -> bytes:
    """With one blank where there is white space, and one behind each semicolon."""
    return b" ".join(text.replace(b";", b"; ").split())


if __name__ == "__main__":
    main()
