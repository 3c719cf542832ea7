#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Scanners that are stopped, gone, slow or lying: what then becomes of a message."""

import json
import re
import signal
from typing import Optional

import spoolfile
from case import Case, Postern, Settings, Sink, main, message, ports, send, wait_until
from fake import (Answer, Fake, babble, dribble, http, keep_silent, read_http, read_stream,
                  say)
from lab.clamd import EICAR, Clamd
from lab.rspamd import Rspamd

SENDER, BOB = "ann@example.org", "bob@example.com"
HASTY = "timeout = 400ms  retries = 0  max_errors = 10000"  # asked each time
SIGHTED = "timeout = 2s  retry_delay = 10ms  max_errors = 1  probe_interval = 200ms"
LARGE = 6_000_000  # more than what the kernel keeps of what nobody reads

# A rule of each set is the first that reads on; `behind` tells that it did.
RULES = {
    "never": 'from = "nobody@example.org"  action = discard',
    "first": f'from = "{SENDER}"  action = accept',
    "virus": 'virus = "*"  action = discard',
    "behind": 'to = "*"  action = quarantine',
    "failed": 'failed = "clamav"  action = hold',
    "blind": 'unscannable = "clamav"  action = discard',
}
SETS = {"none": '"never"', "first": '"first"', "virus": '"virus", "behind"',
        "failed": '"failed"', "blind": '"blind"'}

GOOD = {"is_skipped": False, "score": 1.5, "required_score": 15.0, "action": "no action",
        "symbols": {"ANY": {"name": "ANY", "score": 1.5}}, "milter": {}}


def without(*keys: str, **changes: object) -> bytes:
    """rspamd's good reply, changed."""
    fields = {key: value for key, value in GOOD.items() if key not in keys}
    return json.dumps({**fields, **changes}).encode()


