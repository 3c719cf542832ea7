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
from .process import Timeout, wait_until
from .sink import Message
from .stand import Stand, Wiring

PORT_IN, PORT_REINJECT = 2525, 10025


def strip(line: str) -> str:
    """Without date and host: 'postfix/smtpd[812]: ID: ...'."""
    found = re.search(r"\b(?:postfix|posternd)/\S+\[\d+\]: .*", line)
    return found.group(0) if found else line


class Way:
    """The lines that the logs have on one message, by its first queue id."""

    def __init__(self, stand: Stand, queue_id: str):
        self.stand = stand
        self.queue_id = queue_id

    def lines(self) -> list[str]:
        ident = re.escape(self.queue_id)
        first = self.stand.postfix.log_lines(rf"\]: {ident}: ")
        own = [line for postern_id in self._ids(self.stand.postern.log_lines(
                   rf"queue_id={ident}\b"), r"\]: (\S+): ")
               for line in self.stand.postern.log_lines(rf"\]: {re.escape(postern_id)}: ")]
        second = [line for queue_id in self._ids(self.stand.postfix.log_lines(
                      rf"orig_queue_id={ident}\b"), r"\]: (\S+): ")
                  for line in self.stand.postfix.log_lines(rf"\]: {queue_id}: ")]
        return [strip(line) for line in first + own + second]

    @staticmethod
    def _ids(lines: list[str], pattern: str) -> list[str]:
        found = [re.search(pattern, line) for line in lines]
        return list(dict.fromkeys(match.group(1) for match in found if match))

    def arrived(self) -> list[Message]:
        return [message for message in self.stand.sink.taken()
                if message.xforward.get("IDENT", b"").decode() == self.queue_id]

    def is_over(self) -> bool:
        """Both halves of Postfix have let go of it."""
        removed = [line for line in self.lines() if line.endswith(": removed")
                   and line.startswith("postfix")]
        return len(removed) >= 2


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
        queue_id = reply.text.split()[-1]
        way = Way(self.stand, queue_id)
        try:
            wait_until(way.is_over, 60, "the message's end")
        except Timeout:
            pass
        for line in way.lines():
            print("   " + line)
        return self.verdict(sample, way.arrived())

    def verdict(self, sample: samples.Sample, arrived: list[Message]) -> bool:
        """Each recipient once, from the same sender, with the very bytes below the trace fields."""
        reached = sorted(path.decode() for message in arrived for path in message.recipients)
        faults = []
        if reached != sorted(sample.recipients):
            faults.append(f"it reached {reached}")
        for message in arrived:
            if message.sender.decode() != sample.sender:
                faults.append(f"its sender became <{message.sender.decode()}>")
            if not message.content.endswith(sample.content):
                faults.append("its bytes changed")
            if b"(Postern)" not in message.head:
                faults.append("it has no Received field of Postern")
        if faults:
            print(f"   FAILED: {'; '.join(faults)}")
            return False
        print(f"   arrived at the final server: {len(reached)} of {len(sample.recipients)} "
              "recipients, every byte as sent")
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
                for line in Way(self.stand, queue_id).lines():
                    print("   " + line)


def explain(stand: Stand) -> None:
    port = stand.postfix.port_in
    print(f"""
It stays up until Ctrl-C. Meanwhile, from another terminal:

  send more      python3 -c 'import smtplib; smtplib.SMTP("127.0.0.1", {port}).sendmail(
                     "ann@example.org", ["bob@example.com"], "Subject: hi\\n\\nHello.\\n")'
  what waits     {stand.postern.tool_path} -c {stand.postern.conf} list
  one message    {stand.postern.tool_path} -c {stand.postern.conf} show ID
  Postern's log  tail -f {stand.postern.log}
  Postfix's log  tail -f {stand.postfix.log}
""", flush=True)


def run(build: str, folder: str, is_once: bool) -> bool:
    tree = postfix.unpack(os.path.join(build, "unpacked"))
    stand = Stand(folder, build, tree, Wiring(port_in=PORT_IN, port_reinject=PORT_REINJECT))
    try:
        stand.start(verbose=False)
        print(f"Postfix takes mail on 127.0.0.1:{stand.postfix.port_in}, hands it to Postern on "
              f"{next(iter(stand.postern.settings.listeners))},\nand gets it back on "
              f"127.0.0.1:{stand.postfix.port_reinject}; the final server is "
              f"127.0.0.1:{stand.sink.port}.", flush=True)
        show = Show(stand)
        results = [show.one(sample) for sample in samples.everyday()]
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
