# SPDX-License-Identifier: BSD-2-Clause
"""`postern setup-postfix` on a real Postfix that knows nothing of Postern."""

import os
import subprocess

from case import Case, Postern, Settings, main, message, ports, postfix, send

FILES = ("main.cf", "master.cf")


class SetupPostfix(Case):
    def plain(self, **main_cf: str) -> postfix.Postfix:
        """Not started: its files are there."""
        instance = postfix.Postfix(self.tree(), self.path("postfix"),
                                   postfix.Options(port_final=self.arrived.port, main=main_cf))
        instance.write_configuration()
        self.addCleanup(instance.stop)
        return instance

    def setUp(self) -> None:
        self.arrived = self.sink()

    def filter(self, listener: str, port_back: int, inside: str = "") -> Postern:
        postern = self.postern(Settings(listeners={listener: inside},
                                        hops={f"inet:127.0.0.1:{port_back}": ""}), start=False)
        postern.write_configuration()
        return postern

    def setup(self, postern: Postern, instance: postfix.Postfix,
              *options: str) -> subprocess.CompletedProcess:
        postern.extra_env = postfix.command_environment(self.tree())
        return postern.tool("setup-postfix", "-c", instance.conf, *options)

    @staticmethod
    def files(instance: postfix.Postfix) -> list[str]:
        texts = []
        for name in FILES:
            with open(os.path.join(instance.conf, name), encoding="utf-8") as file:
                texts.append(file.read())
        return texts

    def goes_through(self, postern: Postern, instance: postfix.Postfix) -> None:
        """One message from the public port to the sink, with our field and the first client."""
        reply, = send(instance.port_in, "ann@example.org", ["bob@example.com"],
                      message("through"))
        self.assertEqual(reply.code, 250, reply)
        arrived, = self.arrived.wait_for(1)
        self.assertIn(b"(Postern)", arrived.content)
        self.assertEqual(arrived.recipients, [b"bob@example.com"])
        postern.wait_log(r"done\[\d+\]: .*status=reinjected, .*queue_id=\w")
        self.assertEqual(instance.log_lines("warning|fatal|unused parameter"), [])

    def around(self, listener: str, inside: str = "") -> tuple[Postern, postfix.Postfix]:
        instance = self.plain()
        before = self.files(instance)
        postern = self.filter(listener.format(instance.queue), instance.port_reinject, inside)
        done = self.setup(postern, instance, "--apply")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("master.cf: postern/unix (new)\n", done.stdout)
        self.assertIn(f"postfix -c {instance.conf} reload", done.stdout)
        once = self.files(instance)
        self.assertNotEqual(once, before)
        again = self.setup(postern, instance, "--apply")
        self.assertEqual(again.stdout, f"# nothing to change in {instance.conf}\n")
        self.assertEqual(self.files(instance), once)
        kept = sorted(name for name in os.listdir(instance.conf) if ".before-" in name)
        self.assertEqual([name.split(".before-")[0] for name in kept], list(FILES))
        for name, text in zip(kept, before):
            with open(os.path.join(instance.conf, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
        return postern, instance

    def run_both(self, postern: Postern, instance: postfix.Postfix) -> None:
        postern.start()
        instance.launch()
        self.goes_through(postern, instance)
        removed = self.setup(postern, instance, "--remove")
        self.assertIn("main.cf: content_filter (removed), was postern:", removed.stdout)
        instance.stop()
        instance.launch()
        self.arrived.forget()
        send(instance.port_in, "ann@example.org", ["bob@example.com"],
             message("past"))
        arrived, = self.arrived.wait_for(1)
        self.assertNotIn(b"(Postern)", arrived.content)

    def test_smtp(self) -> None:
        self.run_both(*self.around(f"inet:127.0.0.1:{ports.take()}"))

    def test_lmtp_on_a_socket(self) -> None:
        self.run_both(*self.around("unix:{}/postern/lmtp.sock", 'mode = "0666"'))

    def test_printed_lines_do_the_same(self) -> None:
        """Pasted by hand, as README says, there is nothing left to apply."""
        instance = self.plain()
        postern = self.filter(f"inet:127.0.0.1:{ports.take()}", instance.port_reinject)
        main_cf, way_in, way_back = self.setup(postern, instance).stdout.split("\n\n")
        for name, text in zip(FILES, (main_cf, f"{way_in}\n{way_back}")):
            with open(os.path.join(instance.conf, name), "a", encoding="utf-8") as file:
                file.write(text)
        done = self.setup(postern, instance, "--apply")
        self.assertEqual(done.stdout, f"# nothing to change in {instance.conf}\n")

    def test_another_filter_is_left_alone(self) -> None:
        instance = self.plain(content_filter="amavis:[127.0.0.1]:10024")
        before = self.files(instance), sorted(os.listdir(instance.conf))
        postern = self.filter(f"inet:127.0.0.1:{ports.take()}", instance.port_reinject)
        done = self.setup(postern, instance, "--apply")
        self.assertEqual(done.returncode, 1)
        self.assertIn('content_filter is "amavis:[127.0.0.1]:10024": another filter', done.stderr)
        self.assertEqual((self.files(instance), sorted(os.listdir(instance.conf))), before)


main()
