# SPDX-License-Identifier: BSD-2-Clause
"""The message corpus: $POSTERN_CORPUS, or ../shared/corpus beside the checkout."""

import os

from case import TOP

FOLDER = os.environ.get("POSTERN_CORPUS") or \
    os.path.join(os.path.dirname(TOP), "shared", "corpus")


def names() -> list[str]:
    manifest = os.path.join(FOLDER, "manifest.tsv")
    if not os.path.exists(manifest):
        raise FileNotFoundError(f"no message corpus in {FOLDER}; set POSTERN_CORPUS")
    with open(manifest, encoding="utf-8") as file:
        return [line.split("\t", 1)[0] for line in file][1:]


def read(name: str) -> bytes:
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def with_crlf(raw: bytes) -> bytes:
    """What a sensible client makes of a file: every line ends in CRLF."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
