#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a client says about a message reaches the final server through Postfix, Postern, Postfix."""

import re

from case import Case, Client, Message, Stand, main, message
from lab.samples import Sample, everyday

XFORWARD = ["NAME=mail.example.org ADDR=192.0.2.7 PORT=54321",
            "PROTO=ESMTP HELO=mail.example.org SOURCE=REMOTE"]


class Survive(Case):
    protocol = "lmtp"

    def carried(self, stand: Stand, sample: Sample, **options) -> Message:
        with Client(stand.postfix.port_in) as client:
            reply = client.send(sample.sender, sample.recipients, sample.content,
                                mail_params=sample.mail_params, rcpt_params=sample.rcpt_params,
                                **options)[0]
        self.assertEqual(reply.code, 250, str(reply))
        arrived, = stand.sink.wait_for(1)
        stand.sink.forget()
        queue_id = reply.text.split()[-1]
        self.assertEqual(len(stand.postfix.log_lines(rf"reinject.*orig_queue_id={queue_id}")), 1)
        self.assertEqual(arrived.xforward["IDENT"].decode(), queue_id)
        self.assertTrue(arrived.content.endswith(sample.content), sample.name)
        self.assertEqual(sorted(path.decode() for path in arrived.recipients),
                         sorted(sample.recipients))
        self.assertEqual(arrived.sender.decode(), sample.sender)
        return arrived

    def test_every_parameter(self) -> None:
        stand = self.stand(protocol=self.protocol)
        for sample in everyday():
            with self.subTest(sample.name):
                arrived = self.carried(stand, sample)
                words = arrived.sender_params.split()
                self.assertEqual(b"BODY=8BITMIME" in words, "BODY" in sample.mail_params)
                self.assertEqual(b"SMTPUTF8" in words, "SMTPUTF8" in sample.mail_params)
        self.dsn(stand)
        self.xforward(stand)
        self.size(stand)
        self.assert_nothing_left(stand.postern)

    def dsn(self, stand: Stand) -> None:
        arrived = self.carried(stand, Sample(
            "DSN", "ann@example.org", ["bob@example.com"], message(),
            "RET=HDRS ENVID=QQ+2B314159", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Bbob@example.com"))
        self.assertIn(b"RET=HDRS", arrived.sender_params)
        self.assertIn(b"ENVID=QQ+2B314159", arrived.sender_params)
        self.assertIn(b"ORCPT=rfc822;old+2Bbob@example.com", arrived.recipient_params[0])
        self.assertIn(b"NOTIFY=SUCCESS,DELAY", arrived.recipient_params[0])

    def xforward(self, stand: Stand) -> None:
        sample = Sample("XFORWARD", "ann@example.org", ["bob@example.com"], message())
        arrived = self.carried(stand, sample, xforward=XFORWARD)
        for name, value in (("NAME", b"mail.example.org"), ("ADDR", b"192.0.2.7"),
                            ("PORT", b"54321"), ("PROTO", b"ESMTP"),
                            ("HELO", b"mail.example.org"), ("SOURCE", b"REMOTE")):
            self.assertEqual(arrived.xforward.get(name), value, name)
        self.assertEqual(len(stand.postfix.log_lines(
            r"reinject.*orig_client=mail\.example\.org\[192\.0\.2\.7\]")), 1)

    def size(self, stand: Stand) -> None:
        """Postfix declares SIZE to Postern; what Postern declares is at least what it sends."""
        sample = Sample("SIZE", "ann@example.org", ["bob@example.com"], message(size=100_000))
        arrived = self.carried(stand, sample)
        declared = re.search(rb"SIZE=(\d+)", arrived.sender_params)
        assert declared is not None
        self.assertGreaterEqual(int(declared.group(1)), len(arrived.content) - 600)

    def test_too_large_for_the_next_hop_comes_back_as_a_bounce(self) -> None:
        stand = self.stand(protocol=self.protocol, reinject={"message_size_limit": "100000"})
        with Client(stand.postfix.port_in) as client:
            client.send("ann@example.org", ["bob@example.com"], message(size=150_000))
        # 5xx there: over spool hand-off it is Postern that owes the sender a bounce.
        bounce, = stand.sink.wait_for(1)
        self.assertEqual((bounce.sender, bounce.recipients), (b"", [b"ann@example.org"]))
        self.assertIn(b"5.3.4", bounce.content)


class SurviveSmtp(Survive):
    protocol = "smtp"


if __name__ == "__main__":
    main()
