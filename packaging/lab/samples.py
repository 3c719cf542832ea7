# SPDX-License-Identifier: BSD-2-Clause
"""Messages to send: one of each kind that a mail system meets every day, and some that it stops."""

import base64
import random
from dataclasses import dataclass, field

from .clamd import EICAR
from .rspamd import GTUBE

# What may become of a recipient. Whoever is not named in Sample.ends: ARRIVES.
ARRIVES = "arrives, every byte as sent"
TAGGED = "arrives with its headers changed"
REDIRECT_TO = "desk@example.com"
REDIRECTED = f"arrives at <{REDIRECT_TO}>"
QUARANTINED = "is in quarantine"
BOUNCED = "comes back to the sender as a bounce"
DISCARDED = "is discarded"

TAG = b"X-Tag: yes"
RULES = {
    "virus": 'virus = "*"  action = quarantine  reason = "virus"',
    "keep": 'to = "keep.example"  action = quarantine  reason = "kept by policy"',
    "refuse": 'to = "refuse.example"  action = reject  reason = "not wanted here"',
    "drop": 'to = "drop.example"  action = discard',
    "away": f'to = "away.example"  action = redirect  redirect = "{REDIRECT_TO}"',
    "tag": f'to = "tag.example"  add_header = {{"{TAG.decode()}"}}  subject_prefix = "[TAG] "',
}


@dataclass
class Sample:
    name: str
    sender: str
    recipients: list[str]
    content: bytes
    mail_params: str = ""
    rcpt_params: str = ""
    ends: dict[str, str] = field(default_factory=dict)

    def with_end(self, *ends: str) -> list[str]:
        return [path for path in self.recipients if self.ends.get(path, ARRIVES) in ends]


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


def attachment(subject: str, data: bytes) -> bytes:
    lines = base64.encodebytes(data).decode().replace("\n", "\r\n")
    return text(subject, "\r\n".join([
        "--edge", "Content-Type: text/plain", "", "see below", "--edge",
        "Content-Type: application/octet-stream; name=data.bin",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=data.bin", "", lines + "--edge--"]),
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
        Sample("attachment", ann, [bob],
               attachment("attachment", random.Random(2).randbytes(30000))),
        Sample("null sender", "", [bob], text("null sender", "Nobody sent this.")),
        Sample("1 MB", ann, [bob], of_size(1 << 20)),
    ]


def stopped() -> list[Sample]:
    """What filters and RULES do not let pass, or not to everybody."""
    ann, bob, carol = "ann@example.org", "bob@example.com", "carol@example.com"
    ends = {"bob@keep.example": QUARANTINED, "bob@refuse.example": BOUNCED,
            "bob@drop.example": DISCARDED, "bob@away.example": REDIRECTED,
            "bob@tag.example": TAGGED}
    return [
        Sample("EICAR, attached", ann, [bob], attachment("eicar", EICAR),
               ends={bob: QUARANTINED}),
        Sample("GTUBE", ann, [bob], text("gtube", GTUBE.decode()), ends={bob: QUARANTINED}),
        Sample("seven recipients, six outcomes", ann, [bob, carol, *ends],
               text("six outcomes", "To each his own."), ends=ends),
    ]
