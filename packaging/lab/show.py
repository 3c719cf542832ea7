# SPDX-License-Identifier: BSD-2-Clause
"""What packaging/try runs: sends real messages through, and prints each one's way and end."""

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

PORT_IN, PORT_REINJECT = 2525, 10025


def strip(line: str) -> str:
    """Without date and host: 'postfix/smtpd[812]: ID: ...'."""
    found = re.search(r"\b(?:postfix|posternd)/\S+\[\d+\]: .*", line)
    return found.group(0) if found else line


class Way:
    """What the logs and the spool have on one message, by its first queue id."""

    def __init__(self, stand: Stand, queue_id: str):
        self.stand = stand
        self.queue_id = queue_id

    def lines(self) -> list[str]:
        ident = re.escape(self.queue_id)
        first = self.stand.postfix.log_lines(rf"\]: {ident}: ")
        own = [line for postern_id in self.postern_ids()
               for line in self.stand.postern.log_lines(rf"\]: {re.escape(postern_id)}[:.]")]
        return [strip(line) for line in first + own + self._second()]

    def postern_ids(self) -> list[str]:
        """Those of children begin with their parent's and a dot."""
        return self._ids(self.stand.postern.log_lines(
            rf"smtp\[\d+\]: .*queue_id={re.escape(self.queue_id)}\b"))

    def _second(self) -> list[str]:
        """What the half of Postfix behind Postern says."""
        return [line for queue_id in self._ids(self.stand.postfix.log_lines(
                    rf"orig_queue_id={re.escape(self.queue_id)}\b"))
                for line in self.stand.postfix.log_lines(rf"\]: {queue_id}: ")]

    @staticmethod
    def _ids(lines: list[str]) -> list[str]:
        found = [re.search(r"\]: (\S+): ", line) for line in lines]
        return list(dict.fromkeys(match.group(1) for match in found if match))

    def arrived(self) -> list[Message]:
        return [message for message in self.stand.sink.taken()
                if message.xforward.get("IDENT", b"").decode() == self.queue_id]

    def listed(self, where: str) -> list[dict]:
        return [entry for entry in self.stand.postern.listing("--where", where)
                if entry["queue_id"].split(".")[0] in self.postern_ids()]

    def is_over(self) -> bool:
        """Both halves of Postfix have let go of it, and nothing is in work between them."""
        second = self._second()
        removed = [line for line in second if line.endswith(": removed")]
        return len(removed) == len(self._ids(second)) and self.listed("active") == []


class Ends:
    """Who of a sample's recipients ended where, as far as is known by now."""

    def __init__(self, stand: Stand, sample: samples.Sample, way: Way):
        self.stand = stand
        self.sample = sample
        self.arrived = way.arrived()
        self.kept = way.listed("quarantine")
        self.faults: list[str] = []
        self._check_arrived()
        self._check_kept()
        self._check_bounced()

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
                       "the message's end")
        except Timeout:
            pass
        for line in way.lines():
            print("   " + line)
        return self.verdict(sample, Ends(self.stand, sample, way))

    def verdict(self, sample: samples.Sample, ends: Ends) -> bool:
        for entry in ends.kept:
            print(f"   postern show {entry['queue_id']}:")
            for line in self.stand.postern.tool("show", entry["queue_id"]).stdout.splitlines():
                print("      " + line)
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
                time.sleep(0.5)
                for line in Way(self.stand, queue_id).lines() if queue_id else []:
                    print("   " + line)


def explain(stand: Stand) -> None:
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
        port_in=PORT_IN, port_reinject=PORT_REINJECT, has_scanners=True,
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
