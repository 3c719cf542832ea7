#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""All messages of the corpus straight into Postern: a recording sink gets the very same bytes."""

import re

import corpus
from case import Case, Client, Sink, main, normalised, split_ours
from lab.sink import KEYWORDS

WITHOUT_CHUNKING = tuple(word for word in KEYWORDS if word != "CHUNKING")


class CorpusDirect(Case):
    def carry(self, sink: Sink, is_lmtp: bool, **options) -> None:
        postern = self.between(sink, inside="protocol = lmtp" if is_lmtp else "", **options)
        names = corpus.names()
        self.assertGreater(len(names), 400)
        with Client(postern.ports[0], is_lmtp) as client:
            for number, name in enumerate(names):
                reply, = client.send("ann@example.org", [f"{number}@example.com"],
                                     corpus.read(name))
                self.assertEqual(reply.code, 250, f"{name}: {reply}")
        arrived = {message.recipients[0].decode(): message
                   for message in sink.wait_for(len(names), 60)}
        self.assertEqual(len(sink.taken()), len(names))
        for number, name in enumerate(names):
            message = arrived[f"{number}@example.com"]
            received, below = split_ours(message.content)
            self.assertEqual(below, normalised(corpus.read(name)), name)
            self.assertFalse(message.has_bare_newline, name)
            self.assertRegex(received, rb"by filter\.postern\.test \(Postern\) with "
                             + (b"LMTP" if is_lmtp else b"ESMTP") + rb" id [0-9A-Za-z]{11};")
        self.assert_nothing_left(postern)
        self.assertEqual(len(postern.log_lines("status=sent .*body=same")), len(names))
        digests = [re.search(r"digest=([0-9a-f]{32})", line)
                   for line in postern.log_lines("status=sent")]
        self.assertTrue(all(digests))

    def test_smtp_to_smtp_by_data(self) -> None:
        self.carry(self.sink(keywords=WITHOUT_CHUNKING), is_lmtp=False)

    def test_lmtp_to_smtp_by_bdat(self) -> None:
        sink = self.sink()
        self.carry(sink, is_lmtp=True)
        self.assertTrue(all(message.by_bdat for message in sink.taken()))

    def test_smtp_to_lmtp_by_relay(self) -> None:
        self.carry(self.sink(is_lmtp=True), is_lmtp=False, lines={"handoff": "relay"})

    def test_smtp_to_a_server_that_can_nothing(self) -> None:
        self.carry(self.sink(keywords=()), is_lmtp=False)

    def test_trace_off_leaves_every_byte(self) -> None:
        sink = self.sink()
        postern = self.between(sink, lines={"trace": "no"})
        names = corpus.names()[:40]
        with Client(postern.ports[0]) as client:
            for number, name in enumerate(names):
                client.send("ann@example.org", [f"{number}@example.com"], corpus.read(name))
        for message in sink.wait_for(len(names)):
            name = names[int(message.recipients[0].split(b"@")[0])]
            self.assertEqual(message.content, normalised(corpus.read(name)), name)


if __name__ == "__main__":
    main()
