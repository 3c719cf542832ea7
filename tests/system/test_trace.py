#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ends that are rare: given up by Postfix, several of an alias, behind a release; what a human is
shown of them; and nothing of it waits for Redis.
"""

from case import Postern, main, wait_until
from lab.client import send
from told import Sent, Standstill, Told, content_of, traces

STOPPED_SECONDS = 10.0  # release_tell.py takes a minute


class Trace(Told):
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
