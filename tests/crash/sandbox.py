# SPDX-License-Identifier: BSD-2-Clause
"""What each process of Postern's could do if somebody else ruled it: tried from within its jail."""

import os
import shutil
import socket
import subprocess
import tempfile
from typing import Iterator

from case import BUILD, Client, Message, Postern, Settings, Sink, message, ports, spoolfile
from case import Timeout, wait_until
from lab.daemon import USER
from lab.process import children_of
from table import Table

LIES = ("noise", "none", "nothing", "much", "types", "hello", "pass", "silence", "leave", "die")
CHANGED = 32       # findings with a byte changed, at so many places
PATIENCE = 30.0
SIGNED = {"Seccomp": "2", "NoNewPrivs": "1"}
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, NET_BIND_SERVICE: base/priv.c says what for.
MASTERS = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10
PROFILES = ("dissector", "nursery", "worker", "scribe")


def status_of(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return {name: value.strip() for name, _, value in
                (line.partition(":") for line in file)}


def kind_of(postern: Postern, pid: int) -> str:
    if status_of(pid)["Name"].startswith("postern-dissec"):
        return "nursery" if pid in children_of(postern.pid) else "dissector"
    return "scribe" if pid == postern.scribe() else "worker"


class Stand:
    """A running Postern with a sink behind it, somebody who listens elsewhere, and bait."""

    def __init__(self, folder: str, **dissect: str):
        self.sink = Sink().start()
        self.number = ports.take()
        self.settings = Settings(listeners={f"inet:127.0.0.1:{self.number}": ""},
                                 hops={self.sink.address: ""}, lines={"workers": "1"},
                                 spool={"retry": '{"100ms"}'}, dissect=dissect)
        self.postern = Postern(BUILD, folder, self.settings)
        logs = os.path.join(folder, "logs")  # of their own: worker and scribe may write there
        os.mkdir(logs)
        shutil.chown(logs, USER)
        self.postern.log = os.path.join(logs, "postern.log")
        self.postern.start()
        self.sent = 0

    def stop(self) -> None:
        self.postern.stop()
        self.sink.stop()

    def send(self, sender: str = "ann@example.org") -> str:
        """Whose mail it is says the recipient."""
        self.sent += 1
        to = f"to{self.sent}@example.com"
        with Client(self.number) as client:
            client.send(sender, [to], message(f"message {self.sent}"))
        return to

    def has_come(self, recipient: str) -> bool:
        return any(recipient in str(sent.recipients) for sent in self.sink.messages)

    def flows(self) -> bool:
        to = self.send()
        try:
            wait_until(lambda: self.has_come(to), PATIENCE, "mail goes on")
        except Timeout:
            return False
        return True

    def processes(self) -> list[int]:
        first = children_of(self.postern.pid)
        return first + [pid for parent in first for pid in children_of(parent)]


# --- what the kernel says of the running processes ---

def wrongs(status: dict[str, str]) -> Iterator[str]:
    for name, wanted in SIGNED.items():
        if status[name] != wanted:
            yield f"{name} is {status[name]}"
    for name in CAPABILITIES:
        # What an executed program could regain is as the master's; no_new_privs keeps it from all.
        if int(status[name], 16) & ~(MASTERS if name == "CapBnd" else 0) != 0:
            yield f"{name} is {status[name]}"
    if "0" in status["Uid"].split() or "0" in status["Gid"].split():
        yield f"Uid {status['Uid']}, Gid {status['Gid']}"


def look_at_running(stand: Stand, table: Table) -> None:
    counts: dict[str, list[int]] = {}
    for pid in stand.processes():
        kind = kind_of(stand.postern, pid)
        found = list(wrongs(status_of(pid)))
        count = counts.setdefault(kind, [0, 0])
        count[0] += len(SIGNED) + len(CAPABILITIES) + 1
        count[1] += len(found)
        table.notes += [f"{kind} {pid}: {what}" for what in found]
    for kind in PROFILES:
        total, bad = counts.get(kind, (1, 1))
        table.add(f"{kind}, as it runs", total, total - bad, bad, 0, 0)
    master = status_of(stand.postern.pid)
    total = len(CAPABILITIES) + 1
    bad = sum(int(master[name], 16) & ~MASTERS != 0 for name in CAPABILITIES)
    bad += master["NoNewPrivs"] != "1"
    table.add("master, as it runs", total, total - bad, bad, 0, 0)


# --- attempts from within ---

class Elsewhere:
    """A port and an abstract socket that no setting names."""

    def __init__(self) -> None:
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=1000)]
        self.port: int = self.sockets[0].getsockname()[1]
        six = socket.create_server(("::1", self.port), family=socket.AF_INET6, backlog=1000)
        self.lair = f"postern-lair-{os.getpid()}"
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.bind("\0" + self.lair)
        local.listen(1000)
        self.sockets += [six, local]

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def lay_bait(spool: str) -> None:
    hold = os.path.join(spool, "hold")
    shutil.copy("/bin/true", os.path.join(hold, "bait"))
    os.symlink("/etc/passwd", os.path.join(hold, "link-to-a-file"))
    os.symlink("/etc", os.path.join(hold, "link-to-a-folder"))
    shutil.chown(os.path.join(hold, "bait"), USER)


