# SPDX-License-Identifier: BSD-2-Clause
"""Names of an attachment: all of them end in .exe to some mail reader, or to who saves the file.

Left out, since nobody takes them for .exe: other endings (a.exe.txt), two quoted strings in a row
("a." "exe" is a. to all), what stands behind a semicolon without quotes (b.txt;a.exe), and what
only describes a part (Content-Description, Content-Location).
"""

import base64
import gzip

from evasions import (BASE64, EDGE, MIXED, attached, b64, end, lines, mail, mixed, part, tarred,
                      text_part, uuencoded, yencoded, zipped)

DATA = b"hello"
TYPE = "Content-Type: application/octet-stream"
KEPT = "Content-Disposition: attachment"


def word(text: str, encoding: str = "B", charset: str = "utf-8") -> str:
    data = text.encode(charset)
    coded = base64.b64encode(data).decode() if encoding == "B" else "".join(
        f"={byte:02X}" for byte in data)
    return f"=?{charset}?{encoding}?{coded}?="


def percent(text: str, charset: str = "utf-8") -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode(charset))


# What stands behind "attachment" in a Content-Disposition.
PARAMETERS = [
    'filename="a.exe"', "filename=a.exe", "FILENAME=A.EXE", "filename = a.exe",
    # RFC 2231
    "filename*=utf-8''a.exe", "filename*=utf-8'en'a%2Eexe", "filename*=''a.exe",
    "filename*=a.exe", "filename*=us-ascii''%61%2e%65%78%65",
    f"filename*=utf-16le''{percent('a.exe', 'utf-16le')}",
    f"filename*=koi8-r''{percent('имя.exe', 'koi8-r')}",
    "filename*=\"utf-8''a.exe\"", "filename*=no-such-charset''a.exe",
    'filename*0="a."; filename*1="exe"', 'filename*1="exe"; filename*0="a."',
    'filename*0="a."; filename*2="exe"', 'filename*1="a."; filename*2="exe"',
    'filename*0="a."; filename*0="b."; filename*1="exe"',
    'filename*00="a."; filename*01="exe"', 'filename*0=a; filename*1=.; filename*2=exe',
    "filename*0*=utf-8''a%2E; filename*1*=%65xe", "filename*0*=utf-8''a%2E; filename*1=exe",
    "filename*0=\"a.\"; filename*1*=%65xe", "filename*1*=%65xe; filename*0*=utf-8''a%2E",
    'filename="a.txt"; filename*=utf-8\'\'a.exe', 'filename*=utf-8\'\'a.txt; filename="a.exe"',
    'filename="a.txt"; filename="a.exe"', 'filename="a.exe"; filename="a.txt"',
    'filename="a.txt"; filename*0="a."; filename*1="exe"',
    'filename*0="a.txt"; filename*0*=utf-8\'\'a.exe', 'filename*10="xe"; filename*9="a.e"',
    # RFC 2047, where it has no business
    f'filename="{word("a.exe")}"', f'filename={word("a.exe")}', f'filename="{word("a.exe", "Q")}"',
    f'filename="{word("a.")} {word("exe")}"', f'filename="{word("a.")}\r\n {word("exe")}"',
    f'filename="{word("a.")}{word("exe")}"', f'filename="{word("a.", "Q")} {word("exe")}"',
    f'filename="a.{word("exe")}"', f'filename="{word("a")}.exe"',
    f'filename*0="{word("a.exe")[:12]}"; filename*1="{word("a.exe")[12:]}"',
    f'filename="{word("a.exe", "B", "utf-16be")}"', 'filename="=?utf-8?b?YS5leGU?="',
    'filename="=?utf-8?q?a.exe?="', 'filename="=?utf-8*en?Q?a=2Eexe?="',
    'filename="=?x-none?Q?a.exe?="', 'filename="=?utf-8?Q?a.exe"',
    # Quotes, blanks, comments, folds
    "filename=my program.exe", 'filename="a.exe', "filename='a.exe'", 'filename="a".exe',
    'filename="a\\.exe"', 'filename="\\a\\.\\e\\x\\e"', 'filename=a\\.exe',
    'filename="a.exe"(comment)', "filename=(comment)a.exe", "filename=a.exe (comment)",
    "filename=a.(comment)exe", 'filename\r\n =\r\n "a.exe"', 'filename="a.\r\n\texe"',
    'filename="a.exe" ; x=y', 'x="; filename=b.txt"; filename="a.exe"', 'x="y\\"; filename="a.exe"',
    ' ; ; filename="a.exe"', 'filename==a.exe', 'filename="b.txt;a.exe"', "filename=a.exe;;;",
    "filename=\ta.exe",
    # What happens to a name when the file is saved
    'filename="a.exe."', 'filename="a.exe..."', 'filename="a.exe "', 'filename="a.exe . ."',
    'filename="a.exe\t"', 'filename="a.exe\xa0"', 'filename="a\u202etxt.exe"',
    'filename="a.\u200bexe"', 'filename="a.\u202eexe"', 'filename="a\uff0eexe"',
    'filename="a.\uff45\uff58\uff45"', 'filename="a\u2024exe"', 'filename="a.exe:$DATA"',
    'filename="a.exe::$DATA"', 'filename="a.exe:b.txt"', 'filename="a.exe\0.txt"',
    'filename="a.\0exe"', 'filename="../../a.exe"', 'filename="c:\\temp\\a.exe"',
    'filename="b.txt/../a.exe"', 'filename="a.txt.exe"', 'filename="a.txt      .exe"',
    f'filename="{"a" * 300}.exe"', 'filename=".exe"', 'filename="a.eXe"', 'filename="a.ex\u00ade"',
    'filename="a.exe/"', 'filename="a.exe\\\\"', 'filename="<a.exe>"', "filename=<a.exe>",
    'filename="a.exe\u2003"', 'filename="a\ufe52exe"', "filename='a.exe'; x=y",
    'filename="a.exe\x01"', 'filename="a.e\x7fxe"', f"filename*=utf-8''a.exe{percent(chr(0x202e))}",
    "filename*=utf-8''a.exe%00.txt", "filename*=utf-8''a.exe%20", "filename*=utf-8''a%EF%BC%8Eexe",
]

