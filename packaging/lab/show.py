# SPDX-License-Identifier: BSD-2-Clause
"""What packaging/try runs: sends real messages through, and prints each one's way and end."""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time

from . import postfix, samples
from .client import Refused, send
from .daemon import Settings
from .process import Timeout, wait_until
from .sink import Message
from .stand import Stand, Wiring

PORT_IN, PORT_REINJECT, PORT_HTTP = 2525, 10025, 11380

# What `postern trace` and Redis have to say of a recipient that ended so.
STATUS = {samples.ARRIVES: "sent", samples.TAGGED: "sent", samples.REDIRECTED: "sent",
          samples.QUARANTINED: "quarantined", samples.BOUNCED: "bounced",
          samples.DISCARDED: "discarded"}


class Way:
    """What Postfix's log, ledger, spool and Redis have on one message, by its first queue id."""

    def __init__(self, stand: Stand, queue_id: str):
        self.stand = stand
        self.queue_id = queue_id
        self.told: list[dict] = []  # `postern trace`: of each transaction that Postfix made of it
        self.look()

    def look(self) -> None:
        done = self.stand.postern.tool("--json", "trace", self.queue_id, check=False)
        self.told = [json.loads(line) for line in done.stdout.splitlines()]

    def trace(self) -> str:
        return self.stand.postern.tool("trace", self.queue_id).stdout

    def keys(self) -> dict[str, set[str]]:
        """Redis' keys, and what their status may be: of itself, of the queue ids in and out."""
        found: dict[str, set[str]] = {}
        for one in self.told:
            found.setdefault(f"postern:msg:{one['postern_id']}", set()).add(one["status"])
            found.setdefault(f"postfix:{self.queue_id}", set()).add(one["status"])
            for rcpt in one["recipients"]:
                if "reinjected_id" in rcpt:
                    found.setdefault(f"postfix:{rcpt['reinjected_id']}", set()).add(rcpt["status"])
        return found

    def held_in_redis(self) -> dict[str, dict[str, str]]:
        assert self.stand.redis is not None
        keys = list(self.keys())
        return dict(zip(keys, self.stand.redis.hashes(keys)))

    def _second(self) -> list[str]:
        """What the half of Postfix behind Postern says."""
        found = [re.search(r"\]: (\S+): ", line) for line in self.stand.postfix.log_lines(
            rf"orig_queue_id={re.escape(self.queue_id)}\b")]
        return [line for queue_id in {match.group(1) for match in found if match}
                for line in self.stand.postfix.log_lines(rf"\]: {queue_id}: ")]

    def arrived(self) -> list[Message]:
        return [message for message in self.stand.sink.taken()
                if message.xforward.get("IDENT", b"").decode() == self.queue_id]

    def listed(self, where: str) -> list[dict]:
        """Ids of children begin with their parent's and a dot."""
        own = [one["postern_id"] for one in self.told]
        return [entry for entry in self.stand.postern.listing("--where", where)
                if entry["queue_id"].split(".")[0] in own]

    def is_over(self) -> bool:
        """Postfix's second half has let go of it, and nothing is in work in front of it."""
        second = self._second()
        came = [line for line in second if "orig_queue_id=" in line]
        gone = [line for line in second if line.endswith(": removed")]
        return len(came) == len(gone) and self.told != [] and self.listed("active") == []


class Ends:
    """Who of a sample's recipients ended where, as far as is known by now."""

    def __init__(self, stand: Stand, sample: samples.Sample, way: Way):
        self.stand = stand
        self.sample = sample
        way.look()
        self.arrived = way.arrived()
        self.kept = way.listed("quarantine")
        self.faults: list[str] = []
        self._check_arrived()
        self._check_kept()
        self._check_bounced()
        if not self.faults:
            self._check_told(way)

    def _check_arrived(self) -> None:
        reached = [path.decode() for message in self.arrived for path in message.recipients]
        wanted = self.sample.with_end(samples.ARRIVES, samples.TAGGED)
        wanted += [samples.REDIRECT_TO] * len(self.sample.with_end(samples.REDIRECTED))
        if sorted(reached) != sorted(wanted):
            self.faults.append(f"it reached {sorted(reached)}")
        for message in self.arrived:
            self._check_message(message)

    def _check_message(self, message: Message) -> None:
        """From the same sender, with the very bytes below the trace fields."""
        tagged = [path.encode() for path in self.sample.with_end(samples.TAGGED)]
        if message.sender.decode() != self.sample.sender:
            self.faults.append(f"its sender became <{message.sender.decode()}>")
        if b"(Postern)" not in message.head:
            self.faults.append("it has no Received field of Postern")
        if any(path in tagged for path in message.recipients):
            if samples.TAG not in message.head:
                self.faults.append("it is not tagged")
        elif not message.content.endswith(self.sample.content):
            self.faults.append("its bytes changed")

    def _check_kept(self) -> None:
        kept = [rcpt["address"] for entry in self.kept for rcpt in entry["recipients"]]
        if sorted(kept) != sorted(self.sample.with_end(samples.QUARANTINED)):
            self.faults.append(f"in quarantine it is for {sorted(kept)}")

    def _check_bounced(self) -> None:
        bounces = [message.content for message in self.stand.sink.taken()
                   if message.sender == b"" and
                   [self.sample.sender.encode()] == message.recipients]
        for path in self.sample.with_end(samples.BOUNCED):
            if not any(path.encode() in content for content in bounces):
                self.faults.append(f"no bounce tells of <{path}>")


    def _check_told(self, way: Way) -> None:
        """Ledger, trace and Redis know the end of each."""
        expected = {path: STATUS[self.sample.ends.get(path, samples.ARRIVES)]
                    for path in self.sample.recipients}
        told = way.told
        statuses = {rcpt["to"]: rcpt["status"] for one in told for rcpt in one["recipients"]}
        if statuses != expected:
            self.faults.append(f"the trace tells {statuses}")
        if not all(one["in_ledger"] for one in told):
            self.faults.append("it is not in the ledger")
        held = way.held_in_redis()
        for key, statuses_then in way.keys().items():
            if held[key].get("status") not in statuses_then:
                self.faults.append(f"{key} in Redis is {held[key] or 'not there'}")


