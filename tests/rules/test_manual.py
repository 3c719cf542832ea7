#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_manual.py POSTERN PAGES - the manual is clean mdoc, and has all that the program has."""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import examples
from examples import TOP, read, sources

TOOL, PAGES = "", ""  # from the command line

# None is looked for: those of Postfix, and our own, need not be installed here.
ELSEWHERE = re.compile(r"STYLE: referenced manual not found: Xr \S+ \d")
ROOMS = ("base", "smtp", "spool", "filters", "policy", "reinject", "track", "src")
METRIC = re.compile(r'^    \{"((?:postern|process)_\w+)", "\w+"', re.M)
FIELD = re.compile(r'\bput\w*\([^;]*?"([a-z_]+)"')
HOST_DEPENDENT = {"workers", "dissectors", "hostname"}


def rendered(page: str) -> str:
    """As it is read, on lines of any length, without bold and underlined letters."""
    done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=900", os.path.join(PAGES, page)],
                          check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return re.sub(".\b", "", done.stdout)


def section(text: str, name: str) -> str:
    """From its heading to the next; 'LISTEN SECTIONS/tls' is what stands in it below tls."""
    head, _, below = name.partition("/")
    found = re.search(rf"^{re.escape(head)}\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
    assert found, f"no section {head}"
    if not below:
        return found.group(1)
    found = re.search(rf"^   {re.escape(below)}\n(.*?)(?=^   \S|\Z)", found.group(1), re.M | re.S)
    assert found, f"nothing below {below}"
    return found.group(1)


def tool(*arguments: str) -> str:
    return subprocess.run([TOOL, *arguments], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout


def defaults() -> list[tuple[str, str, str, str]]:
    """Section, name, value and help of each setting, as `postern config -d` prints them."""
    with tempfile.NamedTemporaryFile(suffix=".conf") as empty:
        text = tool("-c", empty.name, "config", "-d")
    rows, around, said = [], [], ""
    for line in text.splitlines():
        plain = re.sub(r"^# (?=(?:filter|rule|http|    |\}))|^#(?=     )", "", line).strip()
        begins = re.fullmatch(r'(\w+)(?: ".*")? \{', plain)
        value = re.fullmatch(r"(\w+) = (.*)", plain)
        if begins:
            around.append(begins.group(1))
        elif plain == "}":
            around.pop()
        elif plain.startswith("# "):
            said = plain[2:]
        elif value:
            rows.append((" ".join(around), value.group(1), value.group(2), said))
        else:
            raise AssertionError(f"not understood: {line}")
    return rows


SECTIONS = {"": "GLOBAL SETTINGS", "listen": "LISTEN SECTIONS", "listen tls": "LISTEN SECTIONS/tls",
            "next_hop": "NEXT_HOP SECTIONS", "filter": "FILTER SECTIONS", "rule": "RULE SECTIONS",
            "http": "HTTP SECTIONS"}


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


class Pages(unittest.TestCase):
    def assert_word(self, word: str, place: str) -> None:
        self.assertTrue(re.search(rf"\b{re.escape(word)}\b", place), f"{word} is not there")

    def test_each_is_clean(self) -> None:
        names = sorted(name for name in os.listdir(PAGES) if re.search(r"\.[158]$", name))
        self.assertEqual(names, ["postern.1", "postern.conf.5", "posternd.8"])
        for name in names:
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "style",
                                   os.path.join(PAGES, name)], capture_output=True, text=True,
                                  env={**os.environ, "MANPATH": "/nonexistent"},
                                  stdin=subprocess.DEVNULL, check=False)
            complaints = [line for line in (done.stdout + done.stderr).splitlines()
                          if not ELSEWHERE.search(line)]
            self.assertEqual(complaints, [], name)

    def test_references_lead_somewhere(self) -> None:
        """Sx names a section of the page, Xr one of ours a page of ours."""
        for name in ("postern.1", "postern.conf.5", "posternd.8"):
            with open(os.path.join(PAGES, name), encoding="utf-8") as file:
                source = file.read()
            heads = re.findall(r"^\.S[hs] (.*)$", source, re.M)
            for named in re.findall(r"\bSx ([^\n.,;]+?) ?[.,;]?$", source, re.M):
                self.assertIn(named, heads, name)
            for page, chapter, named in re.findall(r"Xr (postern\S*) (\d)(?: , ([A-Z ]+))?", source):
                self.assertIn(f"{page}.{chapter}", os.listdir(PAGES), name)
                if named:
                    with open(os.path.join(PAGES, f"{page}.{chapter}"), encoding="utf-8") as file:
                        self.assertTrue(f".Sh {named.strip()}\n" in file.read(), f"{name}: {named}")

    def test_each_setting_is_there(self) -> None:
        page = rendered("postern.conf.5")
        rows = defaults()
        self.assertGreater(len(rows), 100)
        for around, name, value, said in rows:
            place = section(page, SECTIONS.get(around, f"{around.upper()} SECTION"))
            found = re.search(rf"^ {{5}}{name} = (\S.*)\n((?: +.*\n)+?)\n", place + "\n", re.M)
            self.assertIsNotNone(found, f"{around} {name}")
            assert found
            text = unwrapped(found.group(2))
            self.assertIn(unwrapped(said), text, name)
            if name in HOST_DEPENDENT or value in ("{}", '""'):
                continue
            self.assertIn(f"Default: {value}.", text, name)

    def test_each_command_is_there(self) -> None:
        page = rendered("postern.1")
        commands = re.findall(r"^  ([\w-]+)(?: (.*))?\n {13}(\S.*)$", tool("--help"), re.M)
        self.assertGreater(len(commands), 12)
        for name, usage, said in commands:
            found = re.search(rf"^ +{name}\b(.*)\n((?: {{11}}.*\n)+)", page, re.M)
            self.assertIsNotNone(found, name)
            assert found
            self.assertEqual(re.sub(r"\s", "", found.group(1)), re.sub(r"\s", "", usage), name)
            self.assertIn(said[1:], unwrapped(found.group(2)), name)

    def test_each_exit_code_is_there(self) -> None:
        codes = re.findall(r"^ +TOOL_\w+ = (\d+)", read("tool/tool.h"), re.M)
        self.assertGreater(len(codes), 5)
        self.assertEqual(re.findall(r"^ +(\d+) ", section(rendered("postern.1"), "EXIT STATUS"),
                                    re.M), codes)

    def test_each_metric_is_there(self) -> None:
        place = section(rendered("posternd.8"), "MONITORING")
        metrics = METRIC.findall(read("track/web/metrics.c"))
        self.assertGreater(len(metrics), 20)
        for metric in metrics:
            self.assert_word(metric, place)
        for named in re.findall(r"\b(?:postern|process)_\w+", place):
            base = re.sub(r"_(bucket|sum|count)$", "", named)
            self.assertTrue(named in metrics or base in metrics, f"there is no metric {named}")

    def test_each_log_field_is_there(self) -> None:
        place = section(rendered("posternd.8"), "LOG")
        code = sources(*ROOMS)
        keys = set(re.findall(r"\blog_(?:value|text|path|number|duration|known|score|results)\("
                              r'\s*(?:&?[\w.>-]+),\s*(?:\w+,\s*)?"(\w+)"', code))
        components = set(re.findall(r'\blog_begin\([^;]*?"(\w+)"', code)) | set(
            re.findall(r'\blog_(?:info|warning|error|alarm)\(\s*"(\w+)"', code))
        self.assertGreater(len(keys), 40)
        self.assertGreater(len(components), 10)
        for word in sorted(keys | components):
            self.assert_word(word, place)

    def test_alarms_are_as_the_code_says_them(self) -> None:
        place = section(rendered("posternd.8"), "DIAGNOSTICS")
        alarms = re.findall(r"^ {5}(?:(?:ID|NAME): )?(\S.*)\n {11}\S", place, re.M)
        code = re.sub(r'"\s*"', "", sources(*ROOMS))
        self.assertGreater(len(alarms), 8)
        for alarm in alarms:
            text = re.sub(r"\bN\b", "%d", alarm).replace("FILE", "%s")
            self.assertTrue(text in code, alarm)

    def test_each_column_is_there(self) -> None:
        place = section(rendered("posternd.8"), "LEDGER")
        with sqlite3.connect(":memory:") as database:
            database.executescript(examples.schema())
            tables = [name for name, in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'")]
            self.assertGreater(len(tables), 5)
            for table in tables:
                self.assert_word(table, place)
                for column in database.execute(f"PRAGMA table_xinfo({table})"):
                    self.assert_word(column[1], place)

    def test_each_field_of_redis_is_there(self) -> None:
        place = section(rendered("posternd.8"), "REDIS")
        fields = FIELD.findall(read("track/redis/keys.c"))
        self.assertGreater(len(fields), 15)
        for field in fields:
            self.assert_word(field, place)

    def test_readme_has_them_too(self) -> None:
        """Metrics, and Redis' keys with their fields."""
        found = re.search(r"^## Where is my mail\?$(.*?)^## ", read("README.md"), re.M | re.S)
        assert found
        place = found.group(1).replace("process_*", " ".join(
            name for name in METRIC.findall(read("track/web/metrics.c")) if name.startswith("process_")))
        names = METRIC.findall(read("track/web/metrics.c")) + FIELD.findall(read("track/redis/keys.c"))
        self.assertGreater(len(names), 40)
        for name in names:
            self.assert_word(name, place)
        for named in re.findall(r"\bpostern_[a-z_]+", place):
            self.assertTrue(named in names, f"there is no {named}")

    def test_each_word_is_there(self) -> None:
        place = section(rendered("posternd.8"), "STATUS")
        source = read("track/status.c")
        for kind in ("STATUS", "CLASS"):
            words = re.findall(rf'\[{kind}_\w+\] = "(\w+)"', source)
            self.assertGreater(len(words), 5)
            for word in words:
                self.assert_word(word, place)
        conditions = section(rendered("postern.conf.5"), "RULE SECTIONS")
        for word in re.findall(r'\[DEFECT_\w+\] = "(\w+)"', read("mime/findings.c")):
            self.assert_word(word, conditions)


if __name__ == "__main__":
    TOOL, PAGES = sys.argv[1:3]
    sys.exit(unittest.main(argv=sys.argv[:1] + sys.argv[3:]))
