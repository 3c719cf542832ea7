#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the tool tells of mail that is made to be misread: the file is seen, or the oddity named."""

import concurrent.futures
import hashlib
import json
import os
from dataclasses import dataclass

import evasions
from case import Case, Settings, main
from evasions import (BASE64, EDGE, FILE, MIXED, OTHER, attached, b64, end, lines, mail, mixed,
                      part, text_part, with_file, zipped)

DATA = b"MZ\x90\x01\x03\x04\x05\xff this is none, but " + b"taken for one, " * 30
DIGEST = hashlib.sha256(DATA).hexdigest()


@dataclass
class Row:
    """seen: a part of exactly these bytes; any: one of these defects; limit: a word of it."""
    content: bytes
    seen: bool = False
    any: tuple[str, ...] = ()
    limit: str = ""
    member: str = ""
    names: tuple[str, ...] = ()
    rule: str = ""


def told(*fields: str, body: bytes = b"Hello.\r\n") -> bytes:
    return lines(*fields, "") + body


def structure() -> dict[str, Row]:
    inner, nul = with_file(DATA), with_file(DATA).replace(b"boundary", b"bound\0ary")
    deep = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(2000)]
    return {
        "two boundaries": Row(evasions.outside(DATA)["boundaries: one, the other"],
                              any=("repeated_parameter",)),
        "two types": Row(evasions.outside(DATA)["types: one, the other"], any=("repeated_type",)),
        "boundary of 6,000": Row(mail(
            f'Content-Type: multipart/mixed; boundary="{"e" * 6000}"', ""), any=("odd_boundary",)),
        "empty boundary": Row(mail('Content-Type: multipart/mixed; boundary=""',
                                   text_part("") + attached(DATA, "")), any=("odd_boundary",)),
        "no boundary": Row(mail("Content-Type: multipart/mixed", text_part()),
                           any=("no_boundary",)),
        "no end": Row(mail(MIXED, text_part() + attached(DATA)), any=("no_end_boundary",)),
        "the message's CR alone": Row(inner.replace(b"\r\n", b"\r"), seen=True, any=("bare_cr",)),
        "NUL in a type": Row(nul, seen=True, any=("nul",)),
        "messages, 100 deep": Row(nest(inner, 100), limit="parts in parts"),
        "messages, 2,000 deep": Row(nest(inner, 2000), limit="parts in parts"),
        "multiparts, 2,000 deep": Row(mail([], b"").rstrip() + b"\r\n" + b"".join(deep),
                                      limit="parts in parts"),
        "message/partial": Row(mail('Content-Type: message/partial; id="x"; number=1; total=2',
                                    "half"), any=("partial",)),
        "message/external-body": Row(mail("Content-Type: message/external-body; access-type=URL",
                                          "Content-Type: text/plain\r\n\r\n"),
                                     any=("external_body",)),
        "header only": Row(b"Subject: x\r\n", any=("no_from",)),
        "garbage first": Row(b"garbage\r\n" + inner, seen=True, any=("bad_field",)),
        "From in front": Row(b"From a Mon Jan  1 00:00:00 2024\r\n" + inner, seen=True,
                             any=("mbox_from",)),
        "an empty line first": Row(b"\r\n" + inner, any=("no_header",)),
        "nothing": Row(b"", any=("no_header",)),
        "nothing but NUL": Row(b"\0" * 100, limit="nothing"),
    }