class Neighbours(Case):
    def clamd(self, name: str = "clamd", **conf: str) -> Clamd:
        scanner = Clamd(self.path(name), **conf)
        self.addCleanup(scanner.stop)
        return scanner.start()

    def scripted(self, read) -> Fake:
        scanner = Fake(read)
        self.addCleanup(scanner.stop)
        return scanner

    def asking(self, sink: Sink, filters: dict[str, str], spool: Optional[dict[str, str]] = None,
               **lines: str) -> Postern:
        """A worker, which has one opinion of the servers; a listener for each set of rules, of
        which all but the first ask for clamd.
        """
        sets = SETS if "clamav" in filters else {"none": SETS["none"]}
        rules = RULES if "clamav" in filters else {"never": RULES["never"]}
        numbers = {name: ports.take() for name in sets}
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{numbers[name]}": f"rules = {{{names}}}"
                       for name, names in sets.items()},
            hops={sink.address: ""}, rules=rules, filters=filters,
            spool=spool or {"retry": '{"1s"}'},
            lines={"workers": "1", "handoff": "relay", **lines}), f"postern-{numbers['none']}")
        postern.doors = numbers  # type: ignore[attr-defined]
        return postern

    def outcome(self, postern: Postern, sink: Sink, content: bytes = message(),
                door: str = "none") -> str:
        """What became of one message over relay hand-off; the rule that put it away."""
        places = ("quarantine", "hold")
        before = {place: ids(postern, place) for place in places}
        at_sink = len(sink.taken())
        reply, = send(postern.doors[door], SENDER, [BOB], content)  # type: ignore[attr-defined]
        sent = len(sink.taken()) - at_sink
        if reply.code != 250:
            self.assertEqual(sent, 0)
            return {451: "defer", 550: "reject"}[reply.code]
        for place in places if not sent else ():
            wait_until(lambda: not ids(postern, "active"), 10, "it has its place")
            new = ids(postern, place).items() - before[place].items()
            if new:
                (_, rule), = new
                return f"{place} {rule}"
        self.assertLessEqual(sent, 1)
        return "accept" if sent else "discard"

    # Silence, and what rules and on_error make of it

    def check_silent(self, on_error: str, **wanted: str) -> None:
        sink = self.sink()
        clamd = self.clamd(f"clamd-{on_error}")
        postern = self.asking(sink, {"clamav": clamd_at(clamd.unix, HASTY,
                                                        f"on_error = {on_error}")})
        alive = {"none": "accept", "first": "accept", "virus": "quarantine behind",
                 "failed": "accept"}
        self.check_doors(postern, sink, alive)
        assert clamd.process is not None
        clamd.process.signal(signal.SIGSTOP)
        self.check_doors(postern, sink, wanted)
        self.assertTrue(postern.log_lines("filter=clamav, result=failed"))
        clamd.process.kill_group()
        self.check_doors(postern, sink, wanted)
        clamd.start()
        self.check_doors(postern, sink, alive)
        postern.stop()

    def check_doors(self, postern: Postern, sink: Sink, wanted: dict[str, str]) -> None:
        found = {door: self.outcome(postern, sink, door=door) for door in wanted}
        self.assertEqual(found, wanted)

    def test_silent_defer(self) -> None:
        self.check_silent("defer", none="defer", first="accept", virus="defer",
                          failed="hold failed")

    def test_silent_accept(self) -> None:
        self.check_silent("accept", none="accept", first="accept", virus="quarantine behind",
                          failed="hold failed")

    def test_silent_quarantine(self) -> None:
        self.check_silent("quarantine", none="quarantine filter:clamav", first="accept",
                          virus="quarantine filter:clamav", failed="hold failed")

    def test_silent_rules(self) -> None:
        self.check_silent("rules", none="accept", first="accept", virus="quarantine behind",
                          failed="hold failed")

    def test_unscannable_is_not_silent(self) -> None:
        """It is never deferred: the reason lies in the message."""
        clamd = self.clamd()
        large = message(size=10_000)
        for effect, wanted in {"quarantine": "quarantine filter:clamav",
                               "hold": "hold filter:clamav", "accept": "accept"}.items():
            with self.subTest(effect):
                sink = self.sink()
                postern = self.asking(sink, {"clamav": clamd_at(
                    clamd.unix, f"max_size = 2K  on_error = defer  on_unscannable = {effect}")})
                self.assertEqual(self.outcome(postern, sink), "accept")
                self.assertEqual(self.outcome(postern, sink, large), wanted)
                self.assertEqual(self.outcome(postern, sink, large, "first"), "accept")
                self.assertEqual(self.outcome(postern, sink, large, "failed"), wanted)
                self.assertEqual(self.outcome(postern, sink, large, "blind"), "discard")
                postern.stop()

    def test_deadline_of_all(self) -> None:
        """A filter may not take longer than the client waits."""
        sink = self.sink()
        clamd = self.clamd()
        postern = self.asking(sink, {"clamav": clamd_at(clamd.unix, "timeout = 60s")},
                              relay_deadline="1s")
        assert clamd.process is not None
        clamd.process.signal(signal.SIGSTOP)
        self.assertEqual(self.outcome(postern, sink), "defer")
        clamd.process.kill_group()
        line, = postern.log_lines("filter=clamav, result=failed")
        self.assertRegex(line, r"delay=(9\d\d|1\d\d\d)ms|delay=1(\.\d+)?s")

    # Lies

    def check_lies(self, scanner: Fake, filters: dict[str, str], lies: dict[str, Answer],
                   truth: bytes, is_eager: bool = False) -> None:
        """Each counts as no answer; a true answer is believed, however it comes."""
        sink = self.sink()
        postern = self.asking(sink, filters)
        for name, answer in lies.items():
            with self.subTest(name):
                scanner.answer, scanner.is_eager = answer, is_eager
                content = message(size=LARGE if is_eager else 0)
                self.assertEqual(self.outcome(postern, sink, content),
                                 f"quarantine filter:{next(iter(filters))}")
        scanner.is_eager = False
        for answer in (say(truth), dribble(truth, 0.0005)):
            scanner.answer = answer
            self.assertEqual(self.outcome(postern, sink), "accept")
        self.assertEqual(len(postern.log_lines("result=failed")), len(lies))
        postern.stop()

    def test_clamd_lies(self) -> None:
        truth = b"stream: OK\0"
        lies = {"nothing": say(b""), "silence": keep_silent(1), "babble": babble,
                "not ours": say(b"OK\0"), "PONG": say(b"PONG\0"), "two": say(truth * 2),
                "no name": say(b"stream:  FOUND\0"), "ERROR": say(b"stream: no memory ERROR\0"),
                "line feed": say(b"stream: OK\n"), "more": say(b"stream: OK\0 but"),
                "slow": dribble(truth, 0.1), "small letters": say(b"stream: ok\0"),
                "control": say(b"stream: OK\r\n\0"), "not quite": say(b"stream: NOT OK\0")}
        lies.update({f"{at} bytes": say(truth[:at]) for at in range(1, len(truth))})
        scanner = self.scripted(read_stream)
        filters = {"clamav": clamd_at(scanner.inet, HASTY, "on_error = quarantine")}
        self.check_lies(scanner, filters, lies, truth)
        self.check_lies(scanner, filters, {"too early": say(truth)}, truth, is_eager=True)

    def test_rspamd_lies(self) -> None:
        truth = http(without())
        lies = {"nothing": say(b""), "silence": keep_silent(1), "babble": babble,
                "no HTTP": say(without()), "empty": say(http(b"")), "no JSON": say(http(b"pong")),
                "an array": say(http(b"[" + without() + b"]")), "bare": say(http(b"{}")),
                "half": say(http(without()[:-1])), "two": say(http(without() * 2)),
                "cut short": say(http(without(), more=1)),
                "skipped": say(http(without(is_skipped=True))),
                "no symbols": say(http(without(symbols={}))),
                "symbols missing": say(http(without("symbols"))),
                "score missing": say(http(without("score"))),
                "score of text": say(http(without(score="1"))),
                "score of nothing": say(http(without(score=None))),
                "action missing": say(http(without("action"))),
                "action of nothing": say(http(without(action=None))),
                "error": say(http(b'{"error": "no"}')), "404": say(http(without(), "404 No")),
                "500": say(http(without(), "500 No")), "204": say(http(b"", "204 No Content")),
                "elsewhere": say(http(without(), "302 Found")),
                "never ends": say(http(without(), more=1 << 40)),
                "deep": say(http(b'{"a":' * 100_000)), "slow": dribble(truth, 0.1)}
        scanner = self.scripted(read_http)
        filters = {"spam": f'type = rspamd  servers = {{"{scanner.inet}"}}  {HASTY}'
                           '  on_error = quarantine'}
        self.check_lies(scanner, filters, lies, truth)

    # Several servers

    def test_fail_over_backup_and_revival(self) -> None:
        sink = self.sink()
        one, two, backup = (self.clamd(name) for name in ("one", "two", "backup"))
        postern = self.asking(sink, {"clamav": (
            f'type = clamd  servers = {{"{one.unix}", "{two.inet}"}}  '
            f'backup = {{"{backup.unix}"}}  dead_time = 300s  {SIGHTED}')})

        def asked(times: int = 4) -> set[str]:
            """Who answers; nobody's absence costs a message anything."""
            before = len(postern.log_lines("result=clean"))
            for _ in range(times):
                self.assertEqual(self.outcome(postern, sink), "accept")
            return {line.split("server=")[1].split(",")[0]
                    for line in postern.log_lines("result=clean")[before:]}

        assert one.process is not None and two.process is not None
        self.assertEqual(asked(), {one.unix, two.inet})
        one.process.kill_group()
        self.assertEqual(asked(), {two.inet})
        two.process.signal(signal.SIGSTOP)
        self.assertEqual(asked(), {backup.unix})
        two.process.signal(signal.SIGCONT)
        postern.wait_log(f"{two.inet}, state=alive")
        self.assertEqual(asked(), {two.inet})
        one.start()
        postern.wait_log(f"{one.unix}, state=alive")
        self.assertEqual(asked(), {one.unix, two.inet})
        for scanner in (one, two, backup):
            scanner.stop()
        self.assertEqual(self.outcome(postern, sink), "defer")
        backup.start()
        self.assertEqual(asked(), {backup.unix})

    def test_dead_rspamd_is_revived_by_a_probe(self) -> None:
        sink = self.sink()
        rspamd = Rspamd(self.path("rspamd")).start()
        self.addCleanup(rspamd.stop)
        postern = self.asking(sink, {"spam": f'type = rspamd  servers = {{"{rspamd.inet}"}}'
                                             f'  dead_time = 300s  {SIGHTED}'})
        rspamd.stop()
        self.assertEqual(self.outcome(postern, sink), "defer")
        postern.wait_log("state=dead")
        rspamd.start()
        postern.wait_log("state=alive")
        self.assertEqual(self.outcome(postern, sink), "accept")

    # Time

    def test_what_expires_unscanned_is_held_and_not_bounced(self) -> None:
        sink = self.sink()
        clamd = self.clamd()
        clamd.stop()
        postern = self.asking(sink, {"clamav": clamd_at(clamd.unix, HASTY)}, handoff="spool",
                              spool={"retry": '{"1s"}', "lifetime": "3s"})
        for content in (message(), message() + EICAR + b"\r\n"):
            reply, = send(postern.doors["none"], SENDER, [BOB],  # type: ignore[attr-defined]
                          content)
            self.assertEqual(reply.code, 250)
        postern.wait_log("status=deferred|verdict=defer")
        wait_until(lambda: len(ids(postern, "hold")) == 2, 20, "both are held", pause=0.2)
        for one in postern.listing("--where", "hold"):
            self.assertIn("expired", one["hold_reason"])
        self.assertEqual(sink.taken(), [])
        clamd.start()
        # Whoever lets them go lets them be looked at.
        postern.tool("unhold", *ids(postern, "hold"))
        sink.wait_for(1)
        wait_until(lambda: ids(postern, "quarantine"), 20, "the virus in quarantine", pause=0.2)
        self.assertEqual([one.sender for one in sink.taken()], [SENDER.encode()])
        self.assertEqual(list(ids(postern, "quarantine").values()), ["filter:clamav"])


def ids(postern: Postern, place: str) -> dict[str, str]:
    """What lies there, and by which rule."""
    return {file.ident: rule_of(file) for file in spoolfile.live(postern.spool, place)}


def rule_of(file: spoolfile.SpoolFile) -> str:
    decided = [event for event in file.events if event.startswith("decided ")]
    found = re.search(r" rule=(\S+)", decided[-1]) if decided else None
    return found.group(1) if found else "-"


def clamd_at(address: str, *more: str) -> str:
    return f'type = clamd  servers = {{"{address}"}}  ' + "  ".join(more)


if __name__ == "__main__":
    main()
