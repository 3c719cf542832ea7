# SPDX-License-Identifier: BSD-2-Clause
"""Messages to send: one of each kind that a mail system meets every day."""

import base64
import random
from dataclasses import dataclass


@dataclass
class Sample:
    name: str
    sender: str
    recipients: list[str]
    content: bytes
    mail_params: str = ""
    rcpt_params: str = ""


def text(subject: str, body: str, *fields: str) -> bytes:
    lines = ["From: Ann <ann@example.org>", "To: bob@example.com", f"Subject: {subject}",
             f"Message-ID: <{subject.lower().replace(' ', '-')}@example.org>",
             "Date: Mon, 01 Jan 2024 00:00:00 +0000", *fields, "", body]
    return "\r\n".join(lines).replace("\r\n\r\n\r\n", "\r\n\r\n").encode() + b"\r\n"


def of_size(size: int, seed: int = 1) -> bytes:
    """A message of about so many bytes whose lines all differ."""
    noise = random.Random(seed)
    head = text(f"{size} bytes", "")
    lines = []
    left = size - len(head)
    while left > 0:
        line = b"%016x" % noise.getrandbits(64) * 4
        lines.append(line)
        left -= len(line) + 2
    return head + b"\r\n".join(lines) + b"\r\n"


def attachment() -> bytes:
    data = base64.encodebytes(random.Random(2).randbytes(30000)).decode().replace("\n", "\r\n")
    return text("attachment", "\r\n".join([
        "--edge", "Content-Type: text/plain", "", "see below", "--edge",
        "Content-Type: application/octet-stream; name=data.bin",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=data.bin", "", data + "--edge--"]),
        "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=edge")


def everyday() -> list[Sample]:
    eight = ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
             "Content-Transfer-Encoding: 8bit"]
    ann, bob = "ann@example.org", "bob@example.com"
    return [
        Sample("plain", ann, [bob], text("plain", "Hello.\r\n.a line with a dot in front\r\n.")),
        Sample("8-bit", ann, [bob], text("eight bit", "Grüße aus Köln", *eight), "BODY=8BITMIME"),
        Sample("SMTPUTF8", "jörg@example.org", ["čeněk@example.com"],
               text("utf8", "Ahoj, jak se máš?", *eight), "BODY=8BITMIME SMTPUTF8"),
        Sample("three recipients", ann, [bob, "carol@example.com", "dave@example.net"],
               text("three recipients", "Hello, all.")),
        Sample("attachment", ann, [bob], attachment()),
        Sample("null sender", "", [bob], text("null sender", "Nobody sent this.")),
        Sample("1 MB", ann, [bob], of_size(1 << 20)),
    ]
