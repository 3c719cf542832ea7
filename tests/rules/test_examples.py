#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_examples.py BUILD - each example of the documentation is proven, here or by another test.

A block is known by its first line. One that stands in no table here, and a row here that has no
block any more, fail.
"""

import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Callable

import examples
from examples import TOP, Example, read, sources

sys.path[:0] = [os.path.join(TOP, "packaging"), os.path.join(TOP, "tests", "system")]
# pylint: disable=wrong-import-position
import spoolfile  # noqa: E402
from lab.postfix import Filter, Options, Postfix  # noqa: E402
from lab.process import wait_until  # noqa: E402

BUILD = ""  # from the command line

FILTERS = '''
filter "clamav" { type = clamd   servers = {"unix:/run/clamav/clamd.ctl"} }
filter "rspamd" { type = rspamd  servers = {"inet:127.0.0.1:11333"} }
'''


def path_of(program: str) -> str:
    return os.path.join(BUILD, {"posternd": "src", "postern": "tool"}[program], program)


class Folder:
    """A configuration, and a spool with a message in hold and one in quarantine."""

    def __init__(self) -> None:
        self.temporary = tempfile.TemporaryDirectory(prefix="postern-examples-")
        self.name = self.temporary.name
        self.conf = self.path("postern.conf")
        self.control = 'control { socket = "unix:%s" }\n' % self.path("control.sock")
        self.ids: dict[str, str] = {}

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self.temporary.cleanup()

    def path(self, name: str) -> str:
        return os.path.join(self.name, name)

    def write(self, name: str, text: str) -> str:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def fill(self) -> None:
        user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout
        self.write("postern.conf",
                   f'user = {user}spool {{ path = "{self.path("spool")}"  sync = no }}\n'
                   f'track {{ ledger = "{self.path("ledger.db")}" }}\nlog {{ syslog = no }}\n'
                   f'dissect {{ program = "{BUILD}/src/postern-dissect" }}\n'
                   + self.control)
        with sqlite3.connect(self.path("ledger.db")) as ledger:
            ledger.executescript(examples.schema() + examples.stamp())
        self.write("FILE.eml", "From: ann@example.org\nSubject: test\n\nHello.\n")
        now_ms = int(time.time() * 1000) - 5 * 86400000
        caught = ("decided g=0 verdict=quarantine rule=virus reason=x r=0",
                  "quarantined rule=virus reason=x")
        day = time.strftime("quarantine/%Y-%m-%d", time.gmtime(now_ms / 1000))
        for place in ("active", "hold", "quarantine", "corrupt", "hops"):
            os.makedirs(self.path("spool/" + place), 0o700)
        for number, (place, events) in enumerate((("hold", ("held reason=x",)), (day, caught))):
            ident = spoolfile.make_id(now_ms, number)
            os.makedirs(self.path("spool/" + place), 0o700, exist_ok=True)
            with open(self.path(f"spool/{place}/{ident}"), "wb") as file:
                file.write(spoolfile.make(ident, ["gone@example.com"], b"Subject: x\r\n\r\nx\r\n",
                                          now_ms, "inet:127.0.0.1:10025", events))
            self.ids[place.split("/", maxsplit=1)[0]] = ident

    def run(self, command: str) -> subprocess.CompletedProcess:
        """A line as the shell would, with a `postern` that knows this folder."""
        wrapper = self.write("bin/postern",
                             f'#!/bin/sh\nexec "{path_of("postern")}" -c "{self.conf}" "$@"\n')
        os.chmod(wrapper, 0o755)
        return subprocess.run(["sh", "-c", command], cwd=self.name, text=True, timeout=60,
                              env={**os.environ, "PATH": f"{self.path('bin')}:/usr/bin:/bin"},
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)


# --- how an example is proven: a function that fails where it is not ---

def accepts(text: str) -> None:
    """`posternd -t` takes it; files that it names need not be there."""
    with Folder() as folder:
        conf = folder.write("postern.conf", text)
        done = subprocess.run([path_of("posternd"), "-t", "-c", conf], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr


def configuration(example: Example) -> None:
    has_filters = re.search(r"^filter ", example.text, re.M)
    accepts(example.text + ("" if has_filters else FILTERS))


def settings_with(text: str) -> Callable[[Example], None]:
    """Part of a configuration that needs more around it."""
    return lambda example: accepts(text % example.text)


def lab_lines() -> set[str]:
    """What the private Postfix of the tests is set up with, in words."""
    lab = Postfix("", "", Options(content_filter=Filter(
        protocol="smtp", nexthop="[127.0.0.1]:10024")))
    # pylint: disable=protected-access
    main = {f"{name} = {value}" for name, value in lab._main().items()}
    return main | set(re.findall(r"-o (\S*)", lab._master()))


def postfix(example: Example) -> None:
    """The tool says the same, and each setting is one of those that the system tests run with."""
    with Folder() as folder:
        folder.write("postern.conf", "")
        assert folder.run("postern setup-postfix").stdout == example.text, "setup-postfix differs"
    known = lab_lines()
    text = example.text.replace(",[::1]/128", "")
    wanted = re.findall(r"^\w+ = .*$", text, re.M) + re.findall(r"-o (\S*)", text)
    assert len(wanted) > 4, wanted
    for setting in wanted:
        assert setting in known, f"{setting}: nothing that a test of ours sets"


def same_as(path: str) -> Callable[[Example], None]:
    """Another document says the same, line by line."""
    def check(example: Example) -> None:
        wanted = [found.text for found in examples.blocks()
                  if found.path == path and found.first == example.first]
        assert wanted == [example.text], f"not as in {path}"
        PROOFS[path][example.first](Example(path, 0, example.text))
    return check


def run_by(path: str, *words: str) -> Callable[[Example], None]:
    """That file of ours, a test or what CI runs, holds these words."""
    def check(_: Example) -> None:
        text = read(path)
        for word in words:
            assert word in text, f"{path} has no {word}"
    return check


def shell(example: Example) -> None:
    """The whole block is run."""
    with Folder() as folder:
        folder.fill()
        done = folder.run("set -e\n" + example.text)
    assert done.returncode in (0, 1) and done.stderr == "", f"{done.returncode}: {done.stderr}"


def log_lines(example: Example) -> None:
    """Each has the form, a component and keys that the code has."""
    code = sources("src", "smtp", "base", "reinject", "track")
    for line in example.text.splitlines():
        found = re.fullmatch(r"posternd/(\w+)\[\d+\]: [0-9A-Za-z.]+: (.*)", line)
        assert found, line
        assert f'"{found.group(1)}"' in code, f"no component {found.group(1)}"
        rest = re.sub(r" \([^)]*\)", "", found.group(2))
        for pair in rest.split(", "):
            key, equals, _ = pair.partition("=")
            assert not equals or f'"{key}"' in code or key == "status", f"no key {key}"


def alerts(example: Example) -> None:
    """promtool takes them."""
    with Folder() as folder:
        path = folder.write("rules.yml", example.text)
        done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def printed(label: str, least: int, *paths: str) -> Callable[[Example], None]:
    """Output of a command: each line's label is a word of the code that prints it."""
    def check(example: Example) -> None:
        code = "".join(map(read, paths))
        labels = re.findall(label, example.text, re.M)
        assert len(labels) >= least, labels
        for word in labels:
            assert f'"{word}"' in code, f"nobody prints {word}"
    return check


