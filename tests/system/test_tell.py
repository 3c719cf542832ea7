#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Of 1,000 messages with every outcome there is, the ledger, trace and Redis say what Postfix's log
says; also where the scribe is killed again and again, and where Redis stands still.
"""

import collections
import os
import random
import signal
import time

from case import Case, Postern, Settings, main, wait_until
from lab.client import send
from lab.redis import Redis
from lab.stand import Stand
from told import (Delivery, Mail, Passage, PostfixLog, Sent, Standstill, content_of, joined, stats,
                  traces)

COUNT = 1000
KILLS = 10
DAY = 24 * 3600
STOPPED_SECONDS = 10.0  # release_tell.py takes a minute

AWAY = "desk@ok.example"
RULES = {
    "keep": 'to = "keep.example"  action = quarantine  reason = "kept"',
    "drop": 'to = "drop.example"  action = discard',
    "refuse": 'to = "refuse.example"  action = reject',
    "stay": 'to = "stay.example"  action = hold',
    "away": f'to = "away.example"  action = redirect  redirect = "{AWAY}"',
}
# What becomes of whom, by domain: half by the rules, half by what Postfix's last hop says.
STATUS = {"ok.example": "sent", "later.example": "deferred", "never.example": "bounced",
          "keep.example": "quarantined", "drop.example": "discarded", "refuse.example": "bounced",
          "stay.example": "held", "away.example": "sent"}
REINJECTED = {"ok.example", "later.example", "never.example", "away.example"}


def domain_of(path: str) -> str:
    return path.partition("@")[2]


def answer(path: bytes) -> str:
    if path.endswith(b"@later.example"):
        return "451 4.3.0 come again"
    return "550 5.1.1 unknown" if path.endswith(b"@never.example") else "250 2.1.5 Ok"


def samples(count: int) -> list[Sent]:
    """Two in three are for one recipient; the others for some, no two of a kind."""
    dice = random.Random(4)
    found = []
    for number in range(count):
        domains = [list(STATUS)[number % len(STATUS)]]
        if number % 3 == 2:
            domains = dice.sample(list(STATUS), dice.randint(2, 5))
        found.append(Sent(f"{number}@load.postern.test",
                          {f"n{number}@{domain}": STATUS[domain] for domain in domains}))
    return found


class Agree:
    """All that is told of what was sent, and where it differs."""

    def __init__(self, stand: Stand, sent: list[Sent]):
        assert stand.redis is not None
        self.redis = stand.redis
        self.sent = sent
        self.faults: list[str] = []
        self.log = PostfixLog(stand.postfix.log_text())
        self.found = {one["message_id"].strip("<>"): one for one in traces(
            stand.postern, [f"<{one.message_id}>" for one in sent]) if "message_id" in one}
        for one in sent:
            self._message(one)
        self._keys()

    def _expect(self, about: str, what: object, expected: object) -> None:
        if what != expected:
            self.faults.append(f"{about}: {what!r}, not {expected!r}")

    def _message(self, sent: Sent) -> None:
        told, passage = self.found.get(sent.message_id), self.log.passages[sent.message_id]
        if told is None:
            self.faults.append(f"{sent.message_id} is not known")
            return
        self._expect(sent.message_id, {told.get("postfix_id")}, passage.ids_in)
        self._expect(sent.message_id, told["from"], "ann@example.org")
        self._expect(sent.message_id, told["status"], joined(sent.expected.values()))
        self._expect(sent.message_id, {one["to"]: one["status"] for one in told["recipients"]},
                     sent.expected)
        for one in told["recipients"]:
            self._recipient(sent, one, passage)

    def _recipient(self, sent: Sent, told: dict, passage: Passage) -> None:
        about = f"{sent.message_id}, {told['to']}"
        if domain_of(told["to"]) not in REINJECTED:
            self._expect(about, told.get("reinjected_id"), None)
            return
        ident, path = told.get("reinjected_id", ""), told.get("redirected_to", told["to"])
        self._expect(about, ident in passage.ids_out, True)
        self._expect(about, path, AWAY if told["to"].endswith("@away.example") else told["to"])
        self._expect(about, [Delivery(one["status"], one["dsn"]) for one in told["finals"]],
                     [passage.deliveries.get((ident, path))])

    def _keys(self) -> None:
        known = list(self.found.values())
        messages = self.redis.hashes([f"postern:msg:{one['postern_id']}" for one in known])
        ways_in = self.redis.hashes([f"postfix:{one.get('postfix_id')}" for one in known])
        for one, message, way_in in zip(known, messages, ways_in):
            about = f"the key of {one['postern_id']}"
            self._expect(about, message.get("status"), one["status"])
            self._expect(about, message.get("postfix_id"), one["postfix_id"])
            self._expect(about, message.get("message_id"), one["message_id"])
            self._expect(about, message.get("from"), one["from"])
            self._expect(about, way_in.get("status"), one["status"])
            self._expect(about, way_in.get("postern_id"), one["postern_id"])
        self._keys_out(known)

    def _keys_out(self, known: list[dict]) -> None:
        expected: dict[str, list[str]] = collections.defaultdict(list)
        for one in known:
            for rcpt in one["recipients"]:
                if "reinjected_id" in rcpt:
                    expected[rcpt["reinjected_id"]].append(rcpt["status"])
        for ident, way_out in zip(expected, self.redis.hashes(
                [f"postfix:{ident}" for ident in expected])):
            self._expect(f"the key of {ident}", way_out.get("status"), joined(expected[ident]))


class Tell(Case):
    def told_stand(self, **main_cf: str) -> Stand:
        stand = self.stand(is_told=True, main=main_cf, settings=Settings(rules=dict(RULES)))
        stand.sink.script.rcpt = answer
        return stand

    # 1,000 messages

    def settle(self, stand: Stand, sent: list[Sent]) -> Agree:
        """Once all has come to its end, nothing differs."""
        last: list[Agree] = []

        def agrees() -> bool:
            last[:] = [Agree(stand, sent)]
            return not last[0].faults
        try:
            wait_until(agrees, 60, "all to agree", pause=1)
        except AssertionError:
            pass
        self.assertEqual(last[0].faults[:10], [], f"{len(last[0].faults)} differences")
        return last[0]

    def check_sums(self, stand: Stand, sent: list[Sent]) -> None:
        """Each row once, however often it was told."""
        expected = collections.Counter(status for one in sent for status in one.expected.values())
        told = stats(stand.postern)
        assert told is not None
        self.assertEqual(told["messages"], len(sent))
        self.assertEqual(told["recipients"], sum(expected.values()))
        self.assertEqual({name: count for name, count in told["recipients_by_status"].items()
                          if count > 0}, dict(expected))

    def check_every_id(self, stand: Stand, agree: Agree) -> None:
        """Whichever id is asked for, it is the same message."""
        some = list(agree.found.values())[::20]
        ways_out = [one for one in some if "reinjected_id" in one["recipients"][0]]
        asked = [(one["postern_id"], one) for one in some]
        asked += [(one["postfix_id"], one) for one in some]
        asked += [(one["recipients"][0]["reinjected_id"], one) for one in ways_out]
        found = traces(stand.postern, [any_id for any_id, _ in asked])
        self.assertEqual([one["message_id"] for one in found],
                         [one["message_id"] for _, one in asked])

    def check_keys_end(self, redis: Redis) -> None:
        """Every key has a life."""
        keys = redis.command("KEYS", "*")
        assert isinstance(keys, list)
        lives = redis.commands([("TTL", str(key)) for key in keys])
        self.assertGreater(len(keys), COUNT)
        self.assertEqual([key for key, life in zip(keys, lives)
                          if not isinstance(life, int) or not DAY - 600 < life <= DAY], [])

    def check_all(self, stand: Stand, sent: list[Sent]) -> None:
        agree = self.settle(stand, sent)
        self.check_sums(stand, sent)
        self.check_every_id(stand, agree)
        assert stand.redis is not None
        self.check_keys_end(stand.redis)

    def test_all_agree(self) -> None:
        stand, sent = self.told_stand(), samples(COUNT)
        Mail(stand.postfix.port_in, sent).start().join()
        self.check_all(stand, sent)

    def test_all_agree_after_kills(self) -> None:
        stand, sent = self.told_stand(), samples(COUNT)
        mail = Mail(stand.postfix.port_in, sent).start()
        for _ in range(KILLS):
            time.sleep(0.7)
            victim = wait_until(stand.postern.scribe, 10, "a scribe")
            assert isinstance(victim, int)
            os.kill(victim, signal.SIGKILL)
        mail.join()
        self.check_all(stand, sent)

    # What is rare

    def trace(self, postern: Postern, any_id: str) -> dict:
        found = traces(postern, [any_id])
        self.assertEqual(len(found), 1, found)
        return found[0]

    def wait_trace(self, postern: Postern, message_id: str, status: str) -> dict:
        wait_until(lambda: [one["status"] for one in traces(postern, [message_id])] == [status],
                   60, f"{message_id} to be {status}", pause=0.3)
        return self.trace(postern, message_id)

    def test_given_up_by_postfix(self) -> None:
        stand = self.told_stand(maximal_queue_lifetime="4s", bounce_queue_lifetime="4s")
        one = Sent("1@x", {"a@later.example": "expired"})
        send(stand.postfix.port_in, "ann@example.org", list(one.expected), content_of(one))
        told = self.wait_trace(stand.postern, "<1@x>", "expired")
        self.assertEqual(told["recipients"][0]["state"], "sent")

    def test_an_alias_has_several_ends(self) -> None:
        stand = self.told_stand(virtual_alias_maps="inline:{{list@ok.example = a@ok.example, "
                                "b@never.example}, {team@ok.example = c@ok.example}}")
        one = Sent("1@x", {"list@ok.example": "", "team@ok.example": "", "d@ok.example": ""})
        send(stand.postfix.port_in, "ann@example.org", list(one.expected), content_of(one))
        told = self.wait_trace(stand.postern, "<1@x>", "partial")
        ends = {rcpt["to"]: sorted((end.get("to"), end["status"]) for end in rcpt["finals"])
                for rcpt in told["recipients"]}
        self.assertEqual(ends, {
            "list@ok.example": [("a@ok.example", "sent"), ("b@never.example", "bounced")],
            "team@ok.example": [("c@ok.example", "sent")], "d@ok.example": [(None, "sent")]})

    def test_release_is_followed(self) -> None:
        stand = self.told_stand()
        one = Sent("1@x", {"a@keep.example": "quarantined"})
        send(stand.postfix.port_in, "ann@example.org", list(one.expected), content_of(one))
        kept = self.wait_trace(stand.postern, "<1@x>", "quarantined")
        self.assertTrue(kept["in_spool"])
        stand.postern.tool("release", kept["postern_id"])
        told = self.wait_trace(stand.postern, kept["postern_id"], "sent")
        self.assertEqual([child["kind"] for child in told["children"]], ["release"])
        text = stand.postern.tool("trace", kept["postern_id"]).stdout
        self.assertTrue(text.startswith(f"{kept['postern_id']}  sent\n"), text)


class RedisStopped(Standstill):
    def test_redis_stopped_under_load(self) -> None:
        self.stopped_under_load(STOPPED_SECONDS)


if __name__ == "__main__":
    main()