class Show:
    def __init__(self, stand: Stand):
        self.stand = stand
        self.port_in = stand.postfix.port_in

    def one(self, sample: samples.Sample) -> bool:
        print(f"\n== {sample.name}: <{sample.sender}> to "
              f"{', '.join(f'<{path}>' for path in sample.recipients)}, "
              f"{len(sample.content)} bytes")
        try:
            reply = send(self.port_in, sample.sender, sample.recipients, sample.content,
                         mail_params=sample.mail_params, rcpt_params=sample.rcpt_params)[0]
        except (Refused, OSError) as error:
            print(f"   FAILED: Postfix did not take it: {error}")
            return False
        print(f"   Postfix: {reply}")
        way = Way(self.stand, reply.text.split()[-1])
        try:
            wait_until(lambda: not Ends(self.stand, sample, way).faults and way.is_over(), 60,
                       "the message's end", pause=0.1)
        except Timeout:
            pass
        self.tell(way)
        return self.verdict(sample, Ends(self.stand, sample, way))

    @staticmethod
    def tell(way: Way) -> None:
        print(f"   postern trace {way.queue_id}:")
        for line in way.trace().splitlines():
            print("      " + line)
        for key, fields in way.held_in_redis().items():
            print(f"   Redis, {key}:")
            print("      " + ", ".join(f"{name}={value}" for name, value in fields.items()))

    @staticmethod
    def verdict(sample: samples.Sample, ends: Ends) -> bool:
        if ends.faults:
            print(f"   FAILED: {'; '.join(ends.faults)}")
            return False
        for path in sample.recipients:
            print(f"   <{path}> {sample.ends.get(path, samples.ARRIVES)}")
        return True

    def stay(self) -> None:
        """Prints what else arrives, until Ctrl-C."""
        seen = len(self.stand.sink.taken())
        while True:
            time.sleep(0.2)
            assert self.stand.postern.master is not None
            if not self.stand.postern.master.is_running():
                raise RuntimeError("posternd has ended, see " + self.stand.postern.log)
            for message in self.stand.sink.taken()[seen:]:
                seen += 1
                queue_id = message.xforward.get("IDENT", b"").decode()
                print(f"\n== from <{message.sender.decode(errors='replace')}>, "
                      f"{len(message.content)} bytes")
                time.sleep(1)
                if queue_id:
                    self.tell(Way(self.stand, queue_id))


def explain(stand: Stand) -> None:
    assert stand.redis is not None
    port = stand.postfix.port_in
    tool = f"{stand.postern.tool_path} -c {stand.postern.conf}"
    print(f"""
It stays up until Ctrl-C. Meanwhile, from another terminal:

  postern() {{ {tool} "$@"; }}

  send more      python3 -c 'import smtplib; smtplib.SMTP("127.0.0.1", {port}).sendmail(
                     "ann@example.org", ["bob@example.com"], "Subject: hi\\n\\nHello.\\n")'
  what waits     postern list
  what is kept   postern list --where quarantine
  one message    postern show ID
  its whole way  postern trace ID, or either queue id of Postfix, or its Message-ID
  how it is      postern status; postern stats --since 1h
  for Prometheus curl -s http://127.0.0.1:{stand.port_http}/metrics
  in Redis       redis-cli -p {stand.redis.port} hgetall postfix:QUEUE-ID
  let it out     postern release ID
  look anew      postern rescan ID
  beforehand     postern test --to bob@tag.example FILE.eml
  the rules      {stand.postern.conf}, then: kill -HUP {stand.postern.pid}
  Postern's log  tail -f {stand.postern.log}
  Postfix's log  tail -f {stand.postfix.log}
""", flush=True)


def run(build: str, folder: str, is_once: bool) -> bool:
    tree = postfix.unpack(os.path.join(build, "unpacked"))
    stand = Stand(folder, build, tree, Wiring(
        port_in=PORT_IN, port_reinject=PORT_REINJECT, port_http=PORT_HTTP, has_scanners=True,
        is_told=True,
        settings=Settings(rules=dict(samples.RULES))))
    try:
        stand.start(verbose=False)
        print(f"Postfix takes mail on 127.0.0.1:{stand.postfix.port_in}, hands it to Postern on "
              f"{next(iter(stand.postern.settings.listeners))},\nand gets it back on "
              f"127.0.0.1:{stand.postfix.port_reinject}; the final server is "
              f"127.0.0.1:{stand.sink.port}.", flush=True)
        show = Show(stand)
        results = [show.one(sample) for sample in samples.everyday() + samples.stopped()]
        print(f"\n{results.count(True)} of {len(results)} messages ended where they should.",
              flush=True)
        if not is_once:
            explain(stand)
            show.stay()
        return all(results)
    finally:
        stand.stop()


def on_end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    build, is_once = sys.argv[1], "--once" in sys.argv[2:]
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, on_end)
    folder = tempfile.mkdtemp(prefix="postern-try-")
    os.chmod(folder, 0o755)
    print(f"Everything is in {folder}")
    is_good = False
    try:
        is_good = run(build, folder, is_once)
    except KeyboardInterrupt:
        is_good = not is_once
        print("\nEnded.")
    except (Timeout, RuntimeError) as error:
        print(error, file=sys.stderr)
    if is_good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"What happened is in {folder}", file=sys.stderr)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