def queries(example: Example) -> None:
    """Each is one that a ledger answers."""
    with sqlite3.connect(":memory:") as database:
        database.executescript(examples.schema())
        statements = re.sub(r"--.*", "", example.text).split(";")[:-1]
        assert statements
        for statement in statements:
            assert database.execute(statement).fetchall() == [], statement


def expressions(example: Example) -> None:
    """A rule of Prometheus, each line of it."""
    rules = "".join(f"  - alert: A{number}\n    expr: {line}\n"
                    for number, line in enumerate(example.text.splitlines()))
    alerts(Example(example.path, example.line, "groups:\n- name: x\n  rules:\n" + rules))


def redis(example: Example) -> None:
    """A real server takes each line: as its configuration, or as a command."""
    lines = example.text.splitlines()
    is_configuration = lines[0].startswith("maxmemory")
    with Folder() as folder:
        path, sock = folder.write("redis.conf", example.text), folder.path("redis.sock")
        with subprocess.Popen(["redis-server", *([path] if is_configuration else []), "--port", "0",
                               "--unixsocket", sock, "--dir", folder.name],
                              stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as server:
            try:
                wait_until(lambda: os.path.exists(sock), 10, "Redis to start")
                for line in ["PING"] if is_configuration else lines:
                    words = shlex.split(line.removeprefix("redis-cli "))
                    done = subprocess.run(["redis-cli", "-s", sock, *words], capture_output=True,
                                          text=True, stdin=subprocess.DEVNULL, check=True)
                    assert not re.match(r"ERR|WRONG|NOPERM", done.stdout), done.stdout
            finally:
                server.terminate()


def picture(_: Example) -> None:
    """Shows how things hang together; there is nothing to run."""


PROOFS: dict[str, dict[str, Callable[[Example], None]]] = {
    "README.md": {
        "Postfix --SMTP/LMTP--> smtp/ -> spool/ -> look -> ask -> decide -> reinject/ --SMTP--> "
        "Postfix :10025": picture,
        "sudo packaging/try          # builds, and shows it at work between the halves of a private "
        "Postfix": run_by(".ci/run", "packaging/try --once", "tests/run"),
        "sudo packaging/install-deps build":
            run_by(".ci/run", "packaging/install-deps build", "cmake --build"),
        "sudo useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin postern":
            run_by("tests/system/test_service.py", "test_workers_drop_roots_rights",
                   "test_in_the_background"),
        "# main.cf: before the filter no alias expansion, after it there is": postfix,
        'filter "clamav" { type = clamd   servers = {"unix:/run/clamav/clamd.ctl"}  on_error = '
        'defer }': configuration,
        'rule "ambiguous" { defect = "ambiguous"  action = quarantine  reason = "mail readers '
        'disagree about it" }': configuration,
        'rule "virus"  { virus = "*"                       action = quarantine  reason = "virus" }':
            configuration,
        "# Processes that carry mail; 0: one a core.":
            run_by("tests/rules/CMakeLists.txt", "rules/readme"),
        'track { postfix_log = "/var/log/mail.log" }': configuration,
        "redis-cli HGET postfix:4Zb1ym3kXYz9 status": redis,
        'postern_queue_messages{place=~"hold|corrupt"} > 0': expressions,
        "posternd/send[21074]: 2Ak2vtPgj6u: to=<bob@example.com>, relay=127.0.0.1:10025, dsn=2.0.0, "
        "status=sent (250 2.0.0 Ok: 498 bytes queued as 4jWxwW1NSnz1dPtG), "
        "queue_id=4jWxwW1NSnz1dPtG, body=same, digest=bde88c2977245cee56bcc86c63fcfcd9, "
        "delay=867ms, delays=4.2/0.0/17/18": log_lines,
        "$ postern trace 4jWxwV1JMDz1dPsZ":
            printed(r"^ +(?:\+[\d.]+s  )?([a-z]+(?: id)?)  ", 15, "tool/way_print.c",
                    "tool/way_events.c"),
        "since        2026-11-20 16:09:39, 1d": printed(r"^(\w+) ", 6, "tool/stats.c"),
        "daemon     postern  0.1.0  /etc/postern/postern.conf":
            printed(r"^(\w+) ", 10, "tool/daemon_status.c", "src/scribe/overview.c"),
        "active/<instance>/slot-NNNN     in work: files made ahead of use, used again and again":
            picture,
        "base | smtp -> spool -> mime -> filters -> policy -> reinject -> track | control | src wires "
        "them; tool, man beside src": picture,
    },
    "man/postern.1.in": {
        "postern list --where active --to '*@example.com'": shell,
        "postern --json list --to gone@example.com --older 2d |": shell,
    },
    "man/postern.conf.5.in": {
        'listen "inet:127.0.0.1:10024" {': configuration,
        'listen "inet:127.0.0.1:10026" {': configuration,
        'next_hop "inet:127.0.0.1:10025" {': configuration,
        'filter "clamav" { type = clamd   servers = {"unix:/run/clamav/clamd.ctl"}  on_error = '
        'defer }': configuration,
        "track {": configuration,
        "redis {": configuration,
        'http "inet:127.0.0.1:11380" { }': configuration,
        'listen "inet:127.0.0.1:10024" { }': configuration,
    },
    "man/posternd.8.in": {
        "[Service]": run_by("tests/system/test_service.py", "test_sd_notify", "READY=1"),
        "# main.cf: before the filter no alias expansion, after it there is": same_as("README.md"),
        "sqlite3 -readonly /var/lib/postern/ledger.db": run_by("track/settings.c",
                                                               "/var/lib/postern/ledger.db"),
        "-- who sent most of what was caught today": queries,
        "redis-cli HGETALL postfix:4Zb1ym3kXYz9": redis,
        "ACL SETUSER postern on >secret ~postern:* ~postfix:* ~mailborder:* +auth +select "
        "+client|setname +info +multi +exec +hset +hdel +pexpire": redis,
        "maxmemory 2gb": redis,
        "groups:": alerts,
    },
}

# Commands in sentences: run here on a spool without a daemon, unless another test does it.
ELSEWHERE = {
    "reload": "tests/system/test_tool.py",
    "setup-postfix": "tests/system/test_setup_postfix.py",
    "status": "tests/system/test_status.py",
}


class Examples(unittest.TestCase):
    def test_blocks(self) -> None:
        for example in examples.blocks():
            with self.subTest(str(example)):
                proof = PROOFS[example.path].get(example.first)
                self.assertIsNotNone(proof, "nobody proves it")
                assert proof
                proof(example)

    def test_no_row_is_left_over(self) -> None:
        there = {(example.path, example.first) for example in examples.blocks()}
        for path, rows in PROOFS.items():
            for first in rows:
                self.assertIn((path, first), there)

    def test_commands(self) -> None:
        seen = {example.text: example for example in examples.commands()}
        self.assertGreater(len(seen), 8)
        for text, example in seen.items():
            with self.subTest(str(example)):
                name = text.split()[1]
                if name in ELSEWHERE:
                    self.assertIn(f'"{name}"', read(ELSEWHERE[name]))
                else:
                    self.check_command(text)

    def check_command(self, command: str) -> None:
        """Without what stands in brackets, and with it."""
        for text in {re.sub(r" \[[^]]*\]", "", command), re.sub(r"[][]", "", command)}:
            with Folder() as folder:
                folder.fill()
                place = "quarantine" if re.search(r"release|rescan", text) else "hold"
                text = re.sub(r"\b(ANY-)?ID\b(\.\.)?", folder.ids[place], text)
                text = text.replace("ADDRESS", "gone@example.com").replace("FILE", "FILE.eml")
                done = folder.run(text)
            self.assertEqual((done.returncode, done.stderr), (0, ""), text)

    def test_usage_in_readme(self) -> None:
        """The table of commands has each of them, with options that it knows."""
        usage = dict(re.findall(r"^  ([\w-]+)(?: (.*))?\n {13}\S", subprocess.run(
            [path_of("postern"), "--help"], check=True, capture_output=True, text=True).stdout,
            re.M))
        rows = re.findall(r"^\| (`.*?`) \|", re.search(
            r"^## The tool$.*?^With a running", read("README.md"), re.M | re.S).group(0), re.M)
        shown: dict[str, str] = {}
        for row in rows:
            for cell in re.findall(r"`(\w[\w-]*)(.*?)`", row.replace(r"\|", "|")):
                shown[cell[0]] = cell[1]
        self.assertEqual(set(shown), set(usage))
        for name, text in shown.items():
            for option in re.findall(r"--?[a-z]+", text):
                self.assertIn(option, usage[name], name)


class Shipped(unittest.TestCase):
    """conf/postern.conf: as it is, and with all that is commented out."""

    def test_as_it_is(self) -> None:
        accepts(read("conf/postern.conf"))

    def test_with_all_that_it_shows(self) -> None:
        """Sections are commented out with "# ", settings of others with "#"."""
        shown = re.sub(r"^# (?=\w+ (?:\"[^\"]*\" +)?\{|    \w|\})", "", read("conf/postern.conf"),
                       flags=re.M)
        for section in ("listen", "filter", "rule", "redis", "http"):
            self.assertRegex(shown, rf"(?m)^{section} ")
        accepts(re.sub(r"^( *)#(?=\w)", r"\1", shown, flags=re.M))

    def test_what_is_commented_out_is_the_default(self) -> None:
        """All but the host's name, and backup servers."""
        written = read("conf/postern.conf")
        shown = re.sub(r"^( *)#(?=(?!hostname|backup)\w+ = )", r"\1", written, flags=re.M)
        self.assertGreater(len(re.findall(r"^ *\w+ = ", shown, re.M)), 50)
        self.assertEqual(self.changed(shown), self.changed(written))

    @staticmethod
    def changed(text: str) -> str:
        with Folder() as folder:
            folder.write("postern.conf", text)
            done = folder.run("postern config -n")
        assert done.returncode == 0, done.stderr
        return done.stdout


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv[1])
    sys.exit(unittest.main(argv=sys.argv[:1] + sys.argv[2:]))
