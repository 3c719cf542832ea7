#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a service: signals, systemd's protocols, unprivileged, in the background."""

import os
import pwd
import signal
import socket
import subprocess
import time

import spoolfile
from case import BUILD, Case, Client, Settings, main, message, ports, send, wait_until
from lab.daemon import USER, Postern, is_alive, notify_socket
from lab.process import family_of, status_number


class Service(Case):
    def test_sigterm_and_sigint_finish_what_is_under_way(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                sink = self.sink()
                postern = self.between_named(sink, f"p{number}")
                family = family_of(postern.pid)
                with Client(postern.ports[0]) as client:
                    client.envelope("ann@example.org", ["bob@example.com"])
                    assert postern.master is not None
                    postern.master.signal(number)
                    postern.wait_log("stopping")
                    self.assertEqual(client.data(message())[0].code, 250)
                    self.assertEqual(client.command("NOOP").code, 421)
                self.assertEqual(postern.master.wait(20), 0)
                wait_until(lambda: not any(map(is_alive, family)), 5, "all processes to end")
                sink.wait_for(1)
                self.assertEqual(spoolfile.live(postern.spool), [])

    def between_named(self, sink, name: str) -> Postern:
        port = ports.take()
        postern = self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                        hops={sink.address: ""}), name)
        postern.ports = [port]  # type: ignore[attr-defined]
        return postern

    def test_idle_connection_does_not_delay_the_end(self) -> None:
        postern = self.between(self.sink())
        with Client(postern.ports[0]):
            begin = time.monotonic()
            self.assertEqual(postern.stop(), 0)
            self.assertLess(time.monotonic() - begin, 10)

    def test_workers_drop_roots_rights(self) -> None:
        postern = self.between(self.sink())
        wanted = pwd.getpwnam(USER).pw_uid
        for pid in family_of(postern.pid)[1:]:
            self.assertEqual(status_number(pid, "Uid"), wanted)
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                text = file.read()
            self.assertIn("CapEff:\t0000000000000000", text)

            self.assertIn("NoNewPrivs:\t1", text)

    def test_scheduling_policy(self) -> None:
        """Batch, or what somebody else chose."""
        postern = self.between(self.sink())
        for wrapper, policy in ((["chrt", "--idle", "0"], os.SCHED_IDLE), ([], os.SCHED_BATCH)):
            postern.stop()
            postern.wrapper = wrapper
            postern.start()
            for pid in family_of(postern.pid):
                self.assertEqual(os.sched_getscheduler(pid), policy, pid)

    def test_dead_children_are_replaced(self) -> None:
        sink = self.sink()
        postern = self.between(sink)
        for pid in family_of(postern.pid)[1:]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(postern.workers()) == 2, 20, "new workers")
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)
        self.assertGreaterEqual(len(postern.log_lines("was killed by signal 9")), 3)

    def test_unprivileged(self) -> None:
        sink = self.sink()
        port = ports.take()
        postern = self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                        hops={sink.address: ""}), start=False)
        # The log and the spool belong to the user already; `user` must be ignored.
        postern.settings.lines["user"] = "nobody-of-that-name"
        postern.write_configuration()
        owner = pwd.getpwnam(USER)
        os.chown(postern.conf, owner.pw_uid, owner.pw_gid)
        postern.launch(user=owner.pw_uid, group=owner.pw_gid, extra_groups=[])
        wait_until(postern.is_up, 20, "Postern to listen")
        send(port, "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)
        for pid in family_of(postern.pid):
            self.assertEqual(status_number(pid, "Uid"), owner.pw_uid)
        postern.hang_up()
        postern.wait_log("is in force")
        self.assert_nothing_left(postern)

    def test_sd_notify(self) -> None:
        states = notify_socket(self.path("notify.sock"))
        self.addCleanup(states.close)
        states.settimeout(20)
        sink = self.sink()
        port = ports.take()
        postern = self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                        hops={sink.address: ""}), start=False)
        postern.extra_env = {"NOTIFY_SOCKET": self.path("notify.sock"), "WATCHDOG_USEC": "2000000"}
        postern.start()
        self.assertIn("READY=1", self.state(states, "READY=1"))
        self.assertFalse(ports.is_free(port))
        self.state(states, "WATCHDOG=1")
        postern.hang_up()
        self.state(states, "RELOADING=1")
        self.state(states, "READY=1")
        assert postern.master is not None
        postern.master.signal(signal.SIGTERM)
        self.state(states, "STOPPING=1")

    @staticmethod
    def state(states: socket.socket, wanted: str) -> str:
        """The next datagram with that line."""
        while True:
            text = states.recv(4096).decode()
            if wanted in text.split("\n"):
                return text

    def test_passed_in_sockets(self) -> None:
        """What systemd opened is taken over; it works for a port that we may not open."""
        sink = self.sink()
        port = ports.take()
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(100)
        postern = self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                        hops={sink.address: ""}), start=False)
        postern.write_configuration()
        fd = listener.fileno()
        # LISTEN_PID must be the daemon's own: a shell knows its pid and becomes the daemon.
        inner = postern.daemon
        wrapper = self.path("wrapper")
        with open(wrapper, "w", encoding="ascii") as file:
            file.write(f"#!/bin/bash\nexec 3<&{fd} {fd}<&-\n"
                       f"LISTEN_FDS=1 LISTEN_PID=$$ exec {inner} \"$@\"\n")
        os.chmod(wrapper, 0o755)
        postern.daemon = wrapper
        postern.launch(pass_fds=[fd])
        postern.wait_log("running")
        inode = os.fstat(fd).st_ino
        held = {os.stat(f"/proc/{postern.pid}/fd/{name}").st_ino
                for name in os.listdir(f"/proc/{postern.pid}/fd")}
        self.assertIn(inode, held)
        send(port, "ann@example.org", ["bob@example.com"], message())
        sink.wait_for(1)

    def test_in_the_background(self) -> None:
        """Without -f: the caller gets its prompt when mail can come in."""
        sink = self.sink()
        port = ports.take()
        postern = self.postern(Settings(listeners={f"inet:127.0.0.1:{port}": ""},
                                        hops={sink.address: ""}), start=False)
        postern.write_configuration()
        done = subprocess.run([postern.daemon, "-c", postern.conf], env=postern.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(ports.is_free(port))
        master = int(postern.wait_log("running")[0].split("[")[1].split("]")[0])
        try:
            send(port, "ann@example.org", ["bob@example.com"], message())
            sink.wait_for(1)
        finally:
            os.kill(master, signal.SIGTERM)
        wait_until(lambda: not is_alive(master), 20, "the daemon to end")

    def test_port_in_use_is_said(self) -> None:
        sink = self.sink()
        helper = Postern(BUILD, self.path("second"),
                         Settings(listeners={f"inet:127.0.0.1:{sink.port}": ""},
                                  hops={"inet:127.0.0.1:1": ""}))
        helper.write_configuration()
        done = subprocess.run([helper.daemon, "-c", helper.conf, "-f"], env=helper.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(sink.port), done.stderr)
        self.assertIn("in use", done.stderr)

    def test_two_on_one_machine(self) -> None:
        first, second = self.sink(), self.sink()
        one, other = self.between_named(first, "one"), self.between_named(second, "other")
        send(one.ports[0], "ann@example.org", ["one@example.com"], message())
        send(other.ports[0], "ann@example.org", ["other@example.com"], message())
        self.assertEqual(first.wait_for(1)[0].recipients, [b"one@example.com"])
        self.assertEqual(second.wait_for(1)[0].recipients, [b"other@example.com"])


if __name__ == "__main__":
    main()
