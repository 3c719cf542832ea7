#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same message twice: a second try joins the first for each recipient and hears its outcome."""

import os
import re
import signal
import socket
import threading
import time
from typing import Callable, Sequence

import spoolfile
from case import Case, Client, Postern, Sink, main, message, send, wait_until
from lab.client import Refused, Reply

ANN, BOB, CAROL = "ann@example.org", "bob@example.com", "carol@example.com"
IDENT = "IDENT=4Zb1ym3kXYz8"  # as Postfix tells its queue id
WAYS = [(handoff, is_lmtp) for handoff in ("spool", "relay") for is_lmtp in (False, True)]


class Join(Case):
    def joined(self, sink: Sink, handoff: str = "relay", is_lmtp: bool = False, workers: int = 2,
               spool: dict[str, str] | None = None, **lines: str) -> Postern:
        return self.between(sink, inside="protocol = lmtp" if is_lmtp else "",
                            lines={"handoff": handoff, "workers": str(workers), **lines},
                            spool={"remember": "1h", "retry": '{"1s"}', **(spool or {})},
                            hop="dead_time = 1s  timeout = 60s")

    def each_way(self, test: Callable[[Sink, Postern, bool], None], **options) -> None:
        for handoff, is_lmtp in WAYS:
            with self.subTest(handoff=handoff, lmtp=is_lmtp):
                self.folder_of(handoff, is_lmtp)
                sink = self.sink()
                test(sink, self.joined(sink, handoff, is_lmtp, **options), is_lmtp)

    def folder_of(self, handoff: str, is_lmtp: bool) -> None:
        """Each of several Posterns of a test needs a folder of its own."""
        base = getattr(self, "base", self.folder)
        self.base = base
        self.folder = os.path.join(base, f"{handoff}-{'lmtp' if is_lmtp else 'smtp'}")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)

    def send(self, postern: Postern, recipients: Sequence[str] = (BOB,), is_lmtp: bool = False,
             content: bytes = b"", **options) -> list[Reply]:
        options.setdefault("xforward", [IDENT])
        return send(postern.ports[0], ANN, recipients, content or message(), is_lmtp, **options)

    def unheard(self, postern: Postern, sink: Sink, is_lmtp: bool = False,
                is_named: bool = True) -> None:
        """The message is delivered, and its client has left without having read the reply."""
        with Client(postern.ports[0], is_lmtp) as client:
            self.begin(client, [BOB], is_named)
            client.write(message() + b".\r\n")
            sink.wait_for(1)
            client.socket.recv(1, socket.MSG_PEEK)

    @staticmethod
    def begin(client: Client, recipients: Sequence[str], is_named: bool = True) -> None:
        if is_named:
            client.expect(2, f"XFORWARD {IDENT}")
        client.envelope(ANN, recipients)
        client.expect(3, "DATA")

    def in_background(self, postern: Postern, recipients: Sequence[str] = (BOB,),
                      is_lmtp: bool = False) -> tuple[threading.Thread, list[Reply]]:
        replies: list[Reply] = []

        def work() -> None:
            try:
                replies.extend(self.send(postern, recipients, is_lmtp))
            except (ConnectionError, OSError):
                pass  # its worker was killed

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread, replies

    @staticmethod
    def recipients_at(sink: Sink) -> list[str]:
        return sorted(path.decode() for taken in sink.taken() for path in taken.recipients)

    def assert_joined(self, postern: Postern, count: int = 1) -> None:
        lines = postern.log_lines(r"smtp\[\d+\]: \S+: joined=")
        self.assertEqual(len(lines), count, lines)

    # Told before

    def test_unheard_reply(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            self.unheard(postern, sink, is_lmtp)
            reply, = self.send(postern, is_lmtp=is_lmtp)
            self.assertEqual(reply.code, 250)
            again, = self.send(postern, is_lmtp=is_lmtp)
            self.assertEqual(str(again), str(reply))
            self.assertEqual(self.recipients_at(sink), [BOB])
            self.assert_joined(postern, 2)
            self.assert_nothing_left(postern)

        self.each_way(test)

    def test_the_first_id_is_told(self) -> None:
        sink = self.sink()
        postern = self.joined(sink, "spool")
        first, = self.send(postern)
        again, = self.send(postern)
        self.assertRegex(first.text, r"Ok: queued as \S+")
        self.assertEqual(again.text, first.text)
        ident = first.text.split()[-1]
        line, = postern.log_lines("joined=")
        self.assertIn(f"joined={ident}, code=250, nrcpt=1, of=1", line)

    def test_some_recipients_only(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            self.send(postern, [BOB, "dave@example.com"], is_lmtp)
            wait_until(lambda: len(self.recipients_at(sink)) == 2, 10, "the first")
            replies = self.send(postern, [CAROL, BOB, "erin@example.com"], is_lmtp)
            self.assertEqual([reply.code for reply in replies], [250] * (3 if is_lmtp else 1))
            wait_until(lambda: len(self.recipients_at(sink)) == 4, 10, "all four")
            self.assertEqual(sink.taken()[-1].recipients, [CAROL.encode(), b"erin@example.com"])
            self.assert_joined(postern)
            self.assert_nothing_left(postern)

        self.each_way(test)

    def test_some_recipients_only_of_a_large_one(self) -> None:
        content = message(size=400_000)

        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            self.send(postern, [BOB], is_lmtp, content)
            wait_until(lambda: len(self.recipients_at(sink)) == 1, 10, "the first")
            self.send(postern, [BOB, CAROL], is_lmtp, content)
            wait_until(lambda: len(self.recipients_at(sink)) == 2, 10, "both")
            self.assertEqual(sink.taken()[-1].recipients, [CAROL.encode()])
            self.assertTrue(sink.taken()[-1].content.endswith(content))
            self.assert_nothing_left(postern)

        self.each_way(test)

    def test_equal_recipients_are_one(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            replies = self.send(postern, [BOB, CAROL, BOB, BOB], is_lmtp)
            self.assertEqual([reply.code for reply in replies], [250] * (4 if is_lmtp else 1))
            wait_until(lambda: len(self.recipients_at(sink)) == 2, 10, "both")
            self.assert_nothing_left(postern)
            self.assertEqual(self.recipients_at(sink), [BOB, CAROL])

        self.each_way(test)

    def test_what_differs_is_another(self) -> None:
        sink = self.sink()
        postern = self.joined(sink, "spool")
        self.send(postern)
        self.send(postern, content=message("another"))
        send(postern.ports[0], "zoe@example.org", [BOB], message(), xforward=[IDENT])
        self.send(postern, xforward=["IDENT=4Zb1ym3kXYz9"])
        self.send(postern, xforward=["IDENT=4Zb1ym3kXYzA"])
        self.send(postern, rcpt_params="NOTIFY=NEVER")
        sink.wait_for(6)
        self.assert_joined(postern, 0)
        self.send(postern, xforward=["IDENT=4Zb1ym3kXYzA"])
        self.assert_joined(postern)
        self.assert_nothing_left(postern)
        self.assertEqual(len(sink.taken()), 6)

    # Without a queue id

    def test_another_of_the_same_bytes(self) -> None:
        """Who has heard the answer does not mean the first message."""
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            for _ in range(2):
                self.assertEqual(self.send(postern, is_lmtp=is_lmtp, xforward=[])[0].code, 250)
            with Client(postern.ports[0], is_lmtp) as client:
                for _ in range(2):
                    self.assertEqual(client.send(ANN, [BOB], message())[0].code, 250)
            self.assertEqual(self.send(postern, is_lmtp=is_lmtp, xforward=[])[0].code, 250)
            self.assert_nothing_left(postern)
            self.assertEqual(self.recipients_at(sink), [BOB] * 5)
            self.assert_joined(postern, 0)

        self.each_way(test)

    def test_the_first_stays_and_says_nothing(self) -> None:
        """It has the answer, so that the second is another; how long it stays does not matter."""
        sink = self.sink()
        postern = self.joined(sink)
        with Client(postern.ports[0]) as first:
            self.begin(first, [BOB], is_named=False)
            first.write(message() + b".\r\n")
            self.assertEqual(first.read().code, 250)
            self.assertEqual(self.send(postern, xforward=[])[0].code, 250)
            self.assertEqual(first.command("NOOP").code, 250)
        self.assertEqual(self.recipients_at(sink), [BOB, BOB])
        self.assert_joined(postern, 0)

    def test_unheard_without_a_queue_id(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            self.unheard(postern, sink, is_lmtp, is_named=False)
            self.send(postern, is_lmtp=is_lmtp, xforward=[])
            self.assert_joined(postern)
            self.assertEqual(self.recipients_at(sink), [BOB])
            self.send(postern, is_lmtp=is_lmtp, xforward=[])  # now it is another
            self.assert_joined(postern)
            self.assert_nothing_left(postern)
            self.assertEqual(self.recipients_at(sink), [BOB, BOB])

        self.each_way(test)

    def test_many_of_the_same_bytes(self) -> None:
        for handoff in ("spool", "relay"):
            with self.subTest(handoff=handoff):
                self.folder_of(handoff, False)
                sink = self.sink()
                self.rush(self.joined(sink, handoff, workers=4), False)
                self.assertEqual(self.recipients_at(sink), [BOB] * 12 + [CAROL] * 12)

    # What is remembered

    def test_a_temporary_failure_is_not(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            sink.script.dot = lambda taken: "452 4.3.1 disk full over there"
            reply, = self.send(postern, is_lmtp=is_lmtp)
            if reply.code == 250:  # spool: Postern tries again by itself
                self.send(postern, is_lmtp=is_lmtp)
                self.assert_joined(postern)
            sink.script.dot = lambda taken: "250 2.0.0 Ok: queued as AGAIN"
            reply, = self.send(postern, is_lmtp=is_lmtp)
            self.assertEqual(reply.code, 250)
            self.assert_nothing_left(postern)
            self.assertEqual(self.recipients_at(sink), [BOB])

        self.each_way(test)

    def test_a_permanent_failure_is(self) -> None:
        for is_lmtp in (False, True):
            with self.subTest(lmtp=is_lmtp):
                self.folder_of("relay", is_lmtp)
                sink = self.sink()
                answers = ["250 2.0.0 Ok: queued as SECOND", "554 5.4.0 too many hops"]
                sink.script.dot = lambda taken, answers=answers: answers.pop()
                postern = self.joined(sink, "relay", is_lmtp)
                first, = self.send(postern, is_lmtp=is_lmtp)
                again, = self.send(postern, is_lmtp=is_lmtp)
                self.assertEqual(first.code, 554)
                self.assertEqual(str(again), str(first))
                self.assertEqual(len(answers), 1)  # asked once
                self.assert_joined(postern)

    def test_over_smtp_one_reply_takes_nothing_back(self) -> None:
        """bob was refused, carol accepted; both come again: bob has to get a bounce."""
        sink = self.sink()
        sink.script.rcpt = lambda path: ("550 5.1.1 unknown" if path.startswith(b"bob")
                                         else "250 2.1.5 Ok")
        postern = self.joined(sink)
        self.assertEqual(self.send(postern, [BOB])[0].code, 550)
        self.assertEqual(self.send(postern, [CAROL])[0].code, 250)
        self.assertEqual(self.send(postern, [BOB, CAROL])[0].code, 250)
        wait_until(lambda: len(sink.taken()) == 2, 10, "carol's message and the bounce for bob")
        self.assertEqual(self.recipients_at(sink), [ANN, CAROL])
        self.assert_nothing_left(postern)

    def test_lmtp_tells_each_what_he_was_told(self) -> None:
        verdicts = {b"good": "250 2.1.5 Ok", b"late": "450 4.2.0 come again",
                    b"bad": "550 5.1.1 unknown"}
        sink = self.sink()
        sink.script.rcpt = lambda path: verdicts[path.split(b"@")[0]]
        postern = self.joined(sink, "relay", True)
        people = ["good@example.com", "late@example.com", "bad@example.com"]
        first = self.send(postern, people, True)
        verdicts[b"late"] = verdicts[b"bad"] = "250 2.1.5 Ok"
        again = self.send(postern, people, True)
        self.assertEqual([reply.code for reply in first], [250, 450, 550])
        self.assertEqual([reply.code for reply in again], [250, 250, 550])
        self.assertEqual([str(first[0]), str(first[2])], [str(again[0]), str(again[2])])
        self.assertEqual(self.recipients_at(sink), ["good@example.com", "late@example.com"])

    def test_not_for_ever(self) -> None:
        sink = self.sink()
        postern = self.joined(sink, "spool", spool={"remember": "2s"})
        self.send(postern)
        self.send(postern)
        self.assert_joined(postern)
        first = sink.wait_for(1)[0].at
        wait_until(lambda: time.time() > first + 2.1, 10, "it is forgotten")
        self.send(postern)
        sink.wait_for(2)
        self.assert_joined(postern)

    def test_not_at_all(self) -> None:
        sink = self.sink()
        postern = self.joined(sink, "spool", spool={"remember": "0"})
        self.send(postern)
        self.send(postern)
        sink.wait_for(2)
        self.assert_joined(postern, 0)
        self.assertFalse(os.path.exists(os.path.join(postern.spool, "remembered")))

    def test_a_full_table_holds_up_nothing(self) -> None:
        people = [f"n{number}@example.com" for number in range(100)]
        for handoff in ("spool", "relay"):
            with self.subTest(handoff=handoff):
                self.folder_of(handoff, False)
                sink = self.sink()
                postern = self.joined(sink, handoff, spool={"remember_max": "8"})
                self.send(postern, people)
                self.send(postern, ["last@example.com"])
                wait_until(lambda: len(self.recipients_at(sink)) == 101, 20, "all")
                self.send(postern, ["last@example.com"])
                self.assert_joined(postern)
                self.assert_nothing_left(postern)
                self.assertEqual(len(self.recipients_at(sink)), 101)

    # Still under way

    def test_retry_while_the_next_hop_is_slow(self) -> None:
        for is_lmtp in (False, True):
            with self.subTest(lmtp=is_lmtp):
                self.folder_of("relay", is_lmtp)
                sink = self.sink()
                sink.script.dot_delay = 2
                postern = self.joined(sink, "relay", is_lmtp)
                thread, replies = self.in_background(postern, [BOB, CAROL], is_lmtp)
                postern.wait_log("attempt -> send|-> send")
                second = self.send(postern, [CAROL, BOB], is_lmtp)
                thread.join(20)
                self.assertEqual([reply.code for reply in replies + second],
                                 [250] * (4 if is_lmtp else 2))
                self.assertEqual(self.recipients_at(sink), [BOB, CAROL])
                self.assert_joined(postern)

    def test_the_client_gave_up_before_the_dot(self) -> None:
        """Then the second try goes on by itself."""
        sink = self.sink(keywords=("PIPELINING", "8BITMIME"))
        sink.script.mail = lambda path: time.sleep(1) or "250 2.1.0 Ok"
        postern = self.joined(sink)
        with Client(postern.ports[0]) as client:
            self.begin(client, [BOB])
            client.write(message() + b".\r\n")
            postern.wait_log("-> send")
            thread, replies = self.in_background(postern)
            time.sleep(0.3)
        thread.join(20)
        self.assertEqual([reply.code for reply in replies], [250])
        self.assertEqual(self.recipients_at(sink), [BOB])

    def test_the_first_fails(self) -> None:
        sink = self.sink()
        sink.script.dot_delay = 1
        answers = ["451 4.3.0 not now", "250 2.0.0 Ok: queued as LATER"]
        sink.script.dot = lambda taken: answers.pop(0)
        postern = self.joined(sink)
        thread, replies = self.in_background(postern)
        postern.wait_log("-> send")
        second, = self.send(postern)
        thread.join(20)
        self.assertEqual([replies[0].code, second.code], [451, 250])
        self.assertEqual(self.recipients_at(sink), [BOB])

    def test_no_longer_than_the_deadline(self) -> None:
        sink = self.sink()
        sink.script.dot_delay = 6
        postern = self.joined(sink, relay_deadline="2s")
        thread, replies = self.in_background(postern)
        postern.wait_log("-> send")
        begun = time.monotonic()
        second, = self.send(postern)
        self.assertEqual(second.code, 451)
        self.assertLess(time.monotonic() - begun, 5)
        thread.join(20)
        self.assertEqual(replies[0].code, 250)  # behind the dot the reply is waited for
        self.assertEqual(self.send(postern)[0].code, 250)
        self.assertEqual(len(sink.taken()), 1)

    def test_many_at_the_same_moment(self) -> None:
        for handoff in ("spool", "relay"):
            with self.subTest(handoff=handoff):
                self.folder_of(handoff, False)
                sink = self.sink()
                sink.script.dot_delay = 0.3
                postern = self.joined(sink, handoff, workers=4)
                replies = self.rush(postern, True)
                self.assertEqual({str(reply) for reply in replies}, {str(replies[0])})
                self.assertEqual(self.recipients_at(sink), [BOB, CAROL])
                self.assert_joined(postern, 11)

    def rush(self, postern: Postern, is_named: bool) -> list[Reply]:
        barrier = threading.Barrier(12)
        replies: list[Reply] = []

        def work() -> None:
            with Client(postern.ports[0]) as client:
                self.begin(client, [BOB, CAROL], is_named)
                barrier.wait(20)
                client.write(message() + b".\r\n")
                replies.append(client.read())

        threads = [threading.Thread(target=work, daemon=True) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual([reply.code for reply in replies], [250] * 12)
        self.assert_nothing_left(postern)
        return replies

    # Deaths

    def test_a_worker_is_killed(self) -> None:
        """Over relay it is the client's still, and the second try goes on when nobody has it."""
        sink = self.sink()
        sink.script.mail = lambda path: time.sleep(2) or "250 2.1.0 Ok"
        postern = self.joined(sink)
        thread, replies = self.in_background(postern)
        postern.wait_log("-> send")
        for pid in postern.workers():
            os.kill(pid, signal.SIGKILL)
        thread.join(20)
        self.assertEqual(replies, [])
        wait_until(lambda: len(postern.workers()) == 2, 20, "new workers")
        sink.script.mail = lambda path: "250 2.1.0 Ok"
        reply, = self.send(postern)
        self.assertEqual(reply.code, 250)
        self.assertEqual(self.recipients_at(sink), [BOB])

    def test_everything_is_killed(self) -> None:
        def test(sink: Sink, postern: Postern, is_lmtp: bool) -> None:
            self.unheard(postern, sink, is_lmtp)
            wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")
            postern.kill()
            postern.start()
            reply, = self.send(postern, is_lmtp=is_lmtp)
            self.assertEqual(reply.code, 250)
            self.assertEqual(self.recipients_at(sink), [BOB])
            self.assert_joined(postern)

        self.each_way(test)

    def test_killed_before_it_was_noted(self) -> None:
        """The message is in the spool, and nothing else tells of it: as after a power cut."""
        sink = self.sink()
        sink.script.dot = lambda taken: "452 4.3.1 disk full over there"
        postern = self.joined(sink, "spool", spool={"retry": '{"3s"}'})
        first, = self.send(postern, [BOB, CAROL])
        postern.wait_log("status=deferred")
        postern.kill()
        os.unlink(os.path.join(postern.spool, "remembered"))
        sink.script.dot = lambda taken: "250 2.0.0 Ok: queued as LATER"
        postern.start()
        wait_until(lambda: not spoolfile.live(postern.spool), 20, "it is adopted and sent")
        again, = self.send(postern, [BOB])
        self.assertEqual(again.text, first.text)
        self.assert_joined(postern)
        self.assert_nothing_left(postern)
        self.assertEqual(self.recipients_at(sink), [BOB, CAROL])

    def test_reload(self) -> None:
        """The new generation knows what the old one has under way, and what it has told."""
        sink = self.sink()
        postern = self.joined(sink)
        self.send(postern, [CAROL])
        sink.script.dot_delay = 3
        thread, replies = self.in_background(postern, [BOB])
        postern.wait_log("-> send", count=2)
        old = set(postern.workers())
        postern.reload()
        second: list[Reply] = []
        while not second:  # an old worker may have greeted it before it was told to drain
            try:
                second = self.send(postern, [BOB, CAROL])
            except (Refused, ConnectionError) as error:
                self.assertRegex(str(error), "421|closed|reset|refused")
        thread.join(20)
        self.assertEqual([reply.code for reply in replies + second], [250, 250])
        self.assertEqual(self.recipients_at(sink), [BOB, CAROL])
        pids = {int(found.group(1)) for line in postern.log_lines("joined=")
                if (found := re.search(r"smtp\[(\d+)\]", line))}
        self.assertTrue(pids and not pids & old, (pids, old))

    # Postfix

    def test_with_postfix(self) -> None:
        """Postfix gives up waiting over relay, and tries again: one message."""
        stand = self.stand()
        stand.postern.settings.lines["handoff"] = "relay"
        stand.postern.reload()
        send(stand.postfix.port_in, ANN, [BOB], message())
        send(stand.postfix.port_in, ANN, [BOB], message())  # another message of the same bytes
        wait_until(lambda: len(stand.sink.taken()) == 2, 30, "both")
        self.assert_joined(stand.postern, 0)


if __name__ == "__main__":
    main()