def nest(inner: bytes, depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + inner


def encodings() -> dict[str, Row]:
    ways, quoted = evasions.base64_ways(DATA), evasions.quoted_ways(DATA)
    fields = evasions.encoding_fields(DATA)
    return {
        "padding in the middle": Row(ways["base64, padding in the middle"],
                                     any=("base64_padding",)),
        "no padding": Row(evasions.encoded_file(BASE64, b64(DATA[:-1]).replace(b"=", b"")),
                          any=("bad_base64",)),
        "junk": Row(ways["base64, junk"], any=("bad_base64",)),
        "two encodings": Row(fields["base64, then 7bit"], any=("repeated_type",)),
        "unknown": Row(fields["unknown encoding"], any=("unknown_encoding",)),
        "quoted-printable, bad escapes": Row(quoted["quoted-printable, bad escapes behind"],
                                             any=("bad_quoted_printable",)),
        "yEnc": Row(evasions.in_texts(DATA)["yEnc"], seen=True, any=("hidden_content",)),
        "uuencode": Row(evasions.in_texts(DATA)["uuencode"], seen=True, any=("hidden_content",)),
        "multipart in base64": Row(evasions.nested(DATA)["multipart in base64"], seen=True,
                                   any=("encoded_multipart",)),
        "message in base64": Row(evasions.nested(DATA)["message in base64"], seen=True,
                                 any=("encoded_message",)),
    }


def names() -> dict[str, Row]:
    def named(name: str, data: bytes = b"hello", kind: str = "application/octet-stream") -> bytes:
        return mixed(attached(data, fields=f'Content-Type: {kind}; name="{name}"'))
    both = mixed(part([f"{FILE}; name=a.txt", "Content-Disposition: attachment; filename=b.txt"],
                      b"hello"))
    return {
        "name and filename": Row(both, any=("names_differ",), names=("a.txt", "b.txt")),
        "double ending": Row(named("a.txt.exe"), names=("a.txt.exe",)),
        "direction override": Row(named("a\u202etxt.exe"), any=("bad_name",)),
        "path": Row(named("../a.txt"), any=("bad_name",)),
        "blank at the end": Row(named("a.txt "), any=("bad_name",)),
        "dot at the end": Row(named("a.txt."), any=("bad_name",)),
        "a program as a picture": Row(named("a.jpg", DATA, "image/jpeg"), seen=True,
                                      any=("type_mismatch",)),
        "a program as text": Row(named("a.txt", DATA, "text/plain"), any=("type_mismatch",)),
        "a program in a zip, as text": Row(with_file(zipped(DATA, "a.txt")),
                                           any=("type_mismatch",), member="a.txt"),
        "unknown charset": Row(mail("Content-Type: text/plain; charset=x-none", b"\xfc"),
                               any=("unknown_charset",)),
    }


def containers() -> dict[str, Row]:
    plain = zipped(DATA, "a.exe")
    secret = bytearray(plain)
    secret[6] |= 1
    secret[plain.index(b"PK\x01\x02") + 8] |= 1
    bomb = zipped(b"\0" * 100_000_000, "zeros")
    deep = plain
    for _ in range(40):
        deep = zipped(deep, "deeper.zip")
    return {
        "zip, encrypted": Row(with_file(bytes(secret)), member="a.exe", rule="secret"),
        "zip, a bomb": Row(with_file(bomb), limit="archive"),
        "zip in zip, 20": Row(with_file(zipped_times(plain, 20)), member="a.exe"),
        "zip in zip, 40": Row(with_file(deep), limit="archive"),
        "zip, cut": Row(with_file(plain[:-30]), any=("archive_damaged",), member="a.exe"),
        "zip behind junk": Row(with_file(b"junk" * 100 + plain), member="a.exe"),
        "zip, two ends": Row(with_file(plain + zipped(b"x", "b.txt")), member="a.exe"),
        "zip, two ends, turned": Row(with_file(zipped(b"x", "b.txt") + plain), member="a.exe"),
        "zip, other local name": Row(with_file(plain.replace(b"a.exe", b"a.txt", 1)),
                                     member="a.exe"),
        "tar.gz": Row(with_file(evasions.tarred(DATA, "a.exe")), member="a.exe"),
        "PDF, encrypted": Row(with_file(b"%PDF-1.4\n1 0 obj\n<< /Encrypt 2 0 R >>\nendobj\n"),
                              rule="secret"),
        "OpenPGP": Row(with_file(b"-----BEGIN PGP MESSAGE-----\n\nxxxx\n"), rule="secret"),
        "S/MIME": Row(mail(["Content-Type: application/pkcs7-mime; smime-type=enveloped-data",
                            BASE64], b64(DATA)), rule="secret"),
        "RAR that is none": Row(with_file(b"Rar!\x1a\x07\x00" + b"\0" * 100),
                                any=("archive_unknown", "archive_damaged")),
        "arj": Row(with_file(b"\x60\xea\x2b\x00\x22\x0b\x01\x0b\x10\x00\x02\x00" + b"\0" * 80),
                   any=("archive_unknown", "archive_damaged")),
        "ace": Row(with_file(b"\x35\xc5\x31\x00\x00\x00\x10**ACE**\x14\x14" + b"\0" * 80),
                   any=("archive_unknown", "archive_damaged")),
        "TNEF": Row(with_file(b"\x78\x9f\x3e\x22\x01\x00" + b"\0" * 100),
                    any=("archive_unknown", "archive_damaged")),
    }


def zipped_times(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = zipped(data, "inner.zip")
    return data


def headers() -> dict[str, Row]:
    one = "From: ann@example.org"
    return {
        "two From": Row(told(one, "From: eve@example.net"), any=("repeated_field",)),
        "no From": Row(told("Subject: x"), any=("no_from",)),
        "two Subject": Row(told(one, "Subject: x", "Subject: y"), any=("repeated_field",)),
        "raw 8-bit": Row(told(one, "Subject: x").replace(b"x", b"\xfc"), any=("raw_8bit_header",)),
        "a NUL": Row(told(one, "Subject: x\0y"), any=("nul",)),
        "bad word": Row(told(one, "Subject: =?utf-8?B?!!!?="), any=("bad_encoded_word",)),
        "an empty name": Row(told(one, ": x"), any=("bad_field",)),
        "a blank in a name": Row(told(one, "X y: z"), any=("bad_field",)),
        "a long name": Row(told(one, "X" * 5000 + ": y"), limit="nothing"),
        "a line of 1 MB": Row(told(one, "X: " + "y" * 1_000_000), limit="field|header"),
        "100,000 fields": Row(told(one, *(f"X{n}: y" for n in range(100_000))),
                              limit="field|header"),
        "a header of 100 MB": Row(told(one, *("X: " + "y" * 900 for _ in range(110_000))),
                                  limit="field|header"),
        "100,000 parameters": Row(told(one, "Content-Type: a/b" + "; x=y" * 100_000),
                                  limit="field|header|parameter"),
        "2,000 parameters": Row(told(one, "Content-Type: a/b" + "; x=y" * 2000),
                                limit="parameter"),
        "comments, 1,000 deep": Row(told(one, "Content-Type: " + "(" * 1000 + "text/plain")),
        "100,000 addresses": Row(told(one, "To: " + ",\r\n ".join(["a@b"] * 100_000)),
                                 limit="field|header"),
    }


def limits() -> dict[str, Row]:
    """Each exactly, and one more."""
    one = "From: ann@example.org"

    def of_field(size: int) -> bytes:
        return told(one, "X: " + "y" * 900, "Y:" + "\r\n " + "\r\n ".join(
            ["z" * 61] * ((size - 4) // 64)) + "z" * ((size - 4) % 64))

    def of_header(size: int) -> bytes:
        rest, fields = size - len(one) - 4, []
        while rest > 0:
            take = min(rest, 1000) if rest != 1001 and rest - 1000 not in range(1, 8) else 500
            fields.append("X: " + "y" * (take - 5))
            rest -= take
        return told(one, *fields)

    def of_fields(count: int) -> bytes:
        return told(one, *["X: y"] * (count - 1))

    def of_parameters(count: int) -> bytes:
        return told(one, "Content-Type: a/b" + "".join(f"; x{n}=y" for n in range(count)))

    rows = {}
    for name, make, most, word in (
            ("field", of_field, 64 << 10, "field"), ("header", of_header, 256 << 10, "header"),
            ("fields", of_fields, 2000, "fields"), ("depth", of_depth, 32, "parts in parts"),
            ("parameters", of_parameters, 200, "parameter")):
        rows[f"{name}: {most}"] = Row(make(most))
        rows[f"{name}: {most + 1}"] = Row(make(most + 1), limit=word)
    return rows


def of_depth(depth: int) -> bytes:
    """The message itself is at 0."""
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + told("From: ann@example.org")


def resources() -> dict[str, Row]:
    return {
        "100,000 parts": Row(mail(MIXED, b"--edge\r\n\r\nx\r\n" * 100_000 + end()),
                             limit="part|boundar"),
        "1,000,000 boundary lines": Row(mail(MIXED, b"--\r\n" * 1_000_000), limit="part|boundar"),
        "2,000 parts": Row(mail(MIXED, b"--edge\r\n\r\nx\r\n" * 2000 + end()), limit="part"),
        "1,999 parts": Row(mail(MIXED, b"--edge\r\n\r\nx\r\n" * 1999 + end())),
        "a line of 50 MB": Row(mail([], b"x" * 50_000_000), any=("long_line",)),
        "base64 of 60 MB of zeros": Row(mail([FILE, BASE64], b64(b"\0" * 60_000_000))),
    }


NOT_EXACT = {
    # Text for whoever reads it.
    "not declared", "an empty line in front",
    # More bytes than those of the file, which test_evasion.py looks for by its first ones.
    "base64, one line of 10,000", "base64, text behind the end", "plain",
    "quoted-printable, half an escape at the end", "quoted-printable, bad escapes behind",
    "quoted-printable, line ends as escapes", "quoted-printable, long lines",
    "in the epilogue, as it stands", "quoted boundary line", *evasions.in_archives(b""),
}


class Checklist(Case):
    def setUp(self) -> None:
        self.asked = self.postern(Settings(
            listeners={"inet:127.0.0.1:1": ""}, hops={"inet:127.0.0.1:2": ""},
            rules={"secret": "encrypted = yes  action = quarantine"}), start=False)
        # The leaks of the tool are looked for elsewhere: of so many runs at once a few cannot.
        self.asked.extra_env["ASAN_OPTIONS"] = "detect_leaks=0:log_path=" + os.path.join(
            self.asked.reports, "report")
        self.asked.write_configuration()

    def findings(self, number: int, content: bytes) -> dict:
        path = self.path(f"{number}.eml")
        with open(path, "wb") as file:
            file.write(content)
        done = self.asked.tool("--json", "test", path)
        os.unlink(path)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        return {**answer["findings"], "rule": answer["verdicts"][0].get("rule", "")}

    def check(self, rows: dict[str, Row]) -> None:
        """Two at a time, as there are two processors at least."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(self.findings, number, row.content)
                    for number, row in enumerate(rows.values())]
            for (name, row), job in zip(rows.items(), jobs):
                with self.subTest(name):
                    self.check_row(row, job.result())

    def check_row(self, row: Row, found: dict) -> None:
        told_of = {key: found[key] for key in ("defects", "members", "rule")}
        limit = found.get("unscannable", "")
        if row.limit:
            self.assertRegex(limit, row.limit, told_of)
            return
        self.assertEqual(limit, "", told_of)
        if row.seen:
            self.assertIn(DIGEST, [one.get("sha256") for one in found["parts"]], told_of)
        if row.any:
            self.assertTrue(set(row.any) & set(found["defects"]), told_of)
        if row.member:
            self.assertIn(row.member, [name.rsplit("/")[-1] for name in found["members"]])
        if row.rule:
            self.assertEqual(found["rule"], row.rule)
        every = {name for one in found["parts"] for name in one["names"]}
        self.assertLessEqual(set(row.names), every)

    def test_ways(self) -> None:
        self.check({name: Row(content, seen=True)
                    for name, content in evasions.all_ways(DATA).items() if name not in NOT_EXACT})

    def test_structure(self) -> None:
        self.check(structure())

    def test_encodings(self) -> None:
        self.check(encodings())

    def test_names(self) -> None:
        self.check(names())

    def test_containers(self) -> None:
        self.check(containers())

    def test_headers(self) -> None:
        self.check(headers())

    def test_limits(self) -> None:
        self.check(limits())

    def test_resources(self) -> None:
        self.check(resources())


if __name__ == "__main__":
    main()
