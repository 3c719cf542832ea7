#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the bench reckons with: figures, marks, tables in their places, messages to the byte."""

import email
import email.policy
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

# pylint: disable=wrong-import-position
import document  # noqa: E402
import messages  # noqa: E402
import recording  # noqa: E402
from report import Figure, Mark, Section, number  # noqa: E402


class Figures(unittest.TestCase):
    def test_numbers(self):
        for value, text in ((9577, "9,577"), (9577.4, "9,577"), (41.34, "41.3"), (2.345, "2.35"),
                            (0.4521, "0.452"), (0.00012345, "0.000123"), (0, "0"), (-7, "-7")):
            with self.subTest(value):
                self.assertEqual(number(value), text)

    def test_spread(self):
        self.assertEqual(str(Figure([3, 1, 20])), "3 (1..20)")
        self.assertEqual(str(Figure([0.5])), "0.500")
        self.assertEqual(str(Figure([2, 2, 2])), "2")

    def test_ratios_are_of_the_same_round(self):
        ratio = Figure([10, 100, 30]).over(Figure([20, 50, 10]))
        self.assertEqual(ratio.runs, [0.5, 2, 3])
        self.assertEqual(ratio.median, 2)
        with self.assertRaises(AssertionError):
            Figure([1]).over(Figure([1, 2]))


class Marks(unittest.TestCase):
    def test_the_median_counts(self):
        rows = (("at least", 0.45, [0.1, 0.45, 0.9], True), ("at least", 0.46, [0.45], False),
                ("at most", 4, [1, 4, 9], True), ("at most", 4, [1, 4.1, 4.2], False))
        for direction, limit, runs, is_met in rows:
            with self.subTest(direction=direction, limit=limit):
                mark = Mark("it", Figure(runs), limit, direction)
                self.assertEqual(mark.is_met, is_met)
                self.assertEqual(mark.row()[-1], "met" if is_met else "**not met**")

    def test_no_other_direction(self):
        with self.assertRaises(AssertionError):
            Mark("it", Figure([1]), 1, "above")


def section() -> Section:
    made = Section("one", "One", ("way", "rate"), notes=["A note."], settings={"a": "b"})
    made.add("direct", Figure([1, 2, 3]))
    made.marks.append(Mark("fast", Figure([2.0]), 1.5, "at least", "s"))
    return made


class Recording(unittest.TestCase):
    def test_a_row_has_a_cell_a_column(self):
        with self.assertRaises(AssertionError):
            section().add("direct")

    def test_text(self):
        self.assertEqual(section().text(), "\n".join([
            "### One", "", "| way | rate |", "| --- | --- |", "| direct | 2 (1..3) |", "",
            "| mark | limit | measured |  |", "| --- | --- | --- | --- |",
            "| fast | at least 1.5 s | 2 s | met |", "", "A note."]))

    def test_all_runs_are_kept(self):
        two = [section().as_json(), section().as_json()]
        store = {"latency": {"is_quick": False, "sections": two},
                 "growth": {"is_quick": True, "sections": two[:1]}}
        self.assertEqual(json.loads(recording.as_text(store)), store)
        self.assertEqual(store["latency"]["sections"][0]["rows"],
                         [["direct", {"median": 2, "min": 1, "max": 3, "runs": [1, 2, 3]}]])
        self.assertIn("| latency | fast | at least 1.5 s | 2 s | met |",
                      recording.marks_text(store))
        self.assertIn("| growth, quick | fast |", recording.marks_text(store))
        self.assertIn("3 of 3 marks are met", recording.marks_text(store))

    def test_only_what_stands_between_its_marks_is_replaced(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".md") as file:
            file.write("a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- xy -->\n<!-- /xy -->\n")
            file.flush()
            for text in ("new", r"\1 and \g<0>"):
                document.record(file.name, "x", text)
                with open(file.name, encoding="utf-8") as again:
                    self.assertEqual(again.read(), f"a\n<!-- x -->\n\n{text}\n\n<!-- /x -->\nb\n"
                                                   "<!-- xy -->\n<!-- /xy -->\n")
            with self.assertRaises(AssertionError):
                document.record(file.name, "y", "new")

    def test_the_page_has_a_place_for_each(self):
        with open(recording.PAGE, encoding="utf-8") as file:
            page = file.read()
        for name in (*recording.NAMES, "marks"):
            self.assertEqual(page.count(f"<!-- {name} -->\n"), 1, name)
            self.assertEqual(page.count(f"<!-- /{name} -->\n"), 1, name)


class Messages(unittest.TestCase):
    def test_to_the_byte_and_the_same_each_time(self):
        for size in (*messages.SIZES.values(), 4095, 4097, 51201):
            with self.subTest(size):
                content = messages.make(size)
                self.assertEqual(len(content), size)
                self.assertEqual(content, messages.make(size))
                self.assertEqual(content.count(b"\n"), content.count(b"\r\n"))
                self.assertLess(max(map(len, content.split(b"\r\n"))), 998)

    def test_they_are_mime(self):
        types = ["text/plain", "text/html"]
        for size, expected in ((4 << 10, types), (50 << 10, types + ["application/pdf"])):
            read = email.message_from_bytes(messages.make(size), policy=email.policy.default)
            parts = [part for part in read.walk() if not part.is_multipart()]
            self.assertEqual([part.get_content_type() for part in parts], expected)
            self.assertEqual([part.defects for part in parts], [[] for _ in parts])
            self.assertIn('href="http://example.org/', parts[1].get_content())

    def test_the_file_is_the_same_with_lf(self):
        with tempfile.TemporaryDirectory() as folder:
            for message in messages.write(folder).values():
                with open(message.path, "rb") as file:
                    self.assertEqual(file.read().replace(b"\n", b"\r\n"), message.content)


if __name__ == "__main__":
    unittest.main()
