#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules decide for each recipient: what is sent, kept, refused, changed, and how it is explained."""

import base64
import json
import os

import spoolfile
from case import Case, Postern, Sink, main, message, send, split_ours, wait_until

SENDER = "ann@example.org"
# Ten recipients under four policies.
KEPT = [f"kept{n}@quarantine.example" for n in range(2)]
REFUSED = [f"refused{n}@reject.example" for n in range(2)]
GONE = [f"gone{n}@discard.example" for n in range(2)]
TAGGED = [f"tagged{n}@tag.example" for n in range(2)]
PLAIN = [f"plain{n}@example.com" for n in range(2)]
TEN = [path for row in zip(KEPT, REFUSED, GONE, TAGGED, PLAIN) for path in row]
POLICIES = {
    "keep": 'to = "quarantine.example"  action = quarantine  reason = "kept by policy"',
    "refuse": 'to = "reject.example"  action = reject  reason = "not wanted here"',
    "drop": 'to = "discard.example"  action = discard',
    "tag": 'to = "tag.example"  add_header = {"X-Tag: yes"}  subject_prefix = "[TAG] "',
}


def subject_of(content: bytes) -> bytes:
    return next(line for line in content.split(b"\r\n") if line.lower().startswith(b"subject:"))


def attached(name: str, data: bytes = b"hello") -> bytes:
    """A message with one attachment; name stands where the parameter would."""
    return "\r\n".join([
        "From: <ann@example.org>", "To: <bob@example.com>", "Subject: a file",
        "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=edge", "",
        "--edge", "Content-Type: text/plain", "", "see below",
        "--edge", f"Content-Type: application/octet-stream{name}",
        "Content-Transfer-Encoding: base64",
        "", base64.b64encode(data).decode(), "--edge--", ""]).encode()


