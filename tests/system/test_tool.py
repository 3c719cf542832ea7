#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tool, with a running daemon and on the bare spool: each command, its JSON, its exit codes."""

import json
import os
import signal
import time

import spoolfile
from case import Case, Postern, Sink, main, message, send, wait_until


class Tool(Case):
    def waiting(self, count: int = 3) -> tuple[Sink, Postern]:
        """A Postern with messages that wait for a next hop that does not take them."""
        sink = self.sink()
        sink.script.mail = lambda path: "451 4.3.0 later"
        postern = self.between(sink, spool={"retry": '{"1h"}'}, hop='name = "sink"')
        for number in range(count):
            send(postern.ports[0], f"s{number}@example.org", [f"n{number}@example.com"],
                 message(f"subject {number}"))
        postern.wait_log(r"status=deferred \(", count=count)
        wait_until(lambda: len(postern.listing()) == count, 10, "the messages to wait")
        return sink, postern

    def open_door(self, sink: Sink) -> None:
        sink.script.mail = lambda path: "250 2.1.0 Ok"

    def ident_of(self, postern: Postern, number: int) -> str:
        row, = [row for row in postern.listing() if row["sender"] == f"s{number}@example.org"]
        return row["queue_id"]

    def test_list(self) -> None:
        _, postern = self.waiting()
        rows = postern.listing()
        self.assertEqual(sorted(row["sender"] for row in rows),
                         [f"s{number}@example.org" for number in range(3)])
        for row in rows:
            self.assertEqual(row["queue_name"], "active")
            self.assertRegex(row["queue_id"], r"^[0-9A-Za-z]{11}$")
        self.assertEqual(len(postern.listing("--from", "s1@example.org")), 1)
        self.assertEqual(len(postern.listing("--to", "n2@example.com")), 1)
        self.assertEqual(postern.tool("list", "--where", "hold").returncode, 1)
        self.assertEqual(len(postern.tool("list").stdout.splitlines()), 3)

    def test_show_and_cat(self) -> None:
        _, postern = self.waiting(1)
        ident = self.ident_of(postern, 0)
        shown = postern.tool("show", ident)
        for text in (ident, "s0@example.org", "n0@example.com", "deferred", "451"):
            self.assertIn(text, shown.stdout)
        as_json = json.loads(postern.tool("--json", "show", ident).stdout)
        self.assertEqual(as_json["queue_id"], ident)
        self.assertEqual(postern.tool("cat", "--raw", ident).stdout.replace("\r\n", "\n"),
                         message("subject 0").decode().replace("\r\n", "\n"))
        self.assertIn("Subject: subject 0", postern.tool("cat", "--headers", ident).stdout)
        self.assertNotIn("Hello.", postern.tool("cat", "--headers", ident).stdout)

    def test_unknown_id_and_usage(self) -> None:
        postern = self.between(self.sink())
        for command in ("show", "cat", "retry", "hold", "delete"):
            done = postern.tool(command, "0000000000x")
            self.assertEqual(done.returncode, 1, command)
        for arguments in (["frobnicate"], [], ["show"], ["list", "--nonsense"], ["show", "../x"]):
            done = postern.tool(*arguments, check=False)
            self.assertIn(done.returncode, (1, 64), arguments)
            self.assertNotEqual(done.stderr, "", arguments)
        self.assertEqual(postern.tool("frobnicate", check=False).returncode, 64)

    def test_retry(self) -> None:
        sink, postern = self.waiting()
        self.open_door(sink)
        self.assertEqual(postern.tool("retry", self.ident_of(postern, 1)).returncode, 0)
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"n1@example.com"])
        self.assertEqual(postern.tool("retry", "all").returncode, 0)
        sink.wait_for(3)
        self.assert_nothing_left(postern)

    def test_hold_and_unhold(self) -> None:
        sink, postern = self.waiting(2)
        ident = self.ident_of(postern, 0)
        self.assertEqual(postern.tool("hold", ident).returncode, 0)
        row, = postern.listing("--where", "hold")
        self.assertEqual((row["queue_id"], row["queue_name"]), (ident, "hold"))
        self.open_door(sink)
        postern.tool("retry", "all")
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"n1@example.com"])
        self.assertEqual(postern.tool("unhold", ident).returncode, 0)
        sink.wait_for(2, 90)
        self.assert_nothing_left(postern)

    def test_delete(self) -> None:
        sink, postern = self.waiting(2)
        ident = self.ident_of(postern, 0)
        self.assertEqual(postern.tool("delete", ident).returncode, 0)
        self.open_door(sink)
        postern.tool("retry", "all")
        sink.wait_for(1)
        self.assert_nothing_left(postern)
        self.assertEqual([taken.recipients for taken in sink.taken()], [[b"n1@example.com"]])

    def test_without_a_daemon(self) -> None:
        sink, postern = self.waiting()
        idents = [self.ident_of(postern, number) for number in range(3)]
        postern.stop()
        self.assertEqual(len(postern.listing()), 3)
        self.assertIn("s0@example.org", postern.tool("show", idents[0]).stdout)
        self.assertIn("Subject: subject 0", postern.tool("cat", idents[0]).stdout)
        self.assertEqual(postern.tool("hold", idents[0]).returncode, 0)
        self.assertEqual(postern.tool("delete", idents[1]).returncode, 0)
        self.assertEqual(postern.tool("retry", idents[2]).returncode, 0)
        self.assertEqual([row["queue_id"] for row in postern.listing("--where", "hold")], [idents[0]])
        self.assertEqual(postern.tool("unhold", idents[0]).returncode, 0)
        self.assertEqual(postern.tool("reload", check=False).returncode, 69)
        self.open_door(sink)
        postern.start()
        sink.wait_for(2)
        self.assertEqual(sorted(taken.recipients[0] for taken in sink.taken()),
                         [b"n0@example.com", b"n2@example.com"])
        self.assert_nothing_left(postern)

    def test_while_the_daemon_is_dead_but_its_spool_is_not(self) -> None:
        _, postern = self.waiting(1)
        ident = self.ident_of(postern, 0)
        assert postern.master is not None
        os.kill(postern.pid, signal.SIGKILL)
        postern.master.child.wait()
        postern.master = None
        wait_until(lambda: postern.tool("delete", ident, check=False).returncode == 0, 10,
                   "the locks to go")
        self.assertEqual(spoolfile.live(postern.spool), [])

    def quarantined(self, postern: Postern, recipients: list[str],
                    events: tuple[str, ...] = ()) -> str:
        """The id of a message in quarantine, put there by hand as a daemon of another day did."""
        now_ms = int(time.time() * 1000)
        ident = spoolfile.make_id(now_ms, 7)
        day = os.path.join(postern.spool, "quarantine", time.strftime("%Y-%m-%d", time.gmtime()))
        os.makedirs(day, 0o700, exist_ok=True)
        caught = (f"decided g=0 verdict=quarantine rule=virus reason=Eicar r=0-{len(recipients) - 1}",
                  "quarantined rule=virus reason=Eicar")
        path = os.path.join(day, ident)
        with open(path, "wb") as file:
            file.write(spoolfile.make(ident, recipients, message("caught"), now_ms - 6 * 86400000,
                                      "sink", caught + events))
        owner = os.stat(postern.spool)
        for made in (day, path):
            os.chown(made, owner.st_uid, owner.st_gid)
        return ident

    def test_release(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"')
        ident = self.quarantined(postern, ["a@example.com", "b@example.com"])
        row, = postern.listing("--where", "quarantine")
        self.assertEqual((row["queue_id"], row["quarantine_rule"], row["quarantine_reason"]),
                         (ident, "virus", "Eicar"))
        for command in ("hold", "retry", "unhold"):
            done = postern.tool(command, ident, check=False)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("release lets it go", done.stderr)
        self.assertEqual(postern.tool("release", "--to", "b@*", ident).returncode, 0)
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"b@example.com"])
        self.assertEqual(postern.tool("release", "--to", "b@*", ident, check=False).returncode, 1)
        self.assertEqual(postern.tool("release", ident).returncode, 0)
        self.assertEqual(sink.wait_for(2)[1].recipients, [b"a@example.com"])
        self.assertIn("released as", postern.tool("show", ident).stdout)
        self.assertEqual(postern.tool("release", "--again", ident).returncode, 0)
        self.assertEqual(sorted(sink.wait_for(3)[2].recipients),
                         [b"a@example.com", b"b@example.com"])
        self.assertEqual(postern.tool("rescan", ident, check=False).returncode, 1)
        self.assertEqual(postern.tool("delete", ident).returncode, 0)
        self.assertEqual(postern.tool("list", "--where", "quarantine", check=False).returncode, 1)
        self.assert_nothing_left(postern)

    def test_release_without_a_daemon(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"')
        ident = self.quarantined(postern, ["a@example.com"])
        postern.stop()
        self.assertEqual(postern.tool("release", ident).returncode, 0)
        self.assertEqual(sink.taken(), [])
        postern.start()
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"a@example.com"])
        self.assert_nothing_left(postern)

    def test_rescan(self) -> None:
        """Out of quarantine and hold by the files, of what waits by the daemon."""
        sink, postern = self.waiting(2)
        waits, held = self.ident_of(postern, 0), self.ident_of(postern, 1)
        postern.tool("hold", held)
        caught = self.quarantined(postern, ["a@example.com"])
        self.open_door(sink)
        self.assertEqual(postern.tool("rescan", waits, held, caught).returncode, 0)
        taken = sorted(taken.recipients for taken in sink.wait_for(3, 90))
        self.assertEqual(taken, [[b"a@example.com"], [b"n0@example.com"], [b"n1@example.com"]])
        self.assert_nothing_left(postern)

    def test_quarantine_expires(self) -> None:
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"', quarantine={"keep": "60s"})
        old = self.quarantined(postern, ["a@example.com"])
        path, = (file.path for file in spoolfile.live(postern.spool, "quarantine"))
        os.utime(path, (time.time() - 120, time.time() - 120))
        postern.stop()
        postern.start()
        postern.wait_log(f"{old}: removed from quarantine, its time is over")
        self.assertEqual(spoolfile.live(postern.spool, "quarantine"), [])

    def test_check(self) -> None:
        postern = self.between(self.sink())
        self.assertEqual(postern.tool("check").returncode, 0)
        with open(postern.conf, "a", encoding="ascii") as file:
            file.write("max_sise = 1\n")
        done = postern.tool("check", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("max_sise", done.stderr)

    def test_config_is_readable_again(self) -> None:
        postern = self.between(self.sink(), lines={"max_recipients": "77"})
        changed = postern.tool("config", "-n").stdout
        self.assertIn("max_recipients", changed)
        self.assertNotIn("max_connections", changed)
        self.assertIn("max_connections", postern.tool("config", "-d").stdout)
        printed = postern.tool("config").stdout
        with open(postern.conf, "w", encoding="utf-8") as file:
            file.write(printed)
        self.assertEqual(postern.tool("config").stdout, printed)
        self.assertEqual(json.loads(postern.tool("--json", "config").stdout)["max_recipients"], 77)

    def test_reload(self) -> None:
        postern = self.between(self.sink())
        self.assertEqual(postern.tool("reload").returncode, 0)
        postern.wait_log("is in force")
        with open(postern.conf, "a", encoding="ascii") as file:
            file.write("max_sise = 1\n")
        done = postern.tool("reload", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("max_sise", done.stderr)


if __name__ == "__main__":
    main()
