#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a real Redis holds of each message; and whatever becomes of Redis, mail goes on, and the keys
are there when it is back.
"""

import re
import socket
import time

from case import Case, Message, Postern, main, message, wait_until
from fake import Answer, Fake, babble, dribble, keep_silent, say
from lab.client import Client
from lab.process import status_number
from lab.redis import Redis

HOST = "filter.postern.test"
LIFE = 3600
RULES = {"keep": 'to = "keep*@example.com"  action = quarantine  reason = "kept"',
         "drop": 'to = "drop*@example.com"  action = discard',
         "stay": 'to = "stay*@example.com"  action = hold'}
DSN = {"sent": "2.0.0", "bounced": "5.1.1"}
RESIDENT_MAX_KB = 500_000  # what a sanitizer keeps back included


def id_in(number: int) -> str:
    return f"{0xA00000000 + number:X}"


def id_out(number: int) -> str:
    return f"{0xB00000000 + number:X}"


def answer(taken: Message) -> str:
    found = re.search(rb"\d+", taken.recipients[0])
    return f"250 2.0.0 Ok: queued as {id_out(int(found.group()) if found else 0)}"


class RedisCase(Case):
    """Message number N is to somebodyN@example.com and has the queue ids id_in(N) and id_out(N)."""

    def redis(self, name: str = "redis", start: bool = True, **conf: str) -> Redis:
        redis = Redis(self.path(name), **conf)
        self.addCleanup(redis.stop)
        return redis.start() if start else redis

    def telling(self, *servers: str, **lines: str) -> Postern:
        """Tells those servers."""
        sink = self.sink()
        sink.script.dot = answer
        with open(self.path("mail.log"), "wb"):
            pass
        listed = ", ".join(f'"{server}"' for server in servers)
        return self.between(
            sink, rules=RULES, track={"postfix_log": f'"{self.path("mail.log")}"'},
            redis={"servers": f"{{{listed}}}", "ttl": f"{LIFE}s", "timeout": "1s", **lines})

    def send(self, postern: Postern, number: int, *names: str) -> None:
        recipients = [f"{name}{number}@example.com" for name in names or ("ok",)]
        with Client(postern.ports[0]) as client:  # type: ignore[attr-defined]
            reply, = client.send("ann@example.org", recipients, message(str(number)),
                                 xforward=[f"IDENT={id_in(number)}"])
        self.assertEqual(reply.code, 250, reply)

    def send_all(self, postern: Postern, numbers: range) -> None:
        for number in numbers:
            self.send(postern, number)

    def log_delivery(self, number: int, status: str, name: str = "ok") -> None:
        """A line of Postfix's log about whom it had from us."""
        now = time.strftime("%b %e %H:%M:%S", time.gmtime())
        with open(self.path("mail.log"), "a", encoding="ascii") as file:
            file.write(f"{now} mx postfix/smtp[12]: {id_out(number)}: to=<{name}{number}@example.com>, "
                       f"relay=mx.example.com[192.0.2.7]:25, delay=0.2, delays=0/0/0.1/0.1, "
                       f"dsn={DSN[status]}, status={status} (as it said)\n")

    def wait_status(self, redis: Redis, key: str, status: str) -> dict[str, str]:
        found: list[dict[str, str]] = [{}]

        def has_it() -> bool:
            found[:] = redis.hashes([key])
            return found[0].get("status") == status
        wait_until(has_it, 40, f"{key} to be {status}")
        return found[0]

    def wait_all(self, redis: Redis, numbers: range, status: str = "reinjected") -> None:
        """Of each the keys of both queue ids, and of the message."""
        ids = [make(number) for number in numbers for make in (id_in, id_out)]

        def missing() -> list[str]:
            found = redis.hashes([f"postfix:{ident}" for ident in ids])
            ours = redis.hashes([f"postern:msg:{one.get('postern_id')}" for one in found])
            return [ident for ident, way, own in zip(ids, found, ours)
                    if (way.get("status"), own.get("status")) != (status, status)]
        try:
            wait_until(lambda: not missing(), 60, "all keys", pause=0.2)
        except AssertionError:
            self.assertEqual(missing(), [])

    def check_lives(self, redis: Redis) -> None:
        keys = redis.command("KEYS", "*")
        assert isinstance(keys, list) and keys
        lives = redis.commands([("TTL", str(key)) for key in keys])
        self.assertEqual([(key, life) for key, life in zip(keys, lives)
                          if not isinstance(life, int) or not LIFE - 300 < life <= LIFE], [])