# Whole headers of a part.
FIELDS = {
    "name": [f'{TYPE}; name="a.exe"'],
    "name, other filename": [f'{TYPE}; name="a.exe"', f'{KEPT}; filename="a.txt"'],
    "filename, other name": [f'{TYPE}; name="a.txt"', f'{KEPT}; filename="a.exe"'],
    "name, RFC 2231": [f"{TYPE}; name*0*=utf-8''a%2E; name*1=exe"],
    "name, RFC 2047": [f'{TYPE}; name="{word("a.exe")}"'],
    "Content-Disposition twice, last": [TYPE, f'{KEPT}; filename="a.txt"',
                                        f'{KEPT}; filename="a.exe"'],
    "Content-Disposition twice, first": [TYPE, f'{KEPT}; filename="a.exe"',
                                         f'{KEPT}; filename="a.txt"'],
    "Content-Type twice, last": [f"{TYPE}; name=a.txt", f"{TYPE}; name=a.exe"],
    "Content-Type twice, first": [f"{TYPE}; name=a.exe", f"{TYPE}; name=a.txt"],
    "no disposition": [TYPE, 'Content-Disposition: filename="a.exe"'],
    "empty disposition": [TYPE, 'Content-Disposition: ; filename="a.exe"'],
    "inline": [TYPE, 'Content-Disposition: inline; filename="a.exe"'],
    "no semicolon": [TYPE, 'Content-Disposition: attachment filename="a.exe"'],
    "no type": [f'{KEPT}; filename="a.exe"'],
    "type without a subtype": ["Content-Type: application; name=a.exe"],
    "empty type": ["Content-Type: ; name=a.exe"],
    "blank in front of the colon": [TYPE, 'Content-Disposition : attachment; filename="a.exe"'],
    "folded before the value": [TYPE, 'Content-Disposition:\r\n attachment;\r\n\tfilename="a.exe"'],
    "text": ['Content-Type: text/plain; name="a.exe"'],
    "image": ['Content-Type: image/jpeg; name="a.exe"'],
    "junk between": [TYPE, "junk", f'{KEPT}; filename="a.exe"'],
    "filename in the type": [f'{TYPE}; filename="a.exe"'],
    "name in the disposition": [TYPE, f'{KEPT}; name="a.exe"'],
    "message/rfc822": ['Content-Type: message/rfc822; name="a.exe"'],
    "external": ['Content-Type: message/external-body; access-type=URL; name="a.exe"'],
}


def in_containers() -> dict[str, bytes]:
    named = attached(DATA, fields=[TYPE, f'{KEPT}; filename="a.exe"'])
    inner = mixed(text_part(), named)
    archives = {
        "zip": zipped(DATA, "a.exe"), "zip in zip": zipped(zipped(DATA, "a.exe"), "a.zip"),
        "zip, in a folder": zipped(DATA, "b/a.exe"), "zip, above": zipped(DATA, "../a.exe"),
        "zip, backslashes": zipped(DATA, "b\\a.exe"), "zip, trailing dot": zipped(DATA, "a.exe."),
        "zip, UTF-8": zipped(DATA, "\u00e4.exe"), "tar.gz": tarred(DATA, "a.exe"),
        "zip behind junk": b"junk" * 50 + zipped(DATA, "a.exe"),
        "zip, other name in the local header":
            zipped(DATA, "a.exe").replace(b"a.exe", b"a.txt", 1),
        "zip, other name in the directory":
            zipped(DATA, "a.txt").replace(b"a.txt", b"a.exe", 1),
    }
    ways = {name: mixed(text_part(), attached(content)) for name, content in archives.items()}
    for ending in ("gz", "GZ", "gz."):
        ways[f"named a.exe.{ending}"] = mixed(attached(
            gzip.compress(DATA), fields=f'{TYPE}; name="a.exe.{ending}"'))
    ways["message"] = mail("Content-Type: message/rfc822", inner)
    ways["message in base64"] = mail(["Content-Type: message/rfc822", BASE64], b64(inner))
    ways["in the message's own header"] = mail([f'{TYPE}; name="a.exe"', BASE64], b64(DATA))
    ways["uuencode"] = mail("Content-Type: text/plain", uuencoded(DATA, "a.exe"))
    ways["uuencode, blanks"] = mail("Content-Type: text/plain", uuencoded(DATA, "my a.exe "))
    ways["yEnc"] = mail("Content-Type: text/plain", yencoded(DATA, "a.exe"))
    ways["a part behind the end"] = mail(MIXED, text_part() + end() + named + end())
    return ways


def all_spellings() -> dict[str, bytes]:
    """Name: message."""
    ways = in_containers()
    for parameter in PARAMETERS:
        ways[repr(parameter[:70])] = mixed(text_part(), part(
            [TYPE, f"{KEPT}; {parameter}", BASE64], b64(DATA)))
    for name, fields in FIELDS.items():
        ways[name] = mixed(text_part(), part([*fields, BASE64], b64(DATA), EDGE))
    latin = lines("--edge", TYPE, f"{KEPT}; filename=".encode() + b'"\xe4.exe"', "", DATA)
    ways["undeclared 8-bit"] = mixed(text_part(), latin)
    return ways
