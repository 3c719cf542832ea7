# SPDX-License-Identifier: BSD-2-Clause
"""File systems of a test's own: one on a loop device that can lose its power, and small ones."""

import fcntl
import os
import subprocess
from typing import Optional

from case import skip_if
from lab.process import wait_until

MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}
IMAGE_SIZE = 320 << 20  # xfs takes no less than 300 MB; little of it is ever written

# The ioctl that ext4 and xfs share, _IOR('X', 125, __u32): from then on nothing reaches the disk.
SHUTDOWN = 0x8004587D
LOG_LOST, LOG_FLUSHED, ALL_FLUSHED = 2, 1, 0


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout.strip()


def may_mount(kind: str, folder: str) -> bool:
    """Containers are often not allowed to."""
    disk: Optional[Disk] = None
    try:
        disk = Disk(kind, folder)
        return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        if disk is not None:
            disk.close()
            os.unlink(disk.image)


class Disk:
    """`folder` is its root, writable for everybody."""

    def __init__(self, kind: str, folder: str):
        self.kind = kind
        self.folder = os.path.join(folder, kind)
        self.image = self.folder + ".img"
        self.device = ""
        self.is_mounted = False
        os.makedirs(self.folder, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_SIZE)
        try:
            run(*MAKE[kind], self.image)
            self.device = run("losetup", "--find", "--show", self.image)
            self.mount()
            os.chmod(self.folder, 0o777)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise

    def mount(self) -> None:
        """After a cut this replays the file system's own journal."""
        run("mount", "-t", self.kind, self.device, self.folder)
        self.is_mounted = True

    def unmount(self) -> None:
        def is_gone() -> bool:
            return subprocess.run(["umount", self.folder], check=False, capture_output=True,
                                  stdin=subprocess.DEVNULL).returncode == 0
        wait_until(is_gone, 20, f"{self.folder} is let go")
        self.is_mounted = False
        wait_until(self._is_free, 60, f"{self.device} is let go")

    def _is_free(self) -> bool:
        """Not in a mount namespace either that somebody made meanwhile, shut down as it is."""
        try:
            os.close(os.open(self.device, os.O_RDONLY | os.O_EXCL))
            return True
        except OSError:
            return False

    def cut(self, flag: int) -> None:
        """What is not on the disk by now never gets there; whoever writes gets EIO."""
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, flag.to_bytes(4, "little"))
        finally:
            os.close(fd)

    def close(self) -> None:
        if self.is_mounted:
            self.unmount()
        if self.device:
            run("losetup", "-d", self.device)
            self.device = ""


class Memory:
    """A small tmpfs. `limits` as mount knows them: size=48M, nr_inodes=100."""

    def __init__(self, folder: str, limits: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        is_made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0777,{limits}", "tmpfs",
                                  folder], check=False, capture_output=True).returncode == 0
        skip_if("no-small-disk", not is_made)

    def close(self) -> None:
        run("umount", "-l", self.folder)


def need(kind: str, folder: str) -> None:
    skip_if("no-loop-device", not may_mount(kind, folder))
