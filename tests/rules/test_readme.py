#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test_readme.py POSTERN [--write] - README.md's list of settings is what `postern config -d` prints.

--write makes it so.
"""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = os.path.join(TOP, "README.md")
BLOCK = re.compile(r"(^## Settings$.*?^```\n)(.*?)(?=^```$)", re.M | re.S)
HOST_DEPENDENT = re.compile(r'^(workers|dissectors|hostname) = .*$', re.MULTILINE)


def printed(tool: str) -> str:
    with tempfile.NamedTemporaryFile(suffix=".conf") as empty:
        result = subprocess.run([tool, "-c", empty.name, "config", "-d"], check=True,
                                stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    return result.stdout


def written() -> str:
    with open(README, encoding="utf-8") as file:
        block = BLOCK.search(file.read())
    if block is None:
        sys.exit("README.md: no block of settings")
    return block.group(2)


def write(text: str) -> None:
    """With the defaults of any host: no number of cores, no name."""
    text = re.sub(r"^(workers|dissectors) = .*$", r"\1 = 0", text, flags=re.M)
    text = re.sub(r"^hostname = .*$", 'hostname = ""', text, flags=re.M)
    with open(README, encoding="utf-8") as file:
        whole = file.read()
    with open(README, "w", encoding="utf-8") as file:
        file.write(BLOCK.sub(lambda found: found.group(1) + text, whole, count=1))


def main() -> int:
    if sys.argv[2:] == ["--write"]:
        write(printed(sys.argv[1]))
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