class Verdicts(Case):
    def filter(self, sink: Sink, rules: dict[str, str], inside: str = "", **lines: str) -> Postern:
        return self.between(sink, inside=inside, lines=lines, rules=dict(rules),
                            spool={"retry": '{"1s"}'})

    def shown(self, postern: Postern, where: str) -> list[dict]:
        return postern.listing("--where", where)

    def check_ten(self, sink: Sink, postern: Postern, sends_bounce: bool) -> None:
        """Whatever the protocol and hand-off: each recipient has its own outcome."""
        wanted = 2 + (1 if sends_bounce else 0)
        wait_until(lambda: len(sink.taken()) >= wanted, 20, f"{wanted} transactions")
        wait_until(lambda: not spoolfile.live(postern.spool), 20, "an empty spool")
        taken = {tuple(path.decode() for path in sorted(one.recipients)): one
                 for one in sink.taken()}
        self.assertIn(tuple(PLAIN), taken)
        self.assertIn(tuple(TAGGED), taken)
        self.assertEqual(len(taken), wanted, list(taken))
        self.assertEqual(split_ours(taken[tuple(PLAIN)].content)[1], message())
        tagged = taken[tuple(TAGGED)].content
        self.assertIn(b"\r\nX-Tag: yes\r\n", tagged)
        self.assertTrue(subject_of(tagged).startswith(b"Subject: [TAG] "), subject_of(tagged))
        kept, = self.shown(postern, "quarantine")
        self.assertEqual(sorted(rcpt["address"] for rcpt in kept["recipients"]), KEPT)
        if sends_bounce:
            bounce = taken[(SENDER,)].content
            for path in REFUSED:
                self.assertIn(path.encode(), bounce)
            self.assertIn(b"not wanted here", bounce)

    def test_ten_recipients_smtp_spool(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES)
        reply, = send(postern.ports[0], SENDER, TEN, message())
        self.assertEqual(reply.code, 250)
        self.check_ten(sink, postern, sends_bounce=True)

    def test_ten_recipients_lmtp_spool(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES, inside="protocol = lmtp")
        replies = send(postern.ports[0], SENDER, TEN, message(), is_lmtp=True)
        self.assertEqual([reply.code for reply in replies], [250] * 10)
        self.check_ten(sink, postern, sends_bounce=True)

    def test_ten_recipients_smtp_relay(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES, handoff="relay")
        reply, = send(postern.ports[0], SENDER, TEN, message())
        self.assertEqual(reply.code, 250)
        self.check_ten(sink, postern, sends_bounce=True)

    def test_ten_recipients_lmtp_relay(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES, inside="protocol = lmtp", handoff="relay")
        replies = send(postern.ports[0], SENDER, TEN, message(), is_lmtp=True)
        codes = dict(zip(TEN, [reply.code for reply in replies]))
        self.assertEqual({codes[path] for path in REFUSED}, {550})
        self.assertEqual({codes[path] for path in TEN if path not in REFUSED}, {250})
        self.check_ten(sink, postern, sends_bounce=False)

    def test_reject_is_the_reply_over_relay(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES, handoff="relay")
        reply, = send(postern.ports[0], SENDER, REFUSED, message())
        self.assertEqual(reply.code, 550)
        self.assertIn("not wanted here", reply.text)
        self.assertEqual(sink.taken(), [])

    def test_a_reject_never_bounces_to_nobody(self) -> None:
        for handoff in ("spool", "relay"):
            with self.subTest(handoff=handoff):
                sink = self.sink()
                settings = {"handoff": handoff}
                postern = self.between(sink, lines=settings, rules=POLICIES)
                reply, = send(postern.ports[0], "", REFUSED, message())
                self.assertEqual(reply.code, 250)
                wait_until(lambda: self.shown(postern, "quarantine"), 10, "it is quarantined")
                self.assertEqual(sink.taken(), [])
                postern.stop()

    def test_defer_waits_and_looks_again(self) -> None:
        sink = self.sink()
        rules = {"wait": 'subject = "test*"  action = defer  reason = "later"'}
        postern = self.filter(sink, rules)
        send(postern.ports[0], SENDER, PLAIN, message())
        postern.wait_log("verdict=defer", count=2)
        self.assertEqual(sink.taken(), [])
        postern.settings.rules.clear()
        postern.reload()
        wait_until(lambda: len(sink.taken()) == 1, 20, "it goes out under the new rules")

    def test_defer_is_the_reply_over_relay(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, {"wait": 'from = "*"  action = defer  reason = "later"'},
                              handoff="relay")
        reply, = send(postern.ports[0], SENDER, PLAIN, message())
        self.assertEqual(reply.code, 451)

    def test_hold_and_unhold(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, {"stop": 'to = "plain0@*"  action = hold  reason = "look"'})
        send(postern.ports[0], SENDER, PLAIN, message())
        wait_until(lambda: self.shown(postern, "hold"), 10, "one is held")
        wait_until(lambda: len(sink.taken()) == 1, 10, "one is sent")
        held, = self.shown(postern, "hold")
        postern.tool("unhold", held["queue_id"])
        wait_until(lambda: len(sink.taken()) == 2, 20, "the other is sent")
        self.assertEqual([one.recipients for one in sink.taken()],
                         [[b"plain1@example.com"], [b"plain0@example.com"]])

    def test_redirect_keeps_dsn_parameters(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, {"away": 'to = "plain0@*"  action = redirect'
                                             '  redirect = "new@example.net"'})
        send(postern.ports[0], SENDER, PLAIN, message(),
             rcpt_params="NOTIFY=FAILURE ORCPT=rfc822;old@example.com")
        wait_until(lambda: sink.taken(), 10, "it is sent")
        one, = sink.taken()
        self.assertEqual(sorted(one.recipients), [b"new@example.net", b"plain1@example.com"])

    def test_copy(self) -> None:
        for handoff in ("spool", "relay"):
            with self.subTest(handoff=handoff):
                sink = self.sink()
                postern = self.between(sink, lines={"handoff": handoff},
                                       rules={"archive": 'copy_to = {"box@archive.example"}'})
                reply, = send(postern.ports[0], SENDER, PLAIN, message())
                self.assertEqual(reply.code, 250)
                wait_until(lambda: len(sink.taken()) == 2, 10, "message and copy")
                self.assertEqual(sorted(len(one.recipients) for one in sink.taken()), [1, 2])
                self.assert_nothing_left(postern)
                postern.stop()

    def test_edits_leave_the_rest_alone(self) -> None:
        content = (b"From: <ann@example.org>\r\nX-Old: 1\r\nSUBJECT : folded\r\n\tsubject\r\n"
                   b"x-old: 2\r\nX-Spam-Flag: NO\r\n\r\nbody\r\n.dot\r\n")
        rules = {"edit": 'remove_header = {"X-Old"}  set_header = {"X-Set: 1"}'
                         '  add_header = {"X-Spam-Flag: YES"}  subject_prefix = "[S] "'}
        sink = self.sink()
        postern = self.filter(sink, rules)
        send(postern.ports[0], SENDER, PLAIN, content)
        wait_until(lambda: sink.taken(), 10, "it is sent")
        received = split_ours(sink.taken()[0].content)[1]
        head, body = received.split(b"\r\n\r\n", 1)
        self.assertEqual(body, b"body\r\n.dot\r\n")
        self.assertNotIn(b"x-old", head.lower())
        self.assertNotIn(b"X-Spam-Flag: NO", head)
        self.assertIn(b"X-Spam-Flag: YES", head)
        self.assertIn(b"X-Set: 1", head)
        self.assertIn(b"[S] folded\r\n\tsubject", head)

    def test_names_of_attachments(self) -> None:
        rules = {"exe": 'attachment = {"*.exe"}  action = quarantine  reason = "a program"'}
        sink = self.sink()
        postern = self.filter(sink, rules)
        names = ['; name="a.exe"', '; name=a.exe', '; name*=utf-8\'\'a%2Eexe',
                 '; name*0="a.e"; name*1="xe"', '; name="=?utf-8?B?YS5leGU=?="',
                 '\r\nContent-Disposition: attachment; filename="a.exe"',
                 '; name="a.txt"\r\nContent-Disposition: attachment; filename="a.exe"']
        for name in names:
            send(postern.ports[0], SENDER, PLAIN, attached(name))
        wait_until(lambda: len(self.shown(postern, "quarantine")) == len(names), 20,
                   "all are quarantined")
        self.assertEqual(sink.taken(), [])
        send(postern.ports[0], SENDER, PLAIN, attached('; name="a.txt"'))
        wait_until(lambda: len(sink.taken()) == 1, 10, "the harmless one is sent")

    def test_release_is_delivered_once(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES)
        send(postern.ports[0], SENDER, KEPT, message())
        wait_until(lambda: self.shown(postern, "quarantine"), 10, "it is quarantined")
        kept, = self.shown(postern, "quarantine")
        shown = postern.tool("show", kept["queue_id"]).stdout
        self.assertIn("kept by policy", shown)
        self.assertIn("keep", shown)
        done = postern.tool("release", "--to", KEPT[0], kept["queue_id"])
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: len(sink.taken()) == 1, 20, "one recipient's")
        self.assertEqual(postern.tool("release", "--to", KEPT[0], kept["queue_id"]).returncode, 1)
        postern.tool("release", kept["queue_id"])
        wait_until(lambda: len(sink.taken()) == 2, 20, "the other's")
        self.assertEqual([one.recipients for one in sink.taken()],
                         [[path.encode()] for path in KEPT])
        self.assertEqual(split_ours(sink.taken()[0].content)[1], message())
        self.assertEqual(postern.tool("release", kept["queue_id"]).returncode, 1)
        self.assertEqual(len(self.shown(postern, "quarantine")), 1)

    def test_release_passes_one_rule_and_no_other(self) -> None:
        sink = self.sink()
        rules = {"first": 'subject = "test"  action = quarantine  reason = "one"',
                 "second": 'from = "ann@*"  action = quarantine  reason = "two"',
                 "tag": 'from = "*"  add_header = {"X-Tag: yes"}'}
        postern = self.filter(sink, rules)
        send(postern.ports[0], SENDER, PLAIN, message())
        wait_until(lambda: self.shown(postern, "quarantine"), 10, "the first rule catches it")
        first, = self.shown(postern, "quarantine")
        postern.tool("release", first["queue_id"])
        wait_until(lambda: len(self.shown(postern, "quarantine")) == 2, 20, "the second, too")
        child, = [one for one in self.shown(postern, "quarantine")
                  if one["queue_id"] != first["queue_id"]]
        postern.tool("release", child["queue_id"])
        wait_until(lambda: len(sink.taken()) == 1, 20, "it is past both")
        self.assertIn(b"X-Tag: yes", sink.taken()[0].content)

    def test_rescan(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES)
        send(postern.ports[0], SENDER, KEPT, message())
        wait_until(lambda: self.shown(postern, "quarantine"), 10, "it is quarantined")
        kept, = self.shown(postern, "quarantine")
        postern.tool("rescan", kept["queue_id"])
        postern.wait_log("quarantined", count=2)
        postern.settings.rules.clear()
        postern.reload()
        wait_until(lambda: self.shown(postern, "quarantine"), 10, "it is quarantined again")
        postern.tool("rescan", kept["queue_id"])
        wait_until(lambda: len(sink.taken()) == 1, 20, "it is sent under the new rules")

    def test_dry_run(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, {"try": 'from = "*"  action = quarantine  dry_run = yes'})
        send(postern.ports[0], SENDER, PLAIN, message())
        wait_until(lambda: sink.taken(), 10, "it is sent")
        postern.wait_log("dry_run=")

    def test_a_listener_has_rules_of_its_own(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES, inside='rules = {"tag"}')
        send(postern.ports[0], SENDER, KEPT, message())
        wait_until(lambda: sink.taken(), 10, "it is sent")

    def test_the_tool_tells_beforehand(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, POLICIES)
        path = self.path("mail.eml")
        with open(path, "wb") as file:
            file.write(attached('; name="a.exe"').replace(b"\r\n", b"\n"))
        arguments = [word for to in TEN for word in ("--to", to)]
        done = postern.tool("--json", "test", "--from", SENDER, *arguments, path)
        told = json.loads(done.stdout)
        verdicts = {one["to"]: one["verdict"] for one in told["verdicts"]}
        self.assertEqual([verdicts[to] for to in (KEPT[0], REFUSED[0], GONE[0], PLAIN[0])],
                         ["quarantine", "reject", "discard", "accept"])
        self.assertIn("a.exe", [name for part in told["findings"]["parts"]
                                for name in part["names"]])
        self.assertEqual(os.listdir(os.path.join(postern.spool, "quarantine")), [])
        self.assertEqual(sink.taken(), [])

    def test_a_loop_is_held_unlooked(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, {})
        content = b"Received: from a by b (Postern) with SMTP id x; now\r\n" * 4 + message()
        reply, = send(postern.ports[0], SENDER, PLAIN, content)
        self.assertEqual(reply.code, 250)
        wait_until(lambda: self.shown(postern, "hold"), 10, "it is held")


if __name__ == "__main__":
    main()
