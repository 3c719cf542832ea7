# SPDX-License-Identifier: BSD-2-Clause
"""Build trees of the hygiene commands, and ctest's tests in them."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time
from typing import Callable, NamedTuple, Optional

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))

import share  # noqa: E402

ROOMS = ["base", "smtp", "spool", "mime", "filters", "policy", "reinject", "track", "control", "src",
         "tool", "man"]


class Test(NamedTuple):
    name: str
    command: list[str]
    folder: str


def build(folder: str, targets: list[str], *settings: str) -> None:
    """Configures and builds; says what happened only if it fails."""
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    for command in (["cmake", "-S", TOP, "-B", folder, "-G", "Ninja", *launcher, *settings],
                    ["cmake", "--build", folder, "--target", *targets]):
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print((done.stdout + done.stderr)[-20000:], file=sys.stderr)
            sys.exit(f"{folder}: cannot be built")


def tests(folder: str, *arguments: str) -> list[Test]:
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1", *arguments],
                             check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = []
    for test in json.loads(listing.stdout)["tests"]:
        where = [one["value"] for one in test.get("properties", ())
                 if one["name"] == "WORKING_DIRECTORY"]
        found.append(Test(test["name"], test["command"], where[0] if where else folder))
    return found


def sources() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "--", *(f"{room}/*.c" for room in ROOMS)], cwd=TOP,
                             check=True, capture_output=True, text=True)
    return listing.stdout.split()


def each(items: list, work: Callable, seconds: Optional[float], threads: int) -> list:
    """What work says of each item, None of those for which there was no time.

    With seconds they begin with another one at each commit.
    """
    first = share.rotation() % len(items) if seconds is not None and items else 0
    end = time.monotonic() + seconds if seconds is not None else float("inf")

    def one(item):
        return work(item) if time.monotonic() < end else None
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, items[first:] + items[:first]))
