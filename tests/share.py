#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""share.py BUILD SECONDS [CTEST-ARGUMENT...] - as many of ctest's tests as the time allows.

They begin with another one at each commit, so that those left out today run tomorrow.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time


def names_of(build: str, arguments: list[str]) -> list[str]:
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", *arguments],
                             check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return [test["name"] for test in json.loads(listing.stdout)["tests"]]


def rotation() -> int:
    top = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=top, capture_output=True,
                          text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def run(build: str, name: str, deadline: float) -> tuple[str, str, float]:
    """Name, how it ended, seconds."""
    start = time.monotonic()
    if start > deadline:
        return name, "left out", 0.0
    done = subprocess.run(["ctest", "--test-dir", build, "--output-on-failure",
                           "-R", f"^{re.escape(name)}$"],
                          capture_output=True, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL)
    end = "passed" if done.returncode == 0 else "failed"
    if end == "failed":
        print(done.stdout + done.stderr)
    duration = time.monotonic() - start
    print(f"{end:9} {duration:7.1f} s  {name}", flush=True)  # at once: a stage may be killed
    return name, end, duration


def main() -> int:
    build, seconds = sys.argv[1], float(sys.argv[2])
    names = names_of(build, sys.argv[3:])
    if not names:
        print("no tests", file=sys.stderr)
        return 1
    first = rotation() % len(names)
    deadline = time.monotonic() + seconds
    # More at once than cores: most of the time they wait for each other's processes.
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        work = [pool.submit(run, build, name, deadline) for name in names[first:] + names[:first]]
        results = [job.result() for job in concurrent.futures.as_completed(work)]
    for name in sorted(name for name, end, _ in results if end == "left out"):
        print(f"left out             {name}")
    ends = [end for _, end, _ in results]
    failed = ends.count("failed")
    print(f"{ends.count('passed')} passed, {failed} failed, {ends.count('left out')} left out")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
