#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is found in the corpus: the same jailed and not, and the part trees that mail-parser sees.

corpus_differences lists each message whose tree differs from mail-parser's, and why. One that is
not listed fails, and so does one that is listed and does not differ any more.
"""

import json
import os
import subprocess
import tempfile
import unittest

import corpus

BUILD = os.environ["POSTERN_BUILD"]
PRINT = os.path.join(BUILD, "tests", "unit", "mime", "print_findings")
DISSECT = os.path.join(BUILD, "src", "postern-dissect")
DIFFERENCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus_differences")


def find(names: list[str], *options: str, folder: str = corpus.FOLDER) -> dict[str, dict]:
    done = subprocess.run([PRINT, *options, *names], cwd=folder, stdout=subprocess.PIPE,
                          check=True, timeout=200)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {item["file"]: item for item in found}


def expected_tree(message: dict, number: int = 0, depth: int = 0) -> list[tuple]:
    """Depth, kind and body's end points of each part that mail-parser sees, in order."""
    part = message["parts"][number]
    body = part["body"]
    place = (part["offset_body"], part["offset_end"])
    if "Multipart" in body:
        tree = [(depth, "multipart", *place)]
        for child in body["Multipart"]:
            tree += expected_tree(message, child, depth + 1)
        return tree
    if "Message" in body:
        inner = expected_tree(body["Message"], 0, depth + 1)
        if body["Message"]["parts"][0]["offset_header"] < place[0]:
            inner = [item[:2] for item in inner]  # places in what it decodes to
        return [(depth, "message", *place)] + inner
    return [(depth, "leaf", *place)]


def found_tree(found: dict) -> list[tuple]:
    """The same of ours, in the first reading; what lies in a decoded part has no place."""
    return [(part["depth"], part["kind"], *((part["body"], part["end"]) if part["located"] else ()))
            for part in found["parts"] if part["reading"] == "first"]


def hidden(found: dict, message: dict, raw: bytes) -> list[int]:
    """Where mail-parser's leaves begin that we see in no reading; empty ones hide nothing."""
    places = {part["body"] for part in found["parts"] if part["located"]}
    return [place[0] for _, kind, *place in expected_tree(message)
            if place and kind == "leaf" and raw[place[0]:place[1]].strip() and place[0] not in places]


def is_same(ours: list[tuple], theirs: list[tuple]) -> bool:
    """They count an empty line or a last line end in or out of a body as it comes: two bytes."""
    return len(ours) == len(theirs) and all(
        a[:2] == b[:2] and all(abs(x - y) <= 2 for x, y in zip(a[2:], b[2:]))
        for a, b in zip(ours, theirs))


def differences() -> dict[str, str]:
    with open(DIFFERENCES, encoding="utf-8") as file:
        lines = [line.split(None, 1) for line in file if line.strip() and line[0] != "#"]
    return {name: reason.strip() for name, reason in lines}


class CorpusFindings(unittest.TestCase):
    maxDiff = None

    def test_jailed_and_not(self) -> None:
        names = corpus.names()
        plain, jailed = find(names), find(names, "--jailed", DISSECT)
        self.assertGreater(len(plain), 400)
        for name in names:
            self.assertEqual(plain[name], jailed[name], name)

    def test_nothing_is_too_much(self) -> None:
        """Mail of all days passes no limit."""
        beyond = {name: item["limit"] for name, item in find(corpus.names()).items()
                  if item["limit"] != "none"}
        self.assertEqual(beyond, {})

    def find_with_lf(self, names: list[str]) -> dict[str, dict]:
        """Their places are those in files whose lines end in LF."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "mail-parser"))
            for name in names:
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(corpus.read(name).replace(b"\r\n", b"\n"))
            return find(names, folder=folder)

    def test_trees(self) -> None:
        names = [name for name in corpus.names() if name.startswith("mail-parser/")]
        listed = differences()
        self.assertGreater(len(names), 100)
        self.assertEqual([name for name in listed if name not in names], [])
        for name, found in self.find_with_lf(names).items():
            path = os.path.join(corpus.FOLDER, "expected", name.removesuffix(".eml") + ".json")
            with open(path, encoding="utf-8") as file:
                message = json.load(file)
            ours, theirs = found_tree(found), expected_tree(message)
            raw = corpus.read(name).replace(b"\r\n", b"\n")
            with self.subTest(name=name):
                self.assertEqual(hidden(found, message, raw), [], "hidden from us")
                if name in listed:
                    self.assertFalse(is_same(ours, theirs), "listed, but it does not differ")
                    self.assertGreater(len(listed[name]), 20, "listed without a reason")
                else:
                    self.assertTrue(is_same(ours, theirs), f"\nours   {ours}\ntheirs {theirs}")


if __name__ == "__main__":
    unittest.main()