def intrude(stand: Stand, profile: str, elsewhere: Elsewhere) -> list[list[str]]:
    """Kind, name, what came of it."""
    done = subprocess.run(
        [os.path.join(BUILD, "tests", "crash", "intruder"), profile, stand.postern.conf,
         str(stand.postern.pid), str(stand.postern.workers()[0]), str(elsewhere.port),
         str(stand.sink.port), elsewhere.lair],
        text=True, capture_output=True, timeout=300, check=True, stdin=subprocess.DEVNULL)
    return [line.split("\t") for line in done.stdout.splitlines()]


def is_refused(what: str) -> bool:
    return what == "killed" or (what.startswith("E") and what != "ENOENT")


def attempt(stand: Stand, table: Table) -> None:
    elsewhere = Elsewhere()
    lay_bait(stand.postern.spool)
    for profile in PROFILES:
        rows = intrude(stand, profile, elsewhere)
        tried = [(name, what) for kind, name, what in rows if kind == "attempt"]
        through = [(name, what) for name, what in tried if not is_refused(what)]
        work = [(name, what) for kind, name, what in rows if kind == "work"]
        failed = [(name, what) for name, what in work if what != "through"]
        table.add(f"{profile}, from within", len(tried), len(tried) - len(through), len(through),
                  len(work), len(failed))
        table.notes += [f"{profile}: {name}: {what}" for name, what in through + failed]
    free = [what for kind, _, what in intrude(stand, "user", elsewhere) if kind == "attempt"]
    table.notes.append(f"Of the same {len(free)} attempts the user itself, without a jail, gets "
                       f"through with {sum(what == 'through' for what in free)}.")
    elsewhere.close()


# --- what a dissector that was taken over tells the worker ---

def lie(folder: str, table: Table) -> None:
    stand = Stand(folder, program=f'"{os.path.join(BUILD, "tests", "crash", "lying-dissect")}"',
                  attempts="1", timeout='"2s"')
    workers = stand.postern.workers()
    names = list(LIES) + [f"changed-{at:03}" for at in range(CHANGED)]
    sent = {name: stand.send(f"{name}@example.org") for name in names}

    def at_rest() -> bool:
        return (len(spoolfile.live(stand.postern.spool, "hold")) +
                sum(stand.has_come(to) for to in sent.values()) >= len(sent))

    try:
        wait_until(at_rest, 4 * PATIENCE, "each is held, or was no lie")
    except Timeout as problem:
        table.notes.append(str(problem))
    through = [name for name in LIES if stand.has_come(sent[name])]
    lost = 0 if at_rest() else 1
    broken = stand.postern.workers() != workers
    flows = stand.flows()
    table.add("worker, told lies", len(sent), len(sent) - len(through) - lost,
              len(through) + lost + int(broken), 1, int(not flows))
    table.notes += [f"delivered in spite of {name}" for name in through]
    stand.stop()


def run(_options) -> Table:
    table = Table("sandbox", ("process", "attempts", "refused", "got through", "own work",
                              "failed"), ("got through", "failed"))
    folder = tempfile.mkdtemp(prefix="postern-sandbox-")
    os.chmod(folder, 0o755)
    stand = Stand(os.path.join(folder, "one"))
    stand.flows()
    look_at_running(stand, table)
    attempt(stand, table)
    table.add("mail meanwhile", 0, 0, 0, 1, int(not stand.flows()))
    stand.stop()
    lie(os.path.join(folder, "two"), table)
    if table.is_good():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        table.notes.append(f"Everything is in {folder}.")
    return table
