# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that strangers write to hurt whoever prints, logs or passes them on, and how to see that."""

import re
from typing import Union

# What a terminal obeys or what turns the direction of text; not the LF that ends a line.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

FORGED = "posternd/send[1]: 2AkPBDRxdC4: to=<victim@example.com>, status=sent (250 forged)"
# What bytes do to a terminal (colours, title, answerback, C1, Sixel), to a reader, to a shell.
HURT = ["\x1b[31mred", "\x1b]0;title\x07", "\x9b2J", "\u009b2J", "\x90q\x9c", "\x05", "\x08\x08",
        "a\r\nX-Forged: yes", f"a\n{FORGED}", f"a\r{FORGED}", "a\u2028b\u2029c", "\u202egpj.exe",
        "\u2066a\u2069", "\u200fa", "a\0b", "\x7f\x7f", "%s%n%x%99999d", "{0}{a}", "$(touch x)",
        "`touch x`", "; touch x", "| touch x", "'\"; touch x #", "-rf", "--help", "../../../../x",
        "\\x41\\", "a, status=sent", "a>, status=sent", '"quoted"', "x" * 3000, "\xff\xfe\xfa"]


def unsafe_in(text: Union[str, bytes]) -> list[str]:
    """The lines that are not safe to look at. Bytes have to be UTF-8."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return [line for line in text.split("\n") if UNSAFE.search(line)]
