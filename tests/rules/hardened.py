#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""hardened.py PROGRAM... - is each as hard as cmake/Compile.cmake wants it? Exit 1 if not.

What shows in a program is read from it; the rest from what GCC notes with -g: how each source was
compiled. test_hardened.py leaves out each in turn. The level of _FORTIFY_SOURCE shows nowhere: only
that there is one.
"""

import re
import subprocess
import sys
from typing import Iterator

# What main begins with, where branches may only land on a mark.
MARKS = {"X86-64": r"\bendbr64\b", "AArch64": r"\b(bti|paciasp)\b"}
BRANCHES = {"X86-64": "-fcf-protection=full", "AArch64": "-mbranch-protection=standard"}
EACH_SOURCE = ["-O2", "-fstack-protector-strong", "-fstack-clash-protection"]


def said_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL).stdout


def machine_of(program: str) -> str:
    found = re.search(r"Machine: .*\b(X86-64|AArch64)", said_by("readelf", "-h", program))
    return found.group(1) if found else ""


def layout_lacks(program: str) -> Iterator[str]:
    """What the loader goes by."""
    head = said_by("readelf", "-lW", program)
    flags_1 = "".join(re.findall(r"\(FLAGS_1\) *(.*)", said_by("readelf", "-dW", program)))
    segments = re.findall(r"^ +(\w+) +(?:0x[0-9a-f]+ +){5}([RWE ]{3}) ", head, re.MULTILINE)
    holding = [set(line.split()[1:]) for line in head.split("\n") if re.match(r" +\d\d +\.", line)]
    if "PIE" not in flags_1:
        yield "no position-independent executable"
    if "GNU_RELRO" not in dict(segments):
        yield "no RELRO"
    if "NOW" not in flags_1:
        yield "binds late: RELRO is not full"
    if "E" in dict(segments).get("GNU_STACK", "E"):
        yield "its stack may be executed"
    if any({".text", ".rodata"} <= sections or {".text", ".dynsym"} <= sections
           for sections in holding):
        yield "code shares a segment with data"


def code_lacks(program: str) -> Iterator[str]:
    calls = said_by("nm", "-D", program)
    if "__stack_chk_fail" not in calls:
        yield "no stack protector is called"
    if not re.search(r"\b__(?!stack)\w+_chk\b", calls):
        yield "nothing fortified is called"
    mark = MARKS.get(machine_of(program))
    start = said_by("objdump", "-d", "--no-show-raw-insn", "--disassemble=main", program)
    first = start.partition("<main>:\n")[2].split("\n")[0]
    if mark and not re.search(mark, first):
        yield f"main does not begin with the mark of {BRANCHES[machine_of(program)]}"


def sources_lack(program: str) -> Iterator[str]:
    units = said_by("readelf", "--debug-dump=info", "--dwarf-depth=1", program)
    compiled = re.findall(r"DW_AT_producer .*?: (GNU C\d\d.*)\n(?:.*\n)??.*DW_AT_name +:.*: (.*)",
                          units)
    branch = BRANCHES.get(machine_of(program))
    for switches, name in compiled:
        missing = [switch for switch in EACH_SOURCE + ([branch] if branch else [])
                   if switch not in switches.split()]
        if missing:
            yield f"{name}: compiled without {' '.join(missing)}"
    if not compiled:
        yield "does not tell how it was compiled"


def main() -> int:
    count = 0
    for program in sys.argv[1:]:
        for lacks in (layout_lacks, code_lacks, sources_lack):
            for what in lacks(program):
                print(f"{program}: {what}")
                count += 1
    return 1 if count or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
