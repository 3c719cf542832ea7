#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Many recipients: a thousand at once, and messages that Postfix splits."""

import re

from case import Case, Client, Stand, main, message, wait_until

THOUSAND = [f"r{number}@example.com" for number in range(1000)]


class Recipients(Case):
    protocol = "lmtp"

    def deliver(self, stand: Stand, recipients: list[str]) -> str:
        with Client(stand.postfix.port_in) as client:
            reply, = client.send("ann@example.org", recipients, message())
        self.assertEqual(reply.code, 250)
        return reply.text.split()[-1]

    def assert_each_once(self, stand: Stand, recipients: list[str]) -> None:
        def reached() -> list[str]:
            return sorted(path.decode() for taken in stand.sink.taken()
                          for path in taken.recipients)
        stand.sink.wait_for(1)
        wait_until(lambda: len(reached()) >= len(recipients), 60, "all recipients")
        self.assertEqual(reached(), sorted(recipients))
        self.assert_nothing_left(stand.postern)

    def test_thousand_in_one_transaction(self) -> None:
        stand = self.stand(protocol=self.protocol)
        self.deliver(stand, THOUSAND)
        self.assert_each_once(stand, THOUSAND)
        self.assertEqual(len(stand.postern.log_lines(r"smtp\[.*nrcpt=1000")), 1)

    def test_split_by_postfix_into_parallel_transactions(self) -> None:
        stand = self.stand(protocol=self.protocol, recipient_limit=50)
        queue_id = self.deliver(stand, THOUSAND)
        self.assert_each_once(stand, THOUSAND)
        lines = stand.postern.log_lines(rf"smtp\[.*queue_id={queue_id}.*nrcpt=50")
        self.assertEqual(len(lines), 20)
        ids = {re.search(r"\]: (\w{11}): ", line).group(1) for line in lines}  # type: ignore
        self.assertEqual(len(ids), 20)
        self.assertEqual(len(stand.postfix.log_lines(f"orig_queue_id={queue_id}")), 20)

    def test_same_recipient_twice_is_told_twice_over_lmtp(self) -> None:
        sink = self.sink()
        postern = self.between(sink, inside="protocol = lmtp")
        with Client(postern.ports[0], is_lmtp=True) as client:
            replies = client.send("ann@example.org", ["bob@example.com"] * 2, message())
        self.assertEqual([reply.code for reply in replies], [250, 250])
        sink.wait_for(1)
        self.assert_nothing_left(postern)

    def test_more_than_allowed_are_refused_one_by_one(self) -> None:
        sink = self.sink()
        postern = self.between(sink, lines={"max_recipients": "10"})
        with Client(postern.ports[0]) as client:
            replies = client.envelope("ann@example.org", THOUSAND[:12])
            self.assertEqual([reply.code for reply in replies], [250] * 11 + [452] * 2)
            self.assertIn("4.5.3", replies[-1].text)
            self.assertEqual(client.data(message())[0].code, 250)
        taken, = sink.wait_for(1)
        self.assertEqual(len(taken.recipients), 10)


class RecipientsSmtp(Recipients):
    protocol = "smtp"
    # What is the same for both stands above.
    test_same_recipient_twice_is_told_twice_over_lmtp = None  # type: ignore
    test_more_than_allowed_are_refused_one_by_one = None  # type: ignore


if __name__ == "__main__":
    main()
