# SPDX-License-Identifier: BSD-2-Clause
"""Mail that tries to get a file past those who look: one way of hiding it a row."""

import base64
import binascii
import gzip
import io
import tarfile
import zipfile

EDGE = "edge"
OTHER = "other"
TEXT = "Content-Type: text/plain\r\n\r\nsee below\r\n"
FILE = "Content-Type: application/octet-stream"
BASE64 = "Content-Transfer-Encoding: base64"
QUOTED = "Content-Transfer-Encoding: quoted-printable"
MIXED = f"Content-Type: multipart/mixed; boundary={EDGE}"


def to_bytes(text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def lines(*items) -> bytes:
    return b"".join(to_bytes(item) + b"\r\n" for item in items)


def mail(fields, body, mime: str = "MIME-Version: 1.0") -> bytes:
    """A message; `fields` is what says how the body is to be read."""
    head = ["From: ann@example.org", "To: bob@example.com", "Subject: a file"]
    fields = [fields] if isinstance(fields, (str, bytes)) else list(fields)
    return lines(*head, *([mime] if mime else []), *fields, "") + to_bytes(body)


def b64(data: bytes, width: int = 76) -> bytes:
    text = base64.b64encode(data)
    return lines(*(text[at:at + width] for at in range(0, len(text), width)))


def hexed(data: bytes) -> bytes:
    """Quoted-printable with every byte as an escape, in lines of 24."""
    rows = ["".join(f"={byte:02X}" for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    return "=\r\n".join(rows).encode()


def part(fields, body, edge: str = EDGE) -> bytes:
    fields = [fields] if isinstance(fields, (str, bytes)) else list(fields)
    return lines("--" + edge, *fields, "") + to_bytes(body) + b"\r\n"


def end(edge: str = EDGE) -> bytes:
    return lines(f"--{edge}--")


def attached(data: bytes, edge: str = EDGE, fields=FILE) -> bytes:
    """A part in good order."""
    fields = [fields] if isinstance(fields, str) else list(fields)
    return part([*fields, BASE64], b64(data), edge)


def text_part(edge: str = EDGE) -> bytes:
    return lines("--" + edge) + TEXT.encode()


def mixed(*parts: bytes, fields=MIXED, edge: str = EDGE) -> bytes:
    return mail(fields, b"".join(parts) + end(edge))


def with_file(data: bytes) -> bytes:
    return mixed(text_part(), attached(data))


def uuencoded(data: bytes, name: str = "a.bin") -> bytes:
    rows = [binascii.b2a_uu(data[at:at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return lines(f"begin 644 {name}", *rows, "`", "end")


def yencoded(data: bytes, name: str = "a.bin") -> bytes:
    out = bytearray()
    for byte in data:
        byte = (byte + 42) % 256
        out += bytes([0x3D, (byte + 64) % 256]) if byte in b"\0\r\n=" else bytes([byte])
    return lines(f"=ybegin line=128 size={len(data)} name={name}", bytes(out),
                 f"=yend size={len(data)}")


def zipped(data: bytes, name: str = "a.bin") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def tarred(data: bytes, name: str = "a.bin", mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def encoded_file(encoding: str, body) -> bytes:
    """A multipart whose file has this line for its encoding, and this body."""
    fields = [FILE, *([encoding] if encoding else [])]
    return mixed(text_part(), part(fields, body))


def base64_ways(data: bytes) -> dict[str, bytes]:
    text = base64.b64encode(data)
    third = len(data) // 3
    third += 1 if third % 3 == 0 else 0  # so that it needs padding
    parts = base64.b64encode(data[:third]) + base64.b64encode(data[third:])
    junk = b"".join(text[at:at + 5] + b"!*\x80" for at in range(0, len(text), 5))
    blanks = b"".join(text[at:at + 3] + b" \r\n\t " for at in range(0, len(text), 3))
    bodies = {
        "in good order": b64(data), "padding in the middle": parts,
        "padding in the middle and a line end": parts.replace(b"=", b"=\r\n"),
        "no padding": text.rstrip(b"="), "junk": junk,
        "lines of one": b64(data, 1), "lines of three": b64(data, 3),
        "one line of 10,000": base64.b64encode(data + b" " * 7500),
        "groups over lines with blanks": blanks,
        "text behind the end": text + b"\r\nThis is no base64, but it is read as such.\r\n",
        "padding in front": b"====\r\n" + text, "padding alone in the middle":
            text[:40] + b"\r\n====\r\n" + text[40:],
        "a dot at the end": text + b"\r\n.\r\n", "a dot line in the middle":
            text[:40] + b"\r\n.\r\n" + text[40:],
        "dashes in the middle": text[:40] + b"\r\n--\r\n" + text[40:],
        "an empty line in front": b"\r\n\r\n" + text,
        "empty lines in the middle": text[:40] + b"\r\n\r\n\r\n" + text[40:],
        "a NUL in the middle": text[:40] + b"\0" + text[40:],
        "URL's alphabet": base64.urlsafe_b64encode(data),
    }
    return {"base64, " + name: encoded_file(BASE64, body) for name, body in bodies.items()}


def encoding_fields(data: bytes) -> dict[str, bytes]:
    name, text = "Content-Transfer-Encoding", b64(data)
    values = ["base64;", '"base64"', "base 64", "BASE64 (x)", "(x) base64", "x-base64", "Base64",
              "base64 trailing", "\tbase64", "base64,", "\r\n base64", "base64;x=y"]
    ways = {f"encoding {value!r}": encoded_file(f"{name}: {value}", text) for value in values}
    ways["encoding, blank in front of the colon"] = encoded_file(f"{name} : base64", text)
    ways["encoding, no blank behind the colon"] = encoded_file(f"{name}:base64", text)
    ways["encoding in small letters"] = encoded_file(f"{name.lower()}: base64", text)
    for other in ("7bit", "quoted-printable", "8bit", "x-uuencode"):
        ways[f"base64, then {other}"] = encoded_file(f"{BASE64}\r\n{name}: {other}", text)
        ways[f"{other}, then base64"] = encoded_file(f"{name}: {other}\r\n{BASE64}", text)
    ways["empty encoding"] = encoded_file(f"{name}:", data)
    ways["unknown encoding"] = encoded_file(f"{name}: x-none", data)
    ways["no encoding"] = encoded_file("", data)
    ways["the message's encoding, its parts'"] = mixed(
        text_part(), part(FILE, b64(data)), fields=[MIXED, BASE64])
    return ways


def quoted_ways(data: bytes) -> dict[str, bytes]:
    text = hexed(data)
    bodies = {
        "in good order": text, "small letters": text.lower(),
        "blanks behind soft breaks": text.replace(b"=\r\n", b"= \t \r\n"),
        "a soft break behind each": text.replace(b"=\r\n", b"").replace(b"=", b"=\r\n=")[3:],
        "a soft break at the end": text + b"=", "a soft break and an empty end": text + b"=\r\n",
        "half an escape at the end": text + b"=4", "bad escapes behind": text + b"=ZZ=4Z=Z4==",
        "line ends as escapes": text + b"=0D=0A=0d=0a=0A",
        "long lines": text.replace(b"=\r\n", b"") + b"x" * 5000,
    }
    return {"quoted-printable, " + name: encoded_file(QUOTED, body)
            for name, body in bodies.items()}


def nested(data: bytes) -> dict[str, bytes]:
    inner = with_file(data)
    deep = inner
    for _ in range(5):
        deep = mail("Content-Type: message/rfc822", deep)
    rfc822 = "Content-Type: message/rfc822"
    digest = f"Content-Type: multipart/digest; boundary={OTHER}"
    related = f"Content-Type: multipart/related; boundary={OTHER}"
    inside = part(MIXED, text_part() + attached(data) + end(), OTHER)
    return {
        "message": mail(f"Content-Type: multipart/mixed; boundary={OTHER}",
                        part(rfc822, inner, OTHER) + end(OTHER)),
        "message as the message": mail(rfc822, inner),
        "message in base64": mail([rfc822, BASE64], b64(inner)),
        "message in quoted-printable": mail([rfc822, QUOTED], hexed(inner)),
        "message in message, five times": deep,
        "message with two encodings": mail([rfc822, BASE64, "Content-Transfer-Encoding: 7bit"],
                                           b64(inner)),
        "message in a digest": mail(digest, lines("--" + OTHER, "") + inner + end(OTHER)),
        "message in a file .eml": mixed(attached(
            inner, fields="Content-Type: application/octet-stream; name=a.eml")),
        "message/global": mail("Content-Type: message/global", inner),
        "mixed in related": mail(related, inside + end(OTHER)),
        "mixed in alternative": mail(related.replace("related", "alternative"),
                                     inside + end(OTHER)),
        "multipart in base64": mail([MIXED, BASE64], b64(text_part() + attached(data) + end())),
        "multipart/x-unknown": mail(MIXED.replace("mixed", "x-unknown"),
                                    text_part() + attached(data) + end()),
    }


def outside(data: bytes) -> dict[str, bytes]:
    """In front of the first boundary, behind the last, and where readers see different ones."""
    hidden, shown = attached(data, OTHER), text_part() + end()
    one = "Content-Type: text/plain"
    other = f"Content-Type: multipart/mixed; boundary={OTHER}"
    both = text_part() + end() + text_part(OTHER) + hidden + end(OTHER)
    return {
        "in the prologue, as it stands": mail(MIXED, lines(data) + shown),
        "in the epilogue, as it stands": mail(MIXED, shown + lines(data)),
        "uuencoded in the prologue": mail(MIXED, uuencoded(data) + shown),
        "uuencoded in the epilogue": mail(MIXED, shown + uuencoded(data)),
        "a part behind the end": mail(MIXED, shown + attached(data) + end()),
        "a part in the prologue": mail(MIXED, hidden + end(OTHER) + shown),
        "another's part behind the end": mail(MIXED, shown + hidden + end(OTHER)),
        "types: one, the other": mail([MIXED, other], both),
        "types: the other, one": mail([other, MIXED], both),
        "types: text, multipart": mail([one, MIXED], text_part() + attached(data) + end()),
        "types: multipart, text": mail([MIXED, one], text_part() + attached(data) + end()),
        "boundaries: one, the other": mail(MIXED + f"; boundary={OTHER}", both),
        "boundaries: the other, one": mail(other + f"; boundary={EDGE}", both),
        "no end": mail(MIXED, text_part() + attached(data)),
        "the outer ends the inner": mail(other, part(MIXED, text_part() + attached(data), OTHER)
                                         + end(OTHER)),
        "the outer begins the inner": mail(
            MIXED, part(f"Content-Type: multipart/mixed; boundary={EDGE}r",
                        attached(data, EDGE + "r") + end(EDGE + "r")) + end()),
        "no empty line in front of the first": mail(MIXED, "")[:-2] + attached(data) + end(),
        "not declared": mail(one, text_part() + attached(data) + end()),
    }


def boundaries(data: bytes) -> dict[str, bytes]:
    """What is declared, and what stands in front of the parts."""
    kind = "Content-Type: multipart/mixed"
    rows = {
        f'{kind}; boundary*0="ed"; boundary*1="ge"': EDGE,
        f"{kind}; boundary*=us-ascii''edge": EDGE,
        f"{kind}; boundary*0*=''e%64; boundary*1=ge": EDGE,
        f'{kind}; boundary="=?us-ascii?Q?edge?="': EDGE, f'{kind}; boundary="edge "': EDGE,
        f'{kind}; boundary="edge\t"': EDGE, f'{kind}; boundary="e\\dge"': EDGE,
        f"{kind}; boundary=edge (comment)": EDGE, f"{kind}; boundary=(comment)edge": EDGE,
        f'{kind}; boundary="e(d)ge"': "e(d)ge", f'{kind}; boundary="e=dge"': "e=dge",
        f"{kind}; boundary=e=dge": "e=dge", f'{kind}; boundary=""': "",
        f'{kind}; boundary="{"e" * 71}"': "e" * 71, f'{kind}; boundary="{"e" * 6000}"': "e" * 6000,
        f"{kind} boundary=edge": EDGE, f"{kind}; BOUNDARY=edge": EDGE,
        f"{kind}; boundary = edge": EDGE, f"{kind}; boundary='edge'": EDGE,
        f'{kind}; boundary="edge': EDGE, f"{kind};boundary=edge;": EDGE,
        "Content-Type : multipart/mixed; boundary=edge": EDGE,
        "Content-Type\t: multipart/mixed; boundary=edge": EDGE,
        "Content-Type:\r\n multipart/mixed;\r\n\tboundary\r\n =\r\n edge": EDGE,
        "content-type: MULTIPART/MIXED; boundary=edge": EDGE,
        "Content-Type: multipart / mixed; boundary=edge": EDGE,
        "Content-Type: multipart/mixed\0; boundary=edge": EDGE,
        "Content-Type: \0multipart/mixed; boundary=edge": EDGE,
        "Content-Type: multipart/mixed; bound\0ary=edge": EDGE,
        "Content-Type: multipart; boundary=edge": EDGE,
        "Content-Type: multipart/mixed; ; ; boundary=edge": EDGE,
        "Content-Type: multipart/mixed; x=\"a;b\"; boundary=edge": EDGE,
    }
    return {f"boundary of {field[:60]!r}":
            mail(field, text_part(edge) + attached(data, edge) + end(edge))
            for field, edge in rows.items()}


def heads(data: bytes) -> dict[str, bytes]:
    good = with_file(data)
    body = text_part() + attached(data) + end()
    return {
        "no MIME-Version": mail(MIXED, body, ""),
        "MIME-Version with a comment": mail(MIXED, body, "MIME-Version: 1.0 (x)"),
        "two MIME-Version": mail(MIXED, body, "MIME-Version: 1.0\r\nMIME-Version: 2.0"),
        "MIME-Version 2.0": mail(MIXED, body, "MIME-Version: 2.0"),
        "a mark of byte order": b"\xef\xbb\xbf" + good,
        "From in front": b"From ann Mon Jan  1 00:00:00 2024\r\n" + good,
        "an empty line in front": b"\r\n" + good, "garbage in front": b"garbage\r\n" + good,
        "garbage between": good.replace(b"MIME-Version", b"garbage\r\nMIME-Version"),
        "a blank line ends the header": mail(MIXED, body).replace(b"\r\n\r\n", b"\r\n \r\n\r\n", 1),
        "a field without a name": good.replace(b"MIME-Version", b": x\r\nMIME-Version"),
        "CR CR LF": good.replace(b"\r\n", b"\r\r\n"),
        "LF": good.replace(b"\r\n", b"\n"),
        "NUL in front": b"\0" + good,
        "no empty line in the part": mixed(text_part(), lines("--" + EDGE, FILE, BASE64)
                                           + b64(data)),
        "blanks behind the boundary": good.replace(b"--edge\r\n", b"--edge  \t\r\n"),
        "quoted boundary line": good.replace(b"--edge--", b"--edge--trailing"),
    }


def in_texts(data: bytes) -> dict[str, bytes]:
    uu, kind = uuencoded(data), "Content-Type: text/plain"
    return {
        "plain": mail(kind, lines(data)), "uuencode": mail(kind, b"see:\r\n\r\n" + uu),
        "uuencode at once": mail(kind, uu), "uuencode without a type": mail([], uu, ""),
        "uuencode in base64": mail([kind, BASE64], b64(b"see\r\n" + uu)),
        "uuencode in HTML": mail("Content-Type: text/html", uu),
        "uuencode, without an end": mail(kind, uu.replace(b"end\r\n", b"")),
        "uuencode by encoding": mail([FILE, "Content-Transfer-Encoding: x-uuencode"], uu),
        "uuencode, twice": mail(kind, uuencoded(b"harmless") + uu),
        "yEnc": mail(kind, yencoded(data)),
    }


def in_archives(data: bytes) -> dict[str, bytes]:
    plain = zipped(data)
    ways = {"zip": plain, "zip in zip": zipped(plain, "a.zip"),
            "zip in zip in zip": zipped(zipped(plain, "a.zip"), "b.zip"),
            "zip behind junk": b"junk" * 100 + plain, "tar": tarred(data, mode="w:"),
            "tar.gz": tarred(data), "tar.bz2": tarred(data, mode="w:bz2"),
            "tar.xz": tarred(data, mode="w:xz"), "gzip": gzip.compress(data),
            "zip in tar.gz": tarred(plain, "a.zip")}
    return {name: with_file(content) for name, content in ways.items()}


def all_ways(data: bytes) -> dict[str, bytes]:
    """Name: message. The file is hidden in each."""
    ways: dict[str, bytes] = {}
    for rows in (base64_ways, encoding_fields, quoted_ways, nested, outside, boundaries, heads,
                 in_texts, in_archives):
        for name, content in rows(data).items():
            assert name not in ways, name
            ways[name] = content
    return ways
