# SPDX-License-Identifier: BSD-2-Clause
"""The messages that are sent: MIME as mail programs write it, the same bytes on every machine."""

import base64
import os
import random
from dataclasses import dataclass

SIZES = {"4 KB": 4 << 10, "50 KB": 50 << 10, "1 MB": 1 << 20}
SENDER, RECIPIENT = "ann@example.org", "bob@example.com"

WORDS = ("the minutes of our meeting say that nobody will want to see this letter again before "
         "next week and each of you has until Friday to send me what is left of it").split()
LINE = 76
FIELDS = ("From: Ann <ann@example.org>", "To: Bob <bob@example.com>",
          "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and minutes",
          "Message-ID: <bench@example.org>", "Date: Mon, 01 Jan 2024 00:00:00 +0000",
          "MIME-Version: 1.0")


@dataclass
class Message:
    """`size` bytes as they go over the wire (CRLF, dots not doubled); `path`: the same for
    `smtp-source -F`, with LF."""
    name: str
    size: int
    content: bytes
    path: str


def write(folder: str) -> dict[str, Message]:
    """One of each of SIZES, by name."""
    written = {}
    for name, size in SIZES.items():
        content = make(size)
        path = os.path.join(folder, f"message-{size}")
        with open(path, "wb") as file:
            file.write(content.replace(b"\r\n", b"\n"))
        written[name] = Message(name, size, content, path)
    return written


def make(size: int) -> bytes:
    """Text and HTML with links; above 8 KB an attachment in base64, too. It is filled up by whole
    lines of HTML or of the attachment, and to the very byte by a last line of the text."""
    noise = random.Random(size)
    has_attachment = size > 8 << 10
    left = size - len(_assemble(noise, has_attachment, [], 0))
    count, rest = divmod(left - LINE, LINE + 2)
    data = b"%PDF-1.4\n" + noise.randbytes(count * LINE)
    lines = [base64.b64encode(data[at * 57:(at + 1) * 57]).decode() if has_attachment
             else _sentence(noise) for at in range(count)]
    content = _assemble(noise, has_attachment, lines, LINE + rest)
    assert len(content) == size, (len(content), size)
    return content


def _assemble(noise: random.Random, has_attachment: bool, lines: list[str], rest: int) -> bytes:
    text = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
            "Grüße! See http://example.org/minutes?id=1 and what follows.", "",
            *(_sentence(noise) for _ in range(10)), "-" * rest]
    html = ["Content-Type: text/html; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable", "", "<html><body>",
            '<p>Gr=C3=BC=C3=9Fe! See <a href=3D"http://example.org/minutes?id=3D1">the minutes',
            '</a>, <a href=3D"https://example.com/calendar">the calendar</a>,',
            '<img src=3D"http://example.net/logo.png" width=3D"20"></p>',
            *([] if has_attachment else lines), "</body></html>"]
    alternative = ["Content-Type: multipart/alternative; boundary=inner", "", "--inner", *text,
                   "--inner", *html, "--inner--", ""]
    if has_attachment:
        outer = ["Content-Type: multipart/mixed; boundary=outer", "", "--outer", *alternative,
                 "--outer", "Content-Type: application/pdf; name=minutes.pdf",
                 "Content-Transfer-Encoding: base64",
                 "Content-Disposition: attachment; filename=minutes.pdf", "", *lines,
                 "--outer--", ""]
        return "\r\n".join([*FIELDS, *outer]).encode()
    return "\r\n".join([*FIELDS, *alternative]).encode()


def _sentence(noise: random.Random) -> str:
    """A line of LINE characters."""
    text = " ".join(noise.choice(WORDS) for _ in range(40))
    return text[:LINE - 1] + "."
