# SPDX-License-Identifier: BSD-2-Clause
"""A Postern in a folder of its own: configuration, daemon, tool."""

import glob
import json
import os
import pwd
import re
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from typing import Optional

from .process import Process, children_of, status_number, wait_until

USER = "irc"  # where started by root: one of those users that every Debian has and nobody uses


# The leak checker's own trouble when a thread ends while it looks: it reports nothing of ours.
STOPPED_EARLY = re.compile(r"(==\d+==Unable to get registers from thread \d+\.\s*)+")
RUNNING = r'master\[\d+\]: running, |"component":"master",.*"message":"running, '  # text, JSON


@dataclass
class Settings:
    """The configuration, as text: sections in their order, global lines first."""
    listeners: dict[str, str] = field(default_factory=dict)    # address: lines inside
    hops: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)        # global settings
    spool: dict[str, str] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)      # name: lines inside
    rules: dict[str, str] = field(default_factory=dict)        # in their order
    dissect: dict[str, str] = field(default_factory=dict)
    quarantine: dict[str, str] = field(default_factory=dict)
    track: dict[str, str] = field(default_factory=dict)
    redis: dict[str, str] = field(default_factory=dict)
    https: dict[str, str] = field(default_factory=dict)        # address: lines inside


class Postern:
    def __init__(self, build: str, folder: str, settings: Settings):
        self.build = build
        self.folder = folder
        self.settings = settings
        self.conf = os.path.join(folder, "postern.conf")
        self.log = os.path.join(folder, "postern.log")
        self.spool = os.path.join(folder, "spool")
        self.ledger = os.path.join(folder, "ledger", "ledger.db")
        self.control = os.path.join(folder, "control.sock")
        self.reports = os.path.join(folder, "sanitizer")
        self.daemon = os.path.join(build, "src", "posternd")
        self.tool_path = os.path.join(build, "tool", "postern")
        self.dissect_path = os.path.join(build, "src", "postern-dissect")
        self.master: Optional[Process] = None
        self.extra_env: dict[str, str] = {}
        self.wrapper: list[str] = []  # a command that executes the daemon in its own place
        self.runs_before = 0
        os.makedirs(self.reports, exist_ok=True)
        os.chmod(self.reports, 0o1777)
        for path in (folder, self.spool):
            os.makedirs(path, mode=0o755, exist_ok=True)
            if os.getuid() == 0:
                os.chown(path, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)

    # Configuration

    def write_configuration(self) -> None:
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(self.text())

    def text(self) -> str:
        lines = {"hostname": '"filter.postern.test"', "workers": "2", **self.settings.lines}
        if os.getuid() == 0:
            lines.setdefault("user", USER)
        parts = [f"{name} = {value}" for name, value in lines.items()]
        parts += [f'listen "{address}" {{ {inside} }}'
                  for address, inside in self.settings.listeners.items()]
        parts += [f'next_hop "{address}" {{ {inside} }}'
                  for address, inside in self.settings.hops.items()]
        parts += [f'filter "{name}" {{ {inside} }}'
                  for name, inside in self.settings.filters.items()]
        parts += [f'rule "{name}" {{ {inside} }}' for name, inside in self.settings.rules.items()]
        parts.append(section("dissect", {"program": quoted(self.dissect_path),
                                         **self.settings.dissect}))
        parts += [f'http "{address}" {{ {inside} }}'
                  for address, inside in self.settings.https.items()]
        parts.append(section("track", {"ledger": quoted(self.ledger), **self.settings.track}))
        if self.settings.redis:
            parts.append(section("redis", self.settings.redis))
        if self.settings.quarantine:
            parts.append(section("quarantine", self.settings.quarantine))
        parts.append(section("spool", {"path": quoted(self.spool), "min_free": '"16M"',
                                       **self.settings.spool}))
        parts.append(section("control", {"socket": quoted("unix:" + self.control),
                                         **self.settings.control}))
        parts.append(section("log", {"syslog": "no", "file": quoted(self.log),
                                     **self.settings.log}))
        return "\n".join(parts) + "\n"

    def environment(self) -> dict[str, str]:
        """Every sanitizer report of every process becomes a file that the test looks for. What was
        freed is kept from use up to 64 MB, not 256: tests look at how much memory is taken."""
        report = os.path.join(self.reports, "report")
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC",
               "ASAN_OPTIONS": f"log_path={report}:detect_stack_use_after_return=1"
                                ":quarantine_size_mb=64",
               "UBSAN_OPTIONS": f"log_path={report}:print_stacktrace=1"}
        env.update(self.extra_env)
        return env

    # Life

    def start(self, seconds: float = 20, verbose: bool = True, **popen) -> None:
        self.write_configuration()
        self.launch(verbose, **popen)
        wait_until(self.is_up, seconds, f"Postern listens, see {self.log}")

    def launch(self, verbose: bool = True, **popen) -> None:
        self.runs_before = len(self.log_lines(RUNNING))
        command = [*self.wrapper, self.daemon, "-c", self.conf, "-f"] + (["-v"] if verbose else [])
        self.master = Process("posternd", command, os.path.join(self.folder, "postern.out"),
                              self.environment(), **popen)

    def is_up(self) -> bool:
        if self.master is not None and not self.master.is_running():
            raise RuntimeError(f"posternd ended with {self.master.child.returncode}:\n"
                               f"{self.output()}{self.log_text()[-4000:]}")
        return len(self.log_lines(RUNNING)) > self.runs_before

    @property
    def pid(self) -> int:
        assert self.master is not None
        return self.master.pid

    def workers(self) -> list[int]:
        """The children with many threads for disk calls; the scribe has one."""
        return [pid for pid in children_of(self.pid) if status_number(pid, "Threads") > 4]

    def scribe(self) -> int:
        """The child with few threads beside its own; 0: it is starting."""
        return next((pid for pid in children_of(self.pid)
                     if 1 < status_number(pid, "Threads") <= 4), 0)

    def recipients_with(self, status: str) -> list[str]:
        """Recipients in the log, as often as they were given that status."""
        return [path for line in self.log_lines(rf"send\[\d+\]: .*status={status}\b")
                for path in re.findall(r"\bto=<([^>]*)>", line.split("status=")[0])]

    def reload(self, seconds: float = 30) -> None:
        """Writes the settings as they are now and waits until they are in force."""
        before = len(self.log_lines("is in force"))
        self.write_configuration()
        self.hang_up()
        self.wait_log("is in force", seconds, before + 1)

    def hang_up(self) -> None:
        assert self.master is not None
        self.master.signal(signal.SIGHUP)

    def stop(self, seconds: float = 30) -> Optional[int]:
        if self.master is None:
            return None
        code = self.master.stop(seconds)
        self.master = None
        return code

    def kill(self) -> None:
        """SIGKILL to the master; its workers have to follow by themselves."""
        assert self.master is not None
        workers = self.workers()
        os.kill(self.pid, signal.SIGKILL)
        self.master.child.wait()
        self.master = None
        wait_until(lambda: not any(is_alive(pid) for pid in workers), 10,
                   "workers end when their master is killed")

    # The tool

    def tool(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run([self.tool_path, "-c", self.conf, *arguments], text=True,
                              env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, errors="replace", check=False)
        if check and done.returncode not in (0, 1):
            raise AssertionError(f"postern {' '.join(arguments)} ended with {done.returncode}: "
                                 f"{done.stderr}")
        return done

    def listing(self, *arguments: str) -> list[dict]:
        done = self.tool("--json", "list", *arguments)
        return [json.loads(line) for line in done.stdout.splitlines()]

    # Looking

    def output(self) -> str:
        return read_text(os.path.join(self.folder, "postern.out"))

    def log_text(self) -> str:
        return read_text(self.log)

    def log_lines(self, pattern: str) -> list[str]:
        wanted = re.compile(pattern)
        return [line for line in self.log_text().splitlines() if wanted.search(line)]

    def wait_log(self, pattern: str, seconds: float = 20, count: int = 1) -> list[str]:
        wait_until(lambda: len(self.log_lines(pattern)) >= count, seconds,
                   f"{count} times {pattern!r} in {self.log}")
        return self.log_lines(pattern)

    def sanitizer_reports(self) -> list[str]:
        """An empty one is being written: its process is waited for. One that was killed before its
        first word has said nothing."""
        paths = sorted(glob.glob(os.path.join(self.reports, "report*")))
        wait_until(lambda: not any(not read_text(path) and is_alive(int(path.rsplit(".", 1)[1]))
                                   for path in paths), 20, "sanitizers have written")
        texts = {path: read_text(path).strip() for path in paths}
        return [path for path, text in texts.items() if text and not STOPPED_EARLY.fullmatch(text)]


def section(name: str, values: dict[str, str]) -> str:
    return f"{name} {{ " + "  ".join(f"{key} = {value}" for key, value in values.items()) + " }"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def notify_socket(path: str) -> socket.socket:
    """What systemd would listen on."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    os.chmod(path, 0o777)
    return listener