class Keys(RedisCase):
    def check_ends(self, redis: Redis, postern: Postern, host: str, ours: str) -> None:
        """What may become of a message: in its own key, and in its queue ids'."""
        begin = int(time.time())
        for number, name in enumerate(["ok", "keep", "drop", "stay"], 1):
            self.send(postern, number, name)
        ends = {1: "reinjected", 2: "quarantined", 3: "discarded", 4: "held"}
        for number, status in ends.items():
            way = self.wait_status(redis, f"postfix:{host}{id_in(number)}", status)
            own, = redis.hashes([f"{ours}{way['postern_id']}"])
            self.assertEqual(own["status"], status)
            self.assertEqual(own["postfix_id"], id_in(number))
            self.assertEqual(way[f"postern_id:{way['postern_id']}"], status)
            for one in (own, way):
                self.assertTrue(begin <= int(one["timestamp"]) <= time.time() + 1, one)
            self.assertTrue(begin <= int(way[f"{status}_at"]) <= time.time() + 1, way)
        out = self.wait_status(redis, f"postfix:{host}{id_out(1)}", "reinjected")
        self.log_delivery(1, "sent")
        for ident in (id_in(1), id_out(1)):
            way = self.wait_status(redis, f"postfix:{host}{ident}", "sent")
            self.assertEqual(way["postern_id"], out["postern_id"])
            self.assertIn("sent_at", way)
        self.check_lives(redis)

    def test_our_layout(self) -> None:
        redis = self.redis()
        self.check_ends(redis, self.telling(redis.inet), "", "postern:msg:")

    def test_mailborder_with_host(self) -> None:
        redis = self.redis()
        postern = self.telling(redis.unix, layout="mailborder", with_host="yes")
        self.check_ends(redis, postern, f"{HOST}:", f"mailborder:{HOST}:")
        keys = redis.command("KEYS", "mailborder:*")
        assert isinstance(keys, list)
        self.assertEqual(len(keys), 4)
        for one in redis.hashes([str(key) for key in keys]):
            self.assertEqual(sorted(one), ["mailborder_id", "postfix_id", "status", "timestamp"])
        self.assertEqual(redis.command("KEYS", "postern:*"), [])

    def test_fields_of_a_message(self) -> None:
        redis = self.redis()
        postern = self.telling(redis.inet, prefix='"mine"')
        self.send(postern, 7, "ok", "keep", "other")
        way = self.wait_status(redis, f"postfix:{id_in(7)}", "reinjected")
        key = f"mine:msg:{way['postern_id']}"
        own, = redis.hashes([key])
        self.assertEqual({name: own.get(name) for name in (
            "postern_id", "reinjected_id", "from", "to", "verdict", "class", "rcpt:0", "rcpt:1",
            "rcpt:2")},
            {"postern_id": way["postern_id"], "reinjected_id": id_out(7),
             "from": "ann@example.org", "class": "banned",
             "to": "ok7@example.com, keep7@example.com, other7@example.com",
             "verdict": "accept,quarantine", "rcpt:0": "reinjected", "rcpt:1": "quarantined",
             "rcpt:2": "reinjected"})
        for name in ("received_at", "reinjected_at", "timestamp"):
            self.assertTrue(own[name].isdecimal(), own)
        self.assertGreater(int(own["size"]), 0)
        self.log_delivery(7, "sent")
        self.log_delivery(7, "bounced", "other")
        own = self.wait_status(redis, key, "partial")
        self.assertEqual([own[f"rcpt:{number}"] for number in range(3)],
                         ["sent", "quarantined", "bounced"])
        self.assertEqual(self.wait_status(redis, f"postfix:{id_out(7)}", "partial")["postern_id"],
                         way["postern_id"])

    def test_one_queue_id_in_several_transactions(self) -> None:
        redis = self.redis()
        postern = self.telling(redis.inet)
        self.send(postern, 1, "keep")
        first = self.wait_status(redis, f"postfix:{id_in(1)}", "quarantined")["postern_id"]
        self.send(postern, 1, "drop")
        way = self.wait_status(redis, f"postfix:{id_in(1)}", "discarded")
        self.assertNotEqual(way["postern_id"], first)
        self.assertEqual({name: value for name, value in way.items() if name[:11] == "postern_id:"},
                         {f"postern_id:{first}": "quarantined",
                          f"postern_id:{way['postern_id']}": "discarded"})

    def test_a_key_that_is_no_hash(self) -> None:
        redis = self.redis()
        redis.command("SET", f"postfix:{id_in(1)}", "mine")
        postern = self.telling(redis.inet)
        self.send_all(postern, range(1, 4))
        self.wait_all(redis, range(2, 4))
        self.wait_status(redis, f"postfix:{id_out(1)}", "reinjected")
        self.assertEqual(redis.command("GET", f"postfix:{id_in(1)}"), "mine")
        self.assertEqual(len(postern.log_lines(f"postfix:{id_in(1)} is there, and not a hash")), 1)


