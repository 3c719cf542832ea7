#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The failure table, row by row, as far as no other topic has it: disk, limits, poison, routes."""

import os
import resource
import shutil
import signal
import time

import spoolfile
from case import Case, Client, main, message, send, wait_until
from load import Load


class Failures(Case):
    def test_too_little_space_is_452_at_mail(self) -> None:
        sink = self.sink()
        postern = self.between(sink, spool={"min_free": '"1000000G"'})
        with Client(postern.ports[0]) as client:
            reply = client.command("MAIL FROM:<ann@example.org>")
            self.assertEqual(reply.code, 452)
            self.assertTrue(reply.text.startswith("4.3.1"), str(reply))
            self.assertEqual(client.command("NOOP").code, 250)

    def test_declared_size_counts_for_space(self) -> None:
        disk = self.small_disk("64M")
        sink = self.sink()
        postern = self.between(sink, spool={"path": f'"{disk}/spool"', "min_free": '"8M"'})
        with Client(postern.ports[0]) as client:
            self.assertEqual(client.command("MAIL FROM:<a@example.org> SIZE=1000").code, 250)
            client.expect(2, "RSET")
            self.assertEqual(client.command("MAIL FROM:<a@example.org> SIZE=90000000").code, 452)

    def test_disk_full_while_receiving(self) -> None:
        disk = self.small_disk("48M")
        sink = self.sink()
        postern = self.between(sink, spool={"path": f'"{disk}/spool"', "min_free": '"1M"'})
        with Client(postern.ports[0]) as client:
            client.envelope("ann@example.org", ["bob@example.com"])
            reply, = client.data(message(size=60_000_000))
            self.assertEqual(reply.code, 452)
            self.assertTrue(reply.text.startswith("4.3.1"), str(reply))
        with Client(postern.ports[0]) as client:
            wait_until(lambda: client.command("MAIL FROM:<a@example.org>").code == 250
                       and client.command("RSET"), 10, "the space to come back", pause=0.2)
            client.send("ann@example.org", ["carol@example.com"], message())
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"carol@example.com"])

    def test_full_disk_does_not_stop_what_is_in_the_spool(self) -> None:
        disk = self.small_disk("48M")
        sink = self.sink()
        postern = self.between(sink, spool={"path": f'"{disk}/spool"', "min_free": '"1M"',
                                            "retry": '{"1s"}'}, hop="dead_time = 1s")
        sink.drop()
        for size in (1000, 200_000):
            send(postern.ports[0], "ann@example.org", [f"n{size}@example.com"],
                 message(size=size))
        postern.wait_log(r"status=deferred \(", count=2)
        with open(os.path.join(disk, "filler"), "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
            except OSError:
                pass
        sink.start()
        sink.wait_for(2)
        wait_until(lambda: not spoolfile.live(os.path.join(disk, "spool")), 20, "an empty spool")
        time.sleep(2)
        self.assertEqual(len(sink.taken()), 2, "a full disk lost a `sent`")

    def test_too_many_waiting_messages(self) -> None:
        sink = self.sink()
        sink.script.mail = lambda path: "451 4.3.0 later"
        postern = self.between(sink, spool={"max_messages": "10", "retry": '{"1h"}'})
        codes = []
        for number in range(14):
            with Client(postern.ports[0]) as client:
                codes.append(client.command("MAIL FROM:<ann@example.org>").code)
                if codes[-1] == 250:
                    client.expect(2, f"RCPT TO:<n{number}@example.com>")
                    client.data(message())
            time.sleep(0.1)
        self.assertEqual(codes[0], 250)
        self.assertEqual(codes[-1], 452)
        self.assertLessEqual(len(spoolfile.live(postern.spool)), 12)

    def test_next_hop_loses_smtputf8(self) -> None:
        """What needs it is deferred with an alarm, never downgraded or bounced."""
        sink = self.sink()
        postern = self.between(sink, spool={"retry": '{"1s"}'}, hop="idle = 1s")
        send(postern.ports[0], "warm@example.org", ["up@example.com"], message())
        sink.wait_for(1)
        with Client(postern.ports[0]) as client:
            replies = client.envelope("jörg@example.org", ["bob@example.com"],
                                      "BODY=8BITMIME SMTPUTF8")
            self.assertEqual([reply.code for reply in replies], [250, 250])
            sink.keywords = ("PIPELINING",)
            time.sleep(2)  # connections that are kept end
            client.data(message())
        postern.wait_log("alarm: ")
        postern.wait_log(r"status=deferred \(")
        self.assertEqual(len(sink.taken()), 1)
        sink.keywords = ("PIPELINING", "8BITMIME", "SMTPUTF8")
        self.assertEqual(sink.wait_for(2)[1].sender.decode(), "jörg@example.org")

    def test_route_that_is_gone_holds(self) -> None:
        sink = self.sink()
        sink.script.mail = lambda path: "451 4.3.0 later"
        postern = self.between(sink, spool={"retry": '{"1s"}'}, hop='name = "old"')
        send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        postern.wait_log(r"status=deferred \(")
        postern.settings.hops[sink.address] = 'name = "new"'
        postern.reload()
        wait_until(lambda: spoolfile.live(postern.spool, "hold"), 90, "a held message")
        self.assertTrue(postern.log_lines("alarm: .*next hop is not configured"))

    def test_message_that_kills_its_worker_runs_alone_and_is_held(self) -> None:
        """An attempt that was open when a worker died, again and again, is poison."""
        sink = self.sink()
        sink.script.dot_delay = 2
        postern = self.between(sink, spool={"retry": '{"1s"}'}, lines={"workers": "1"})
        send(postern.ports[0], "ann@example.org", ["poison@example.com"], message())
        for number in range(1, 10):
            wait_until(lambda: spoolfile.live(postern.spool, "hold") or
                       len(postern.log_lines("attempt -> send")) >= number, 20, "an attempt")
            if spoolfile.live(postern.spool, "hold"):
                break
            for pid in postern.workers():
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: spoolfile.live(postern.spool, "hold"), 20, "a held message")
        self.assertTrue(postern.log_lines("alarm: "))

    def test_spool_folder_gone(self) -> None:
        """No promise without a spool: 4xx, not 250; the daemon says so and lives on."""
        sink = self.sink()
        postern = self.between(sink)
        with Client(postern.ports[0]) as client:
            client.send("ann@example.org", ["bob@example.com"], message())
            sink.wait_for(1)
            shutil.rmtree(os.path.join(postern.spool, "active"))
            client.envelope("ann@example.org", ["carol@example.com"])
            reply, = client.data(message(size=200_000))
            if reply.code == 250:
                sink.wait_for(2)
            else:
                self.assertEqual(reply.code // 100, 4)

    def test_out_of_descriptors_waits_and_goes_on(self) -> None:
        sink = self.sink()
        postern = self.between(sink, lines={"workers": "1"})
        worker, = postern.workers()
        limit = len(os.listdir(f"/proc/{worker}/fd")) + 6
        postern.stop()
        postern.launch(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                             (limit, limit)))
        wait_until(postern.is_up, 20, "Postern to run")
        worker, = postern.workers()
        clients = [Client(postern.ports[0], greet=False) for _ in range(20)]
        time.sleep(0.5)
        self.assertIn(worker, postern.workers(), "the worker died")
        for client in clients:
            client.close()
        reply, = send(postern.ports[0], "ann@example.org", ["bob@example.com"], message())
        self.assertIn(reply.code, (250, 451, 452))
        Load(postern.ports[0], 20, threads=1).start().join()


if __name__ == "__main__":
    main()
