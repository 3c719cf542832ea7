#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""All messages of the corpus through Postfix, Postern and Postfix.

What arrives is compared with what Postfix alone delivers of the same message: the only difference
is our Received field and that of the second pass.
"""

import corpus
from case import OUR_RECEIVED, Case, Client, Message, Sink, main


def without_received(content: bytes, count: int) -> bytes:
    for _ in range(count):
        found = OUR_RECEIVED.match(content)
        assert found, content[:400]
        content = content[found.end():]
    return content


class CorpusPostfix(Case):
    def feed(self, port: int) -> None:
        with Client(port) as client:
            for number, name in enumerate(corpus.names()):
                reply, = client.send("ann@example.org", [f"{number}@example.com"],
                                     corpus.with_crlf(corpus.read(name)))
                self.assertEqual(reply.code, 250, f"{name}: {reply}")

    def collect(self, sink: Sink) -> dict[int, Message]:
        count = len(corpus.names())
        arrived = {int(message.recipients[0].split(b"@")[0]): message
                   for message in sink.wait_for(count, 90)}
        self.assertEqual(sorted(arrived), list(range(count)))
        self.assertEqual(len(sink.taken()), count)
        return arrived

    def compare(self, protocol: str) -> None:
        alone = self.sink()
        plain = self.plain_postfix(alone)
        stand = self.stand(protocol=protocol)
        self.feed(plain.port_in)
        self.feed(stand.postfix.port_in)
        expected, arrived = self.collect(alone), self.collect(stand.sink)
        as_sent = 0
        for number, name in enumerate(corpus.names()):
            content = arrived[number].content
            below = without_received(content, 3)
            self.assertEqual(below, without_received(expected[number].content, 1), name)
            self.assertIn(b"(Postern)", content[:len(content) - len(below)])
            sent = corpus.with_crlf(corpus.read(name))
            as_sent += below == (sent if sent.endswith(b"\r\n") else sent + b"\r\n")
        # Most of the corpus needs no mending by Postfix: then nothing at all may differ.
        self.assertGreater(as_sent, 300)
        self.assert_nothing_left(stand.postern)
        self.assertEqual(stand.postfix.log_lines("status=(deferred|bounced)"), [])

    def test_over_lmtp(self) -> None:
        self.compare("lmtp")

    def test_over_smtp(self) -> None:
        self.compare("smtp")


if __name__ == "__main__":
    main()
