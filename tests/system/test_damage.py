#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A spool file that is damaged at any byte is noticed, set aside, and stops nothing else."""

import os
import pwd
import shutil
import time

import spoolfile
from case import Case, Postern, Sink, main, message, send, wait_until
from lab.daemon import USER

INSTANCE = "k3x9-1-0123abcd"  # as a worker names its own


class Damage(Case):
    def prepared(self) -> tuple[Sink, Postern]:
        """A Postern that ran once, so that its folders are there, and does not run now."""
        sink = self.sink()
        postern = self.between(sink, hop='name = "sink"')
        send(postern.ports[0], "ann@example.org", ["first@example.com"], message())
        sink.wait_for(1)
        sink.forget()
        postern.stop()
        return sink, postern

    @staticmethod
    def leave(postern: Postern, files: dict[str, bytes]) -> None:
        """Files of a worker that died."""
        folder = os.path.join(postern.spool, "active", INSTANCE, "00")
        os.makedirs(folder)
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        owner = pwd.getpwnam(USER)
        for path, _, names in os.walk(os.path.join(postern.spool, "active", INSTANCE)):
            for one in [path, *(os.path.join(path, name) for name in names)]:
                shutil.chown(one, owner.pw_uid, owner.pw_gid)
                os.chmod(one, 0o700)

    @staticmethod
    def file(number: int, events: tuple[str, ...] = ()) -> tuple[str, bytes]:
        now = int(time.time() * 1000) - 60_000
        ident = spoolfile.make_id(now, number)
        return ident, spoolfile.make(ident, [f"d{number}@example.com"], message(), now, "sink",
                                     events)

    def test_written_by_hand_is_read(self) -> None:
        """The tests' own writer agrees with the daemon's reader: else the rest proves nothing."""
        sink, postern = self.prepared()
        self.leave(postern, dict([self.file(1), self.file(2, ("attempt g=0 r=0", "sent r=0",)),
                                  self.file(3, ("deferred r=0 until=1 code=451 reply=x",))]))
        postern.start()
        sink.wait_for(2)
        self.assertEqual(sorted(taken.recipients[0] for taken in sink.taken()),
                         [b"d1@example.com", b"d3@example.com"])
        self.assert_nothing_left(postern)

    def test_each_byte_of_envelope_and_message(self) -> None:
        sink, postern = self.prepared()
        _, whole = self.file(0)
        files = {}
        for at in range(len(whole)):
            ident, data = self.file(at)
            files[ident] = data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1:] \
                if at < len(data) else data
        good, data = self.file(5000)
        files[good] = data
        self.leave(postern, files)
        postern.start()
        corrupt = os.path.join(postern.spool, "corrupt")
        sink.wait_for(1)
        wait_until(lambda: len(os.listdir(corrupt)) >= len(whole), 60,
                   f"{len(whole)} files in corrupt/, {len(os.listdir(corrupt))} are there")
        self.assertEqual([taken.recipients[0] for taken in sink.taken()], [b"d5000@example.com"])
        self.assertEqual(len(postern.log_lines("alarm: ")), len(whole))
        send(postern.ports[0], "ann@example.org", ["later@example.com"], message())
        sink.wait_for(2)

    def test_newer_version_is_left_where_it_lies(self) -> None:
        sink, postern = self.prepared()
        ident, data = self.file(1)
        # With our version's checksum it would be a damaged version, and so corrupt.
        data = b"POSTERN 2 " + data[10:47] + b"0123456789abcdef" + data[63:]
        self.leave(postern, {ident: data})
        postern.start()
        postern.wait_log("alarm: .*newer")
        self.assertTrue(os.path.exists(os.path.join(postern.spool, "active", INSTANCE, "00", ident)))
        self.assertEqual(sink.taken(), [])
        self.assertEqual(os.listdir(os.path.join(postern.spool, "corrupt")), [])

    def test_cut_at_each_length(self) -> None:
        sink, postern = self.prepared()
        _, whole = self.file(0)
        files = {}
        for at in range(0, len(whole), 7):
            ident, data = self.file(at)
            files[ident] = data[:at]
        self.leave(postern, files)
        postern.start()
        wait_until(lambda: len(os.listdir(os.path.join(postern.spool, "corrupt"))) == len(files),
                   30, "all in corrupt/")
        self.assertEqual(sink.taken(), [])

    def test_damaged_journal_lines_are_not_believed(self) -> None:
        """`sent` with a flipped byte is none: rather twice than never."""
        sink, postern = self.prepared()
        ident, data = self.file(1, ("attempt g=0 r=0", "sent r=0"))
        at = data.index(b" sent r=0") + 1
        self.leave(postern, {ident: data[:at] + b"S" + data[at + 1:]})
        postern.start()
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"d1@example.com"])
        wait_until(lambda: not spoolfile.live(postern.spool), 10, "an empty spool")

    def test_never_acknowledged_is_removed(self) -> None:
        sink, postern = self.prepared()
        ident, data = self.file(1)
        unsealed = b"POSTERN 1 %015d %020d %016x\n" % (0, 0, 0)
        self.leave(postern, {ident: unsealed + data[64:]})
        postern.start()
        folder = os.path.join(postern.spool, "active", INSTANCE)
        wait_until(lambda: not os.path.exists(os.path.join(folder, "00", ident)), 20, "its removal")
        self.assertEqual(sink.taken(), [])
        self.assertEqual(os.listdir(os.path.join(postern.spool, "corrupt")), [])

    def test_files_that_are_not_ours_stop_nothing(self) -> None:
        sink, postern = self.prepared()
        ident, data = self.file(1)
        self.leave(postern, {ident: data, "README": b"hello", ".hidden": b"", "x" * 200: b"",
                             "core": b"\0" * 100_000})
        os.symlink("/etc/passwd", os.path.join(postern.spool, "active", INSTANCE, "00",
                                               spoolfile.make_id(int(time.time() * 1000), 7)))
        os.mkfifo(os.path.join(postern.spool, "active", INSTANCE, "00",
                               spoolfile.make_id(int(time.time() * 1000), 8)))
        postern.start()
        self.assertEqual(sink.wait_for(1)[0].recipients, [b"d1@example.com"])
        send(postern.ports[0], "ann@example.org", ["later@example.com"], message())
        sink.wait_for(2)


if __name__ == "__main__":
    main()
