#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks from the same machine: by other users, and by the daemon's own user, whom a process that
was taken over is: on the control socket, through ids, and with what it plants where root looks."""

import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import time

import spoolfile
from case import Case, Postern, Sink, main, message, send, skip_if, wait_until
from lab.daemon import USER

IDS = ["../x", "..", ".", "/etc/passwd", "../../../../etc/passwd", "active/x", "./x", "a/../b",
       "slot-0000", "%2e%2e%2f", "..\\..\\x", "x" * 5000, "", " ", "\n", "-", "--", "*", "?", "%s%n",
       "$(id)", "`id`", "a;b", "a\nb", "\x1b[31m", "\u202e", "all", "0000000000x", "\xff"]
SECRET = b"root's own secret\n"
ID_COMMANDS = ["show", "cat", "trace", "retry", "hold", "unhold", "delete", "release", "rescan"]


def tree(path: str) -> dict[str, tuple]:
    """All that lies there, but slots, of which more may be made meanwhile: kind, links."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders + [name for name in files if not name.startswith("slot-")]:
            info = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (stat.S_IFMT(info.st_mode), info.st_nlink)
    return found


class Local(Case):
    def waiting(self, count: int = 1) -> tuple[Sink, Postern, list[str]]:
        """A Postern with messages that wait for their next try, and their ids."""
        sink = self.sink()
        sink.script.mail = lambda path: "451 4.3.0 later"
        postern = self.between(sink, spool={"retry": '{"1h"}'}, lines={"workers": "1"})
        for number in range(count):
            send(postern.ports[0], f"s{number}@example.org", ["bob@example.com"], message())
        wait_until(lambda: len(postern.listing()) == count, 20, "the messages to wait")
        return sink, postern, [row["queue_id"] for row in postern.listing()]

    def drains(self, sink: Sink, postern: Postern, count: int) -> None:
        sink.script.mail = lambda path: "250 2.1.0 Ok"
        postern.tool("retry", "all")
        sink.wait_for(count)


