# SPDX-License-Identifier: BSD-2-Clause
"""A Postern that follows the log of a syslog daemon, which writes what Postfix logs into a file of
its own, line by line, and has it rotated under its hands.
"""

import os
import shutil
import threading
import time
from typing import Callable

from case import Case, Postern, Settings, Stand, wait_until
from lab.client import send
from lab.daemon import quoted
from told import Sent, content_of, traces

GENERATIONS = 40  # more than any test rotates

Change = Callable[[str], str]


class LogDaemon(threading.Thread):
    """`kind` says how it is rotated every `every` lines: "", "rename" or "copy".

    rename: in the middle of a line, whose rest and some lines more go to the old file, as it is
    with a daemon that hears of the rotation late. copy: copied and truncated between two lines.
    """

    def __init__(self, source: str, target: str, kind: str = "", every: int = 100):
        super().__init__(daemon=True)
        self.source = source
        self.target = target
        self.kind = kind
        self.every = every
        self.change: Change = lambda line: line
        self.written = 0
        self.rotations = 0
        self._lock = threading.Lock()
        self._is_stopped = threading.Event()
        self._file = self._open()

    def _open(self) -> int:
        file = os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.fchmod(file, 0o644)
        return file

    def run(self) -> None:
        held = b""
        with open(self.source, "rb") as source:
            while not self._is_stopped.is_set():
                held += source.read()
                *lines, held = held.split(b"\n")
                for line in lines:
                    self._take(line)
                self._is_stopped.wait(0.005)

    def stop(self) -> None:
        self._is_stopped.set()
        self.join()
        os.close(self._file)

    def _take(self, raw: bytes) -> None:
        line = self.change(raw.decode("utf-8", "surrogateescape"))
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        with self._lock:
            is_turn = self.kind != "" and self.written % self.every == self.every - 1
            if is_turn and self.kind == "rename":
                self._rename_within(data)
            else:
                os.write(self._file, data)
            if is_turn and self.kind == "copy":
                self._copy()
            self.written += 1

    def _shift(self) -> None:
        """FILE.1 becomes FILE.2, and so on; FILE.1 is free then."""
        for number in range(GENERATIONS, 0, -1):
            if os.path.exists(f"{self.target}.{number}"):
                os.rename(f"{self.target}.{number}", f"{self.target}.{number + 1}")
        self.rotations += 1

    def _rename_within(self, data: bytes) -> None:
        os.write(self._file, data[:len(data) // 2])
        self._shift()
        os.rename(self.target, self.target + ".1")
        if self.rotations % 2 == 0:
            os.close(os.open(self.target, os.O_WRONLY | os.O_CREAT, 0o644))
            os.chmod(self.target, 0o644)
        time.sleep(0.15 * (self.rotations % 4))  # so long the other half is away
        os.write(self._file, data[len(data) // 2:])
        os.close(self._file)
        self._file = self._open()

    def _copy(self) -> None:
        self._shift()
        shutil.copyfile(self.target, self.target + ".1")
        os.truncate(self.target, 0)

    def rename(self) -> str:
        """Rotates now, and says under which name the old file is."""
        with self._lock:
            self._shift()
            os.rename(self.target, self.target + ".1")
            os.close(self._file)
            self._file = self._open()
        return self.target + ".1"


def answer(path: bytes) -> str:
    if path.endswith(b"@later.example"):
        return "451 4.3.0 come again"
    return "550 5.1.1 unknown" if path.endswith(b"@never.example") else "250 2.1.5 Ok"


def statuses(one: dict) -> dict[str, str]:
    return {rcpt["to"]: rcpt["status"] for rcpt in one["recipients"]}


class Following(Case):
    daemon: LogDaemon

    def follow(self, kind: str = "", every: int = 100, is_late: bool = False,
               **main_cf: str) -> Stand:
        """A stand whose Postern follows the log that `self.daemon` writes."""
        self.log = self.path("mail.log")
        self.every, self.kind = every, kind
        settings = Settings(track={"postfix_log": quoted(self.log)})
        if not is_late:
            with open(self.log, "w", encoding="ascii"):
                pass
            os.chmod(self.log, 0o644)
        stand = self.stand(main=main_cf, settings=settings)
        stand.sink.script.rcpt = answer
        if not is_late:
            self.begin_log(stand)
        return stand

    def begin_log(self, stand: Stand) -> None:
        self.daemon = LogDaemon(stand.postfix.log, self.log, self.kind, self.every)
        self.addCleanup(self.daemon.stop)
        self.daemon.start()

    def trace(self, postern: Postern, message_id: str) -> dict:
        found = traces(postern, [f"<{message_id}>"])
        return found[0] if len(found) == 1 else {"recipients": [], "status": ""}

    def wait_status(self, postern: Postern, message_id: str, status: str) -> dict:
        wait_until(lambda: self.trace(postern, message_id)["status"] == status, 60,
                   f"{message_id} to be {status}", pause=0.3)
        return self.trace(postern, message_id)

    def send_one(self, stand: Stand, message_id: str, *paths: str) -> None:
        sent = Sent(message_id, {path: "" for path in paths})
        reply, = send(stand.postfix.port_in, "ann@example.org", list(paths), content_of(sent))
        self.assertEqual(reply.code, 250, reply)
