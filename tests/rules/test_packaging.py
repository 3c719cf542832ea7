#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_packaging.py BUILD - unit and profile are understood by their readers, and fit the code."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = ""  # from the command line


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=50,
                          stdin=subprocess.DEVNULL, env={**os.environ, "SYSTEMD_PAGER": ""})


def read(path: str) -> str:
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def made(name: str) -> str:
    return os.path.join(BUILD, "packaging", name)


def calls_in(name: str, sets: dict[str, set[str]]) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return set().union(*(calls_in(each, sets) for each in sets[name]))


def call_sets() -> dict[str, set[str]]:
    """systemd's own, by name."""
    sets: dict[str, set[str]] = {}
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), set())
        elif line.startswith("    ") and not line.strip().startswith("#"):
            current.add(line.strip())
    return sets


class Unit(unittest.TestCase):
    def setUp(self) -> None:
        self.text = read(made("postern.service"))

    def test_understood(self) -> None:
        """With a program that is there, since ours is not installed here."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "postern.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", self.text))
            done = run("systemd-analyze", "verify", "--man=no", path)
        about_us = [line for line in done.stderr.splitlines() if "postern" in line]
        self.assertEqual((done.returncode, about_us), (0, []), done.stderr)

    def test_exposure(self) -> None:
        done = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                   made("postern.service"))
        figure = re.search(r"Overall exposure level for postern\.service: ([\d.]+)", done.stdout)
        self.assertIsNotNone(figure, done.stdout + done.stderr)
        told = re.search(r"an exposure of \*\*([\d.]+)\*\*", read("SECURITY.md"))
        assert figure is not None and told is not None
        self.assertLessEqual(float(figure[1]), float(told[1]), done.stdout)
        self.assertLess(float(told[1]), 4.0)

    def test_capabilities(self) -> None:
        """Those of the unit are those that the master keeps."""
        code = re.search(r"master_capabilities =(.*?);", read("base/priv.c"), re.S)
        unit = re.search(r"(?m)^CapabilityBoundingSet=(.*)$", self.text)
        assert code is not None and unit is not None
        self.assertEqual(set(re.findall(r"CAP_\w+", code[1])), set(unit[1].split()))

    def test_calls(self) -> None:
        """What a jail allows, and what it takes to enter it, the unit allows."""
        sets, allowed = call_sets(), set()
        for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", self.text):
            named = set().union(*(calls_in(name, sets) for name in line.lstrip("~").split()))
            allowed = allowed - named if line.startswith("~") else allowed | named
        needed = {"capset", "prctl", "setgroups", "setresuid", "setresgid", "chmod", "fchownat",
                  "fchown", "bind", "listen", "execve", "landlock_add_rule", "unlink"}
        lists = re.findall(r"static const int (\w+)\[\] = \{(.*?)\};",
                           read("base/jail_calls.c"), re.S)
        for name, text in lists:
            if name in ("work", "loop", "files", "peers", "deadlines", "parenthood"):
                needed |= set(re.findall(r"SCMP_SYS\((\w+)\)", text))
        self.assertGreater(len(needed), 100)
        self.assertEqual(needed - allowed, set())
        self.assertFalse(allowed & {"bpf", "mount", "keyctl", "io_uring_setup", "process_vm_readv"})

    def test_time_to_stop(self) -> None:
        """Longer than the master waits for its children."""
        unit = re.search(r"(?m)^TimeoutStopSec=(\d+)$", self.text)
        code = re.search(r"MASTER_STOP_MS = (\d+)", read("src/master/master_state.h"))
        assert unit is not None and code is not None
        self.assertGreater(int(unit[1]) * 1000, int(code[1]))


def pattern(glob: str) -> str:
    """A path of a profile as a regular expression."""
    words = {"**": ".*", "*": "[^/]*", "{": "(", "}": ")", ",": "|", "@{run}": "/run"}
    return "".join(words.get(word, re.escape(word))
                   for word in re.findall(r"@\{run\}|\*\*|.", glob))


class Profile(unittest.TestCase):
    def parse(self, path: str, *options: str) -> subprocess.CompletedProcess:
        """Compiled, not loaded."""
        return run("/usr/sbin/apparmor_parser", "-Q", "-T", "-K", *options, path)

    def test_understood(self) -> None:
        done = self.parse(made("usr.sbin.posternd"))
        self.assertEqual(done.returncode, 0, done.stderr)
        names = self.parse(made("usr.sbin.posternd"), "-N").stdout.split()
        self.assertEqual(names, ["posternd", "posternd//dissect"])

    def test_sockets(self) -> None:
        """Those that the manuals propose may be made, and reached."""
        rules = re.findall(r"(?m)^  (/\S*|@\{run\}\S*) (?:r?wk?l?),$",
                           read(made("usr.sbin.posternd")))
        proposed = set(re.findall(r"unix:(/[\w./]+\w)", "".join(
            read(name) for name in ("README.md", "conf/postern.conf", "man/postern.conf.5.in"))))
        proposed.discard("/path")
        self.assertGreater(len(proposed), 3)
        for path in proposed:
            self.assertTrue(any(re.fullmatch(pattern(rule), path) for rule in rules), path)

    def test_fault_is_seen(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".profile") as file:
            file.write(read(made("usr.sbin.posternd")).replace("capability chown", "capability x"))
            file.flush()
            self.assertNotEqual(self.parse(file.name).returncode, 0)


class Folders(unittest.TestCase):
    def test_users_and_folders(self) -> None:
        """systemd's own programs make of the two files what the unit and the defaults name."""
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "etc"))
            for tool, name in (("systemd-sysusers", "postern.sysusers"),
                               ("systemd-tmpfiles", "postern.tmpfiles")):
                path = os.path.join(TOP, "packaging", name)
                more = ["--create"] if tool == "systemd-tmpfiles" else []
                if name == "postern.tmpfiles":
                    with open(os.path.join(root, "etc", "group"), "a", encoding="utf-8") as file:
                        file.write("adm:x:4:\n")
                done = run(tool, *more, f"--root={root}", path)
                self.assertEqual((done.returncode, done.stderr.count("rror")), (0, 0), done.stderr)
            for folder in ("var/spool/postern", "var/lib/postern", "var/log/postern"):
                self.assertTrue(os.path.isdir(os.path.join(root, folder)), folder)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
