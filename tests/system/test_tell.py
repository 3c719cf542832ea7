#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Of 1,000 messages with every outcome there is, the ledger, trace and Redis say what Postfix's log
says; also where the scribe is killed again and again.
"""

import collections
import os
import random
import signal
import time

from case import main, wait_until
from lab.redis import Redis
from lab.stand import Stand
from told import (AWAY, BACK, STATUS, Delivery, Mail, Passage, PostfixLog, Sent, Told, domain_of,
                  joined, stats, traces)

COUNT = 1000
KILLS = 10
DAY = 24 * 3600


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
        if domain_of(told["to"]) not in BACK:
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


class Tell(Told):
    def settle(self, stand: Stand, sent: list[Sent]) -> Agree:
        """Once all has come to its end, nothing differs."""
        last: list[Agree] = []

        def is_known() -> bool:
            told = stats(stand.postern)
            return told is not None and told["messages"] >= len(sent)
        # To ask for what is not known yet is dear: each time the whole spool is searched.
        wait_until(is_known, 90, "all to be in the ledger", pause=0.5)

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


if __name__ == "__main__":
    main()
