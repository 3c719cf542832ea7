# SPDX-License-Identifier: BSD-2-Clause
"""What was measured, kept: on which machine, with which versions, in docs/performance.*."""

import datetime
import glob
import json
import os
import platform
import subprocess
import time
from argparse import Namespace
from typing import Any

import document
from report import MARK_COLUMNS, Figure, Section

DOCS = os.path.join(document.TOP, "docs")
PAGE = os.path.join(DOCS, "performance.md")
STORE = os.path.join(DOCS, "performance.json")
PEERS = ("amavisd-new", "clamsmtp", "clamav-daemon", "rspamd", "redis-server")
NAMES = ("throughput", "latency", "memory", "growth", "endtoend", "cost")
SYNCS = 200


def said(*command: str) -> str:
    """What a command prints, "" if it cannot be run."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def first(path: str, key: str = "") -> str:
    """The first line of a file, or what stands behind the key's colon."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(key):
                    return line.split(":", 1)[-1].strip() if key else line.strip()
    except OSError:
        pass
    return ""


def write_cache(device: str) -> str:
    """What the kernel says of the disk below: "write back" is one that must be flushed."""
    name = os.path.basename(device)
    disk = said("lsblk", "-no", "PKNAME", device).split("\n")[0] or name
    return first(f"/sys/block/{disk}/queue/write_cache") or "unknown"


def overwrite_us(folder: str, size: int) -> Figure:
    """Overwriting a file's bytes in place and fdatasync, each of SYNCS times."""
    path = os.path.join(folder, f"postern-bench-sync-{os.getpid()}")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    took = []
    try:
        os.pwrite(fd, b"x" * size, 0)
        os.fsync(fd)
        for _ in range(SYNCS):
            begin = time.monotonic()
            os.pwrite(fd, b"y" * size, 0)
            os.fdatasync(fd)
            took.append((time.monotonic() - begin) * 1e6)
    finally:
        os.close(fd)
        os.unlink(path)
    return Figure(took)


def versions(build: str) -> dict[str, str]:
    posternd = said(os.path.join(build, "src", "posternd"), "--version")
    found = {"Postern": f"{posternd.split()[-1]}, commit {document.commit()}"}
    for path in glob.glob(os.path.join(build, "unpacked", "postfix_*.deb")):
        found["Postfix"] = said("dpkg-deb", "-f", path, "Version")
    for package in PEERS:
        version = said("dpkg-query", "-W", "-f", "${Version}", package)
        if version:
            found[package] = version
    return found


def build_type(build: str) -> str:
    """How the programs were built, as CMake has it: "Release, gcc"."""
    cache = os.path.join(build, "CMakeCache.txt")
    values = (first(cache, key).partition("=")[2] for key in ("CMAKE_BUILD_TYPE",
                                                              "CMAKE_C_COMPILER:"))
    return ", ".join(os.path.basename(value) for value in values)


def machine(build: str, folder: str = "/var/tmp") -> dict[str, Any]:
    """The machine, the disk below the folder where spools and queues are, and the versions."""
    device, kind = (said("findmnt", "-no", "SOURCE,FSTYPE", "-T", folder) or "? ?").split()[:2]
    memory = int((first("/proc/meminfo", "MemTotal") or "0 kB").split()[0])
    return {"day": str(datetime.date.today()), "processors": os.cpu_count(),
            "model": first("/proc/cpuinfo", "model name") or "unknown",
            "memory_mb": memory // 1024, "kernel": platform.release().split("-")[0],
            "file_system": kind, "write_cache": write_cache(device),
            "overwrite_us": overwrite_us(folder, 4096).median, "build": build_type(build),
            "versions": versions(build)}


def machine_text(facts: dict[str, Any]) -> str:
    return (f"{facts['day']}: {facts['processors']} processors ({facts['model']}), "
            f"{facts['memory_mb']:,} MB, Linux {facts['kernel']}; spools and queues on "
            f"{facts['file_system']}, write cache of the disk: {facts['write_cache']}, "
            f"4 KB overwritten with fdatasync in {facts['overwrite_us']:.0f} µs. "
            + "; ".join(f"{name} {version}" for name, version in facts["versions"].items())
            + f"; build: {facts['build']}.")


def as_text(store: dict[str, Any]) -> str:
    """A line a section, so that a difference can be read."""
    names = []
    for name, one in store.items():
        facts = json.dumps({key: value for key, value in one.items() if key != "sections"})
        sections = ",\n".join(json.dumps(section) for section in one["sections"])
        names.append(f'"{name}": {facts[:-1]}, "sections": [\n{sections}]}}')
    return "{" + ",\n".join(names) + "}\n"


def marks_text(store: dict[str, Any]) -> str:
    """Of all that has been recorded, whenever it was."""
    rows = []
    for key, one in store.items():
        name = f"{key}, quick" if one["is_quick"] else key
        for section in one["sections"]:
            for mark in section["marks"]:
                rows.append([name, *mark["row"]])
    met = sum(row[-1] == "met" for row in rows)
    return document.table(["", *MARK_COLUMNS], rows) + f"\n\n{met} of {len(rows)} marks are met."


def record(name: str, sections: list[Section], took_s: float, options: Namespace) -> None:
    """Puts one NAME's sections in the place of its former ones, in both files."""
    store: dict[str, Any] = {}
    if os.path.exists(STORE):
        with open(STORE, encoding="utf-8") as file:
            store = json.load(file)
    facts = machine(options.build)
    settings = {key: value for one in sections for key, value in one.settings.items()}
    store[name] = {"machine": facts, "took_s": round(took_s), "rounds": options.rounds,
                   "is_quick": options.quick, "settings": settings,
                   "sections": [one.as_json() for one in sections]}
    store = {key: store[key] for key in NAMES if key in store}
    with open(STORE, "w", encoding="utf-8") as file:
        file.write(as_text(store))
    text = [section.text() for section in sections]
    text.append(f"{machine_text(facts)} It took {took_s:.0f} s.")
    document.record(PAGE, name, "\n\n".join(text))
    document.record(PAGE, "marks", marks_text(store))
