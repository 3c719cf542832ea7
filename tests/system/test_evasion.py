#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A file that is hidden in every way we know of, and each of them is stopped."""

import os
import shutil
import tempfile

import evasions
import spellings
from case import Case, Client, Postern, Settings, Sink, main, message, ports, wait_until
from lab.clamd import EICAR, VIRUS, Clamd

SENDER, BOB = "ann@example.org", "bob@example.com"
# No text: its control characters let libmagic take it for what it says to be.
PROGRAM = (b"MZ\x90\x01\x03\x04\x05\xff this is none, but who looks at its first bytes takes it "
           b"for one" + b", again and again" * 20)

# clamd looks past these by itself, and finds them in our decoded parts. Where it is not shown any, a
# rule about defects stops those that are odd.
ODD = {
    "base64, padding in the middle", "base64, padding in the middle and a line end",
    "the message's encoding, its parts'", "message in base64", "message in quoted-printable",
    "message with two encodings", "multipart in base64", "another's part behind the end",
    "types: one, the other", "boundaries: one, the other", "no empty line in the part",
    "uuencode in base64", "yEnc",
}
IN_ORDER = {"quoted-printable, blanks behind soft breaks", "message/global"}

# Here all is text: nobody sees a file.
NO_FILE = {"not declared", "an empty line in front"}


class Evasion(Case):
    clamd: Clamd
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = tempfile.mkdtemp(prefix="postern-evasion-")
        os.chmod(cls.lab, 0o755)
        cls.clamd = Clamd(os.path.join(cls.lab, "clamd"))
        cls.addClassCleanup(shutil.rmtree, cls.lab, True)
        cls.addClassCleanup(cls.clamd.stop)
        cls.clamd.start()

    def filter(self, sink: Sink, **sections: dict[str, str]) -> Postern:
        """Its reply comes when the message is sent or kept."""
        port = ports.take()
        postern = self.postern(Settings(
            listeners={f"inet:127.0.0.1:{port}": ""}, hops={sink.address: ""},
            lines={"handoff": "relay"}, **sections), f"postern-{port}")
        postern.ports = [port]  # type: ignore[attr-defined]
        return postern

    def by_clamd(self, parts: str = "odd") -> dict[str, str]:
        return {"clamav": f'type = clamd  servers = {{"{self.clamd.unix}"}}  parts = {parts}'}

    def passed(self, sink: Sink, postern: Postern, ways: dict[str, bytes]) -> set[str]:
        """The names of those that were let through; the others are in quarantine."""
        through = set()
        with Client(postern.ports[0]) as client:
            for name, content in ways.items():
                before = len(sink.taken())
                reply, = client.send(SENDER, [BOB], content)
                self.assertEqual(reply.code, 250, f"{name}: {reply}")
                if len(sink.taken()) > before:
                    through.add(name)
        wait_until(lambda: len(postern.listing("--where", "quarantine")) ==
                   len(ways) - len(through), 20, "all others are in quarantine")
        return through

    def test_eicar(self) -> None:
        """By clamd alone, without any rule."""
        sink = self.sink()
        postern = self.filter(sink, filters=self.by_clamd())
        self.assertEqual(self.passed(sink, postern, evasions.all_ways(EICAR)), set())
        for line in postern.log_lines(r"verdict=quarantine"):
            self.assertIn(VIRUS, line)

    def test_eicar_in_a_stream(self) -> None:
        """The same over TCP, and for all mail."""
        sink = self.sink()
        postern = self.filter(sink, filters={
            "clamav": f'type = clamd  servers = {{"{self.clamd.inet}"}}  parts = always'})
        self.assertEqual(self.passed(sink, postern, evasions.all_ways(EICAR)), set())

    def test_eicar_without_parts(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, filters=self.by_clamd("never"))
        self.assertEqual(self.passed(sink, postern, evasions.all_ways(EICAR)), ODD | IN_ORDER)

    def test_parts_above_max_size(self) -> None:
        """What clamd cannot be shown whole is not clean; what is in order is not shown."""
        sink = self.sink()
        large = "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit"
        data = os.urandom(60000)
        ways = {"in order": evasions.with_file(data),
                "odd": evasions.encoded_file(large, evasions.b64(data))}
        postern = self.filter(sink, filters={
            "clamav": self.by_clamd()["clamav"] + "  max_size = 100K"})
        self.assertEqual(self.passed(sink, postern, ways), {"in order"})
        self.assertTrue(postern.log_lines(r"result=unscannable.*more decoded parts than fit"))

    def test_eicar_in_odd_mail(self) -> None:
        """By clamd without parts, and by a rule about what it looks past."""
        sink = self.sink()
        postern = self.filter(sink, filters=self.by_clamd("never"), rules={
            "odd": 'defect = {"ambiguous", "bad_field"}  action = quarantine'})
        self.assertEqual(self.passed(sink, postern, evasions.all_ways(EICAR)), IN_ORDER)

    def test_program_by_its_bytes(self) -> None:
        sink = self.sink()
        postern = self.filter(sink, rules={
            "exe": 'mime_type = "application/x-dosexec"  action = quarantine'})
        self.assertEqual(self.passed(sink, postern, evasions.all_ways(PROGRAM)), NO_FILE)

    def test_program_by_its_name(self) -> None:
        ways = spellings.all_spellings()
        sink = self.sink()
        postern = self.filter(sink, rules={"exe": 'attachment = {"*.exe"}  action = quarantine'})
        self.assertEqual(self.passed(sink, postern, ways), set())
        self.assertGreater(len(ways), 130)

    def test_harmless_in_odd_mail(self) -> None:
        """No way is stopped for what it is: clamd finds all parts clean."""
        sink = self.sink()
        postern = self.filter(sink, filters=self.by_clamd())
        ways = evasions.all_ways(b"Nothing is in here, whatever is done to it, and so on. " * 2)
        self.assertEqual(self.passed(sink, postern, ways), set(ways))

    def test_harmless_ones_pass(self) -> None:
        """None of these rules stops everything."""
        ways = {"text": message(), "file": evasions.with_file(b"hello"),
                "zip": evasions.with_file(evasions.zipped(b"hello", "exe.txt")),
                "nested": evasions.mail("Content-Type: message/rfc822", message()),
                **{f"named {name}": evasions.mixed(evasions.attached(
                    b"hello", fields=f'Content-Type: a/b; name="{name}"'))
                   for name in ("a.exe.txt", "exe", "a.exe1", "b.txt")}}
        sink = self.sink()
        postern = self.filter(sink, filters=self.by_clamd(), rules={
            "odd": 'defect = {"ambiguous", "bad_field"}  action = quarantine',
            "type": 'mime_type = "application/x-dosexec"  action = quarantine',
            "name": 'attachment = {"*.exe"}  action = quarantine'})
        self.assertEqual(self.passed(sink, postern, ways), set(ways))


if __name__ == "__main__":
    main()