class Away(RedisCase):
    """Each message is sent while Redis cannot take it, and its keys are there afterwards."""

    def check_told_once(self, postern: Postern, pattern: str) -> None:
        self.assertEqual(len(postern.log_lines(r"redis\[\d+\]: .*" + pattern)), 1)

    def test_absent_at_first(self) -> None:
        redis = self.redis(start=False)
        postern = self.telling(redis.inet)
        self.send_all(postern, range(20))
        postern.wait_log(r"redis\[\d+\]: .*refused")
        redis.start()
        self.wait_all(redis, range(20))
        self.check_told_once(postern, "refused")
        self.check_told_once(postern, "connected to")

    def test_killed_and_empty_afterwards(self) -> None:
        redis = self.redis()
        postern = self.telling(redis.inet)
        self.send_all(postern, range(10))
        self.wait_all(redis, range(10))
        assert redis.process is not None
        redis.process.kill_group()
        self.send_all(postern, range(10, 20))
        redis.start()
        self.send_all(postern, range(20, 30))
        self.wait_all(redis, range(10, 30))
        # Of what was told before nothing is known, until it changes: then all of it is.
        self.assertEqual(redis.hashes([f"postfix:{id_in(3)}"]), [{}])
        self.log_delivery(3, "sent")
        self.wait_all(redis, range(3, 4), "sent")
        way, = redis.hashes([f"postfix:{id_in(3)}"])
        self.assertEqual(redis.hashes([f"postern:msg:{way['postern_id']}"])[0]["from"],
                         "ann@example.org")

    def test_out_of_memory(self) -> None:
        redis = self.redis(maxmemory_policy="noeviction")
        postern = self.telling(redis.inet)
        self.send(postern, 0)
        self.wait_all(redis, range(1))
        redis.command("CONFIG", "SET", "maxmemory", "1")
        self.send_all(postern, range(1, 20))
        postern.wait_log(r"redis\[\d+\]: .*OOM")
        self.assertEqual(redis.hashes([f"postfix:{id_in(1)}"]), [{}])
        redis.command("CONFIG", "SET", "maxmemory", "0")
        self.wait_all(redis, range(20))
        self.check_told_once(postern, "OOM")

    def test_read_only(self) -> None:
        """The only server, a copy whose master is gone; then it becomes a master itself."""
        redis = self.redis()
        redis.command("REPLICAOF", "127.0.0.1", "1")
        postern = self.telling(redis.inet)
        self.send_all(postern, range(5))
        postern.wait_log(r"redis\[\d+\]: .*READONLY")
        redis.command("REPLICAOF", "NO", "ONE")
        self.wait_all(redis, range(5))
        self.check_told_once(postern, "READONLY")

    def test_read_only_and_another(self) -> None:
        copy, other = self.redis("copy"), self.redis("other")
        copy.command("REPLICAOF", "127.0.0.1", "1")
        postern = self.telling(copy.inet, other.inet)
        self.send_all(postern, range(5))
        self.wait_all(other, range(5))

    def test_password(self) -> None:
        redis = self.redis(requirepass="open-sesame")
        postern = self.telling(redis.inet, database="3", password='"wrong-word"')
        self.send(postern, 0)
        postern.wait_log(r"redis\[\d+\]: .*AUTH was refused: WRONGPASS")
        redis.command("CONFIG", "SET", "requirepass", "wrong-word")
        redis.conf["requirepass"] = "wrong-word"
        found = wait_until(lambda: redis.commands(
            [("SELECT", "3"), ("HGET", f"postfix:{id_in(0)}", "status")])[1], 40, "the key")
        self.assertEqual(found, "reinjected")
        for word in ("wrong-word", "open-sesame"):
            self.assertNotIn(word, postern.log_text() + postern.output())

    def test_no_password(self) -> None:
        redis = self.redis(requirepass="open-sesame")
        postern = self.telling(redis.inet)
        self.send(postern, 0)
        postern.wait_log(r"redis\[\d+\]: .*NOAUTH")
        redis.command("CONFIG", "SET", "requirepass", "")
        del redis.conf["requirepass"]
        self.wait_all(redis, range(1))

    def test_stopped(self) -> None:
        redis = self.redis()
        postern = self.telling(redis.inet)
        self.send(postern, 0)
        self.wait_all(redis, range(1))
        redis.pause()
        self.send_all(postern, range(1, 20))
        postern.wait_log(r"redis\[\d+\]: .*no reply within 1000 ms")
        redis.go_on()
        self.wait_all(redis, range(20))
        self.check_told_once(postern, "no reply")

    def test_restarted_between(self) -> None:
        """Nothing is waiting: that is no trouble."""
        redis = self.redis()
        postern = self.telling(redis.inet)
        self.send(postern, 0)
        self.wait_all(redis, range(1))
        clients = redis.command("CLIENT", "LIST")
        self.assertIn("name=postern", str(clients))
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        wait_until(lambda: "name=postern" in str(redis.command("CLIENT", "LIST")), 20, "it is back")
        self.send(postern, 1)
        self.wait_all(redis, range(2))
        self.assertEqual(len(postern.log_lines(r"redis\[\d+\]: (?!.* -> )")), 1)

    def test_by_name_behind_one_that_is_none(self) -> None:
        redis = self.redis()
        postern = self.telling("inet:no..host:6379", f"inet:localhost:{redis.port}")
        self.send(postern, 0)
        self.wait_all(redis, range(1))
        self.check_told_once(postern, "no such host")


