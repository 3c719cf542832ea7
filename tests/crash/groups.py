# SPDX-License-Identifier: BSD-2-Clause
"""A control group of a test's own, version 1 or 2, whichever is mounted."""

import os
import uuid
from typing import Callable

from case import skip_if
from lab.process import wait_until

ROOT = "/sys/fs/cgroup"
LIMIT = {"memory": ("memory.limit_in_bytes", "memory.max"), "pids": ("pids.max", "pids.max")}
USED = {"memory": ("memory.usage_in_bytes", "memory.current"),
        "pids": ("pids.current", "pids.current")}
NONE = {"memory": ("-1", "max"), "pids": ("max", "max")}


class Group:
    def __init__(self, controller: str):
        self.controller = controller
        self.version = 0 if os.path.isdir(os.path.join(ROOT, controller)) else 1  # 0: the first
        root = os.path.join(ROOT, controller) if self.version == 0 else ROOT
        self.folder = os.path.join(root, f"postern-{uuid.uuid4().hex[:12]}")
        try:
            if self.version == 1:
                write(os.path.join(root, "cgroup.subtree_control"), "+" + controller)
            os.mkdir(self.folder)
            has_limit = os.path.exists(self.path(LIMIT))
        except OSError:
            has_limit = False
        skip_if("no-control-group", not has_limit)

    def path(self, names: dict[str, tuple[str, str]]) -> str:
        return os.path.join(self.folder, names[self.controller][self.version])

    def enter(self) -> Callable[[], None]:
        """For a process that is about to be started: it and all its children are in."""
        return lambda: write(os.path.join(self.folder, "cgroup.procs"), str(os.getpid()))

    def used(self) -> int:
        with open(self.path(USED), encoding="ascii") as file:
            return int(file.read())

    def limit(self, value: int) -> None:
        write(self.path(LIMIT), str(value))

    def unlimit(self) -> None:
        write(self.path(LIMIT), NONE[self.controller][self.version])

    def close(self) -> None:
        def is_gone() -> bool:
            try:
                os.rmdir(self.folder)
            except FileNotFoundError:
                return True
            except OSError:
                return False
            return True
        wait_until(is_gone, 10, f"{self.folder} is empty")


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
