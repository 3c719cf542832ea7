# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that strangers write to hurt whoever prints, logs or passes them on, and how to see that."""

import re
from typing import Union

# What a terminal obeys or what turns the direction of text; not the LF that ends a line.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def unsafe_in(text: Union[str, bytes]) -> list[str]:
    """The lines that are not safe to look at. Bytes have to be UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return [line for line in text.split("\n") if UNSAFE.search(line)]
