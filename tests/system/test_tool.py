#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tool, with a running daemon and on the bare spool: each command, its JSON, its exit codes."""

import json
import os
import signal

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
        postern.wait_log("status=deferred", count=count)
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
