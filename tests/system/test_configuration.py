#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A bad configuration is refused, naming file, line, setting and what was expected."""

import os
import subprocess
import time

from case import BUILD, Case, Settings, main, message
from lab.daemon import Postern
from lab.process import family_of

# Name, text, words that the message must have.
BAD = [
    ("unknown setting", "max_sise = 10M\n", [":1:", "max_sise"]),
    ("unknown section", "\nspol { }\n", [":2:", "spol"]),
    ("unknown setting in a section", 'spool {\n  pth = "/x"\n}\n', [":2:", "pth"]),
    ("not a number", "workers = many\n", [":1:", "workers", "expected"]),
    ("too large a number", "workers = 1000\n", [":1:", "workers", "64"]),
    ("negative number", "workers = -1\n", [":1:", "workers"]),
    ("not a size", 'max_size = "12Q"\n', [":1:", "max_size", "expected a size"]),
    ("not a time", 'spool {\n\n lifetime = "soon"\n}\n', [":3:", "lifetime", "expected a time"]),
    ("not yes or no", "trace = perhaps\n", [":1:", "trace", "expected"]),
    ("not a choice", "handoff = maybe\n", [":1:", "handoff", "spool", "relay"]),
    ("not an address", 'listen "somewhere" { }\n', [":1:", "somewhere", "expected"]),
    ("a port that is none", 'listen "inet:127.0.0.1:99999" { }\n', [":1:", "99999"]),
    ("smtp on a UNIX socket", 'listen "unix:/tmp/x" { protocol = smtp }\n', [":1:", "lmtp"]),
    ("not a network", 'listen "inet:127.0.0.1:10024" { clients = {"here"} }\n',
     [":1:", "clients", "here"]),
    ("not a mode", 'listen "unix:/tmp/x" { mode = "rwx" }\n', [":1:", "mode"]),
    ("two listeners at one address", 'listen "inet:127.0.0.1:10024" { }\n'
     'listen "inet:127.0.0.1:10024" { }\n', [":2:", "127.0.0.1:10024"]),
    ("a route to nowhere", 'listen "inet:127.0.0.1:10024" { next_hop = "gone" }\n',
     [":1:", "next_hop", "gone"]),
    ("next hop that is ourselves", 'listen "inet:127.0.0.1:10024" { }\n'
     'next_hop "inet:127.0.0.1:10024" { }\n', [":2:", "10024"]),
    ("certificate without key", 'listen "inet:127.0.0.1:10024" { tls { cert = "/x" mode = may } }\n',
     [":1:", "key"]),
    ("syntax", "workers = = 2\n", [":1:"]),
    ("open brace", "spool {\n", [":1:", "expected }"]),
    ("NUL byte", 'hostname = "a\0b"\n', [":1:"]),
    ("include of what is missing", 'include("nowhere.conf")\n', [":1:", "nowhere.conf"]),
    ("include of itself", 'include("posternd.conf")\n', ["posternd.conf"]),
    ("control socket over TCP", 'control { socket = "inet:127.0.0.1:1" }\n', ["socket", "UNIX"]),
]


class Configuration(Case):
    def check(self, text: str) -> subprocess.CompletedProcess:
        conf = self.path("posternd.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        return self.posternd("-c", conf, "-t")

    def posternd(self, *arguments: str) -> subprocess.CompletedProcess:
        helper = Postern(BUILD, self.path("env"), Settings())
        if helper not in self.posterns:
            self.posterns.append(helper)
            self.addCleanup(self.check_end, helper)
        return subprocess.run([helper.daemon, *arguments], env=helper.environment(), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=30,
                              check=False)

    def test_each_fault_is_named(self) -> None:
        for name, text, words in BAD:
            with self.subTest(name):
                done = self.check(text)
                self.assertEqual(done.returncode, 78, done.stderr)
                for word in [self.path("posternd.conf"), *words]:
                    self.assertIn(word, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_good_ones(self) -> None:
        os.mkdir(self.path("conf.d"))
        with open(self.path("conf.d/a.conf"), "w", encoding="ascii") as file:
            file.write("workers = 3\n")
        for text in ("", "# nothing\n", 'hostname = "mx1.example.com"\n',
                     'listen "inet:[::1]:10024" { protocol = lmtp timeout = 10s }\n',
                     'include("conf.d/*.conf")\n', 'max_size = "1G"  max_recipients = 50\n',
                     'spool { retry = {"1s", "1m", "1h"} lifetime = 2d }\n'):
            with self.subTest(text):
                done = self.check(text)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr, "")

    def test_missing_file_and_folder(self) -> None:
        for path in (self.path("missing.conf"), self.folder):
            done = self.posternd("-c", path, "-t")
            self.assertEqual(done.returncode, 78)
            self.assertIn(path, done.stderr)

    def test_start_with_a_bad_one_ends_at_once(self) -> None:
        conf = self.path("posternd.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("nonsense\n")
        begin = time.monotonic()
        self.assertEqual(self.posternd("-c", conf, "-f").returncode, 78)
        self.assertLess(time.monotonic() - begin, 10)

    def test_installed_programs_find_each_other(self) -> None:
        """Under any prefix: what reads messages is not where the others are."""
        root = self.path("root")
        subprocess.run(["cmake", "--install", BUILD], env=dict(os.environ, DESTDIR=root),
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
        found = {name: os.path.join(folder, name) for folder, _, names in os.walk(root)
                 for name in names}
        self.assertLessEqual({"posternd", "postern", "postern-dissect", "postern.conf", "README.md"},
                             set(found))
        postern = Postern(BUILD, self.path("postern"), Settings())
        postern.daemon, postern.tool_path = found["posternd"], found["postern"]
        postern.settings.dissect["program"] = '""'
        self.posterns.append(postern)
        self.addCleanup(self.check_end, postern)
        postern.start()
        with open(self.path("mail.eml"), "wb") as file:
            file.write(message())
        done = postern.tool("test", self.path("mail.eml"))
        self.assertIn("text/plain", done.stdout)
        family = [os.readlink(f"/proc/{pid}/exe") for pid in family_of(postern.pid)]
        self.assertIn(found["postern-dissect"], family)

    def test_usage(self) -> None:
        self.assertEqual(self.posternd("--nonsense").returncode, 64)
        self.assertEqual(self.posternd("--help").returncode, 0)
        self.assertRegex(self.posternd("--version").stdout, r"^posternd \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    main()