class Nonsense(RedisCase):
    """The first server is none; the second one is."""

    def check_second(self, words: Answer, pattern: str, is_eager: bool = False) -> None:
        fake, redis = Fake(lambda peer: peer.recv(65536)), self.redis()
        self.addCleanup(fake.stop)
        fake.answer = words
        fake.is_eager = is_eager
        postern = self.telling(fake.inet, redis.inet)
        self.send_all(postern, range(5))
        self.wait_all(redis, range(5))
        self.assertTrue(postern.log_lines(r"redis\[\d+\]: .*" + pattern))
        scribe = postern.scribe()
        assert scribe is not None
        self.assertLess(status_number(scribe, "VmHWM"), RESIDENT_MAX_KB)

    def test_other_protocols(self) -> None:
        self.check_second(say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not Redis")

    def test_greeting_of_another_protocol(self) -> None:
        self.check_second(say(b"220 mx ESMTP\r\n"), "not Redis", is_eager=True)

    def test_greeting(self) -> None:
        self.check_second(say(b"+hello\r\n+hello\r\n"), "nobody asked|closed|reset", is_eager=True)

    def test_more_than_was_asked(self) -> None:
        self.check_second(say(b"+OK\r\n" * 1000), "nobody asked")

    def test_very_long_list(self) -> None:
        self.check_second(say(b"*2000000000\r\n"), "too large")

    def test_very_deep_list(self) -> None:
        self.check_second(say(b"*1\r\n" * 1000), "not Redis")

    def test_no_end(self) -> None:
        self.check_second(babble, "not Redis")

    def test_text_without_end(self) -> None:
        def answer_for_ever(peer: socket.socket) -> None:
            peer.sendall(b"$500000000\r\n")
            babble(peer)
        self.check_second(answer_for_ever, "too large")

    def test_silent(self) -> None:
        self.check_second(keep_silent(30), "no reply within")

    def test_slow(self) -> None:
        self.check_second(dribble(b"$10000\r\n" + b"x" * 500, 0.05), "no reply within")

    def test_hangs_up(self) -> None:
        self.check_second(say(b""), "closed|reset")


if __name__ == "__main__":
    main()
