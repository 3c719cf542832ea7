# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that strangers write to hurt whoever prints, logs or passes them on, and how to see that."""

import re

# What a terminal obeys or what turns the direction of text; not the LF that ends a line.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
                    "\ufffd]")  # U+FFFD: what was no UTF-8, read as Python reads it


def unsafe_in(text: str) -> list[str]:
    """The lines that are not safe to look at."""
    return [line for line in text.split("\n") if UNSAFE.search(line)]