class Control(Local):
    def ask(self, postern: Postern, data: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(postern.control)
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                answer = b""
                while more := client.recv(65536):
                    answer += more
            except (BrokenPipeError, ConnectionResetError):
                pass
        return answer

    def test_other_users(self) -> None:
        skip_if("not-root", os.getuid() != 0)
        _, postern, _ = self.waiting()
        code = ("import socket, sys\ntry: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
                "except PermissionError: sys.exit(13)")
        command = [sys.executable, "-c", code, postern.control]
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.assertEqual(subprocess.run(nobody + command, check=False).returncode, 13)
        self.assertEqual(subprocess.run(command, check=False).returncode, 0)
        folder = os.stat(os.path.join(postern.spool, "active"))
        self.assertEqual(stat.S_IMODE(folder.st_mode), 0o700)
        for path, kind in tree(postern.spool).items():
            self.assertEqual(os.lstat(path).st_mode & 0o077, 0, (path, kind))

    def test_requests_that_are_none(self) -> None:
        _, postern, ids = self.waiting()
        before = tree(postern.spool)
        requests: list[bytes] = [
            b"", b"\n", b"\0\n", b"{\n", b"[]\n", b"{}\n", b"null\n", b"[" * 60_000 + b"\n",
            b'{"command":"frobnicate"}\n', b'{"command":"delete"}\n', b'{"command":null}\n',
            b'{"command":"delete","all":true}\n', b'{"command":["delete"]}\n', b"\xff\xfe\n",
            b'{"command":"delete","ids":"' + ids[0].encode() + b'"}\n',
            b'{"command":"delete","ids":[' + b",".join([b'"0000000000x"'] * 1001) + b"]}\n",
            b'{"command":"hold","ids":["' + ids[0].encode() + b'"],"reason":"' + b"x" * 300 + b'"}\n',
            b'{"command":"delete","command":"delete"}\n', b"x" * 200_000, b"x" * 200_000 + b"\n"]
        requests += [json.dumps({"command": name, "ids": [one]}).encode() + b"\n"
                     for name in ("retry", "hold", "delete", "rescan")
                     for one in [*IDS, "a\0b", ids[0] + "\0"]]
        for request in requests:
            answer = self.ask(postern, request)
            self.assertNotIn(b'"done"', answer, request[:100])
            if answer:
                json.loads(answer)
        self.assertEqual(tree(postern.spool), before)
        self.assertIn(ids[0], postern.tool("list").stdout)

    def test_crowd(self) -> None:
        """Who holds all its places holds them for a while; mail does not care."""
        sink, postern, _ = self.waiting()
        crowd = []
        for _ in range(100):
            one = socket.socket(socket.AF_UNIX)
            self.addCleanup(one.close)
            one.connect(postern.control)
            crowd.append(one)
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        wait_until(lambda: postern.tool("status", check=False).returncode == 0, 30, "a place")
        self.drains(sink, postern, 2)


class Ids(Local):
    def test_paths_instead_of_ids(self) -> None:
        """Whether a daemon runs or not: an error, and nothing has changed."""
        _, postern, ids = self.waiting()
        for is_running in (True, False):
            if not is_running:
                postern.stop()
            before = tree(postern.spool)
            for command in ID_COMMANDS:
                together = [one for one in IDS if one not in ("-", "all")]
                alone = [[one] for one in IDS] if command in ("show", "delete") else []
                for ids_asked in [together, *alone]:
                    done = postern.tool(command, "--", *ids_asked, check=False)
                    self.assertIn(done.returncode, (1, 64), (command, ids_asked, done.stderr))
                    self.assertNotIn("root:", done.stdout)
            self.assertEqual(tree(postern.spool), before)
            self.assertEqual(postern.listing()[0]["queue_id"], ids[0])


class Planted(Local):
    """The daemon's user owns the spool. What it puts there must not lead root astray, nor keep it
    waiting, nor stop the mail."""

    def setUp(self) -> None:
        skip_if("not-root", os.getuid() != 0)
        self.user = pwd.getpwnam(USER)
        self.secret = self.path("secret")
        self.precious = self.path("precious")
        os.mkdir(self.precious, 0o700)
        for path in (self.secret, os.path.join(self.precious, spoolfile.make_id(1, 1))):
            with open(path, "wb") as file:
                file.write(SECRET)
            os.chmod(path, 0o600)
        # A message of root's that a command would have to follow a link to reach.
        self.other = spoolfile.make_id(int(time.time() * 1000), 500)
        with open(os.path.join(self.precious, self.other), "wb") as file:
            file.write(spoolfile.make(self.other, ["bob@example.com"], message("other"),
                                      int(time.time() * 1000), "sink"))
        self.before = self.secrets()

    def secrets(self) -> list[tuple]:
        found = []
        for folder, _, names in os.walk(self.precious):
            found += [os.path.join(folder, name) for name in names]
        rows = []
        for path in sorted([self.secret, *found]):
            info = os.lstat(path)
            with open(path, "rb") as file:
                rows.append((path, info.st_uid, info.st_mode, info.st_mtime_ns, file.read()))
        return rows

    def plant(self, folder: str) -> list[str]:
        """Things with good names; those names."""
        made = []

        def name() -> str:
            made.append(spoolfile.make_id(int(time.time() * 1000), 100 + len(made)))
            return os.path.join(folder, made[-1])
        os.symlink(self.secret, name())
        os.symlink(os.path.join(self.precious, self.other), os.path.join(folder, self.other))
        os.link(self.secret, name())
        os.symlink("/dev/zero", name())
        os.symlink("nowhere", name())
        os.mkfifo(name())
        os.mknod(name(), 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
        os.mkdir(name())
        with open(name(), "wb") as file:
            file.truncate(1 << 40)
        with open(name(), "wb") as file:
            file.write(b"POSTERN 1 999999999999999 99999999999999999999 ffffffffffffffff\n")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(name())
        return [*made, self.other]

    def plant_all(self, postern: Postern) -> list[str]:
        day = os.path.join(postern.spool, "quarantine", time.strftime("%Y-%m-%d"))
        hold = os.path.join(postern.spool, "hold")
        instance = os.path.join(postern.spool, "active", "m0000000-1-00000000")
        bucket = os.path.join(instance, "00")
        for path in (day, bucket):
            os.makedirs(path, exist_ok=True)
        made = [one for path in (day, hold, bucket) for one in self.plant(path)]
        for number, target in enumerate((self.precious, "/", "..", "/proc/self/fd")):
            os.symlink(target, os.path.join(postern.spool, "quarantine", f"2020-01-0{number + 1}"))
            os.symlink(target, os.path.join(instance, f"0{number + 1}"))
            os.symlink(target, os.path.join(postern.spool, "active", f"m000000{number}-2-00000000"))
        os.symlink(self.secret, os.path.join(instance, "slot-0000"))
        os.mkfifo(os.path.join(instance, "slot-0001"))
        os.symlink(self.secret, os.path.join(postern.spool, "corrupt", "x"))
        os.mkfifo(os.path.join(postern.spool, "hops", "fifo"))
        for folder, folders, files in os.walk(postern.spool):
            for one in folders + files:
                path = os.path.join(folder, one)
                if os.lstat(path).st_ino != os.stat(self.secret).st_ino:
                    os.lchown(path, self.user.pw_uid, self.user.pw_gid)
        return made

    def check_tool(self, postern: Postern, made: list[str]) -> None:
        commands = [["list"], ["--json", "list"], ["status"], ["check"], ["retry", "all"],
                    *([command, *made] for command in ID_COMMANDS)]
        for command in commands:
            done = postern.tool(*command, check=False)  # within its time
            self.assertIn(done.returncode, (0, 1, 69, 74), (command, done.stderr))
            self.assertNotIn("secret\n", done.stdout, command)
            self.assertNotIn("Subject: other", done.stdout, command)
            self.assertEqual(self.secrets(), self.before, command)

    def test_by_the_tool_alone(self) -> None:
        _, postern, ids = self.waiting()
        postern.stop()
        made = self.plant_all(postern)
        self.check_tool(postern, made)
        self.assertIn(ids[0], postern.tool("list").stdout)

    def test_with_a_daemon(self) -> None:
        """And its own workers, who adopt what lies there."""
        sink, postern, _ = self.waiting()
        postern.stop()
        made = self.plant_all(postern)
        postern.start()
        self.check_tool(postern, made)
        send(postern.ports[0], "ann@example.org", ["carol@example.com"], message())
        self.drains(sink, postern, 2)
        self.assertEqual({path for one in sink.taken() for path in one.recipients},
                         {b"bob@example.com", b"carol@example.com"})
        self.assertEqual(self.secrets(), self.before)

    def test_places_that_are_links(self) -> None:
        """Of the spool itself the operator may make a link, of nothing in it anybody."""
        _, postern, ids = self.waiting()
        postern.stop()
        for place in ("active", "hold", "quarantine", "corrupt"):
            path = os.path.join(postern.spool, place)
            os.rename(path, path + ".away")
            os.symlink(self.precious, path)
            for command in (["list"], ["show", self.other], ["delete", self.other],
                            ["hold", ids[0]], ["retry", "all"]):
                done = postern.tool(*command, check=False)
                self.assertNotEqual(done.returncode, 0, (place, command))
                self.assertNotIn("secret", done.stdout)
            os.unlink(path)
            os.rename(path + ".away", path)
        self.assertEqual(self.secrets(), self.before)
        moved = postern.spool + ".elsewhere"
        os.rename(postern.spool, moved)
        os.symlink(moved, postern.spool)
        self.assertIn(ids[0], postern.tool("list").stdout)

    def test_sockets_and_logs(self) -> None:
        """Their folder is the user's: at a reload root changes and writes what is its own only."""
        sink, postern, _ = self.waiting()
        for path in (postern.control, postern.log):
            os.rename(path, path + ".away")
            os.symlink(self.secret, path)
        with open(postern.log + ".away", encoding="utf-8") as log:
            log.seek(0, os.SEEK_END)
            postern.hang_up()
            said = ""

            def is_told() -> bool:
                nonlocal said
                said += log.read()
                return "is not a socket" in said
            wait_until(is_told, 20, "the reload to be refused")
        self.assertEqual(self.secrets(), self.before)
        for path in (postern.control, postern.log):
            os.unlink(path)
            os.rename(path + ".away", path)
        self.drains(sink, postern, 1)

    def tearDown(self) -> None:
        shutil.rmtree(self.precious)


if __name__ == "__main__":
    main()
