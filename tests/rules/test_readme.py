#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_readme.py POSTERN - README.md's list of settings is what `postern config -d` prints."""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST_DEPENDENT = re.compile(r'^(workers|dissectors|hostname) = .*$', re.MULTILINE)


def printed(tool: str) -> str:
    with tempfile.NamedTemporaryFile(suffix=".conf") as empty:
        result = subprocess.run([tool, "-c", empty.name, "config", "-d"], check=True,
                                stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    return result.stdout


def written() -> str:
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        block = re.search(r"^## Settings$.*?^```\n(.*?)^```$", file.read(), re.M | re.S)
    if block is None:
        sys.exit("README.md: no block of settings")
    return block.group(1)


def main() -> int:
    want, have = printed(sys.argv[1]), written()
    want, have = (HOST_DEPENDENT.sub(r"\1", text) for text in (want, have))
    for number, (left, right) in enumerate(zip(want.split("\n"), have.split("\n")), 1):
        if left != right:
            print(f"README.md, line {number} of the settings: {right!r}, but the tool: {left!r}")
            return 1
    if len(want) != len(have) or len(want) < 1000:
        print("README.md: the list of settings is cut short")
        return 1
    print("README.md's settings are the tool's")
    return 0


sys.exit(main())
