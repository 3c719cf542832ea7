#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""packaging/try behind its build: sends, shows, stays up until it is told to end, cleans up."""

import os
import re
import signal
import subprocess
import time

from case import BUILD, TOP, Case, main, message, send, wait_until
from lab.daemon import read_text


class Try(Case):
    def show(self, *arguments: str) -> subprocess.Popen:
        self.out = self.path("out")
        env = dict(os.environ, TMPDIR=self.folder, PYTHONDONTWRITEBYTECODE="1")
        with open(self.out, "w", encoding="utf-8") as out:
            return subprocess.Popen(["/usr/bin/python3", "-m", "lab.show", BUILD, *arguments],
                                    cwd=os.path.join(TOP, "packaging"), env=env, stdout=out,
                                    stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)

    def text(self) -> str:
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def assert_gone(self) -> None:
        """No process runs in the folder any more, and the folder is away."""
        folder = re.search(r"Everything is in (\S+)", self.text()).group(1)  # type: ignore
        self.assertFalse(os.path.exists(folder))
        self.assertEqual([pid for pid in os.listdir("/proc") if pid.isdigit()
                          and folder in read_text(f"/proc/{pid}/cmdline")], [])

    def test_once(self) -> None:
        show = self.show("--once")
        self.assertEqual(show.wait(120), 0, self.text())
        text = self.text()
        self.assertIn("10 of 10 messages ended where they should.", text)
        self.assertIn("scanned      clamav: hit, virus Eicar-Test-Signature", text)
        self.assertIn("scanned      rspamd: hit", text)
        self.assertRegex(text, r"Redis, postfix:\w+:\n.*\bstatus=quarantined\b")
        self.assert_gone()

    def test_stays_up_and_shows_what_comes(self) -> None:
        show = self.show()
        wait_until(lambda: "stays up until Ctrl-C" in self.text() or show.poll() is not None, 120,
                   "the sample messages to be through")
        port = re.search(r"takes mail on 127\.0\.0\.1:(\d+)", self.text())
        assert port is not None, self.text()
        send(int(port.group(1)), "carol@example.org", ["dave@example.com"], message())
        wait_until(lambda: "sent        <dave@example.com>" in self.text(), 20, "its way")
        time.sleep(1)
        self.assertIsNone(show.poll())
        os.kill(show.pid, signal.SIGINT)
        self.assertEqual(show.wait(60), 0)
        self.assert_gone()


if __name__ == "__main__":
    main()
