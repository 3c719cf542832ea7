// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum how { HOW_UTF8, HOW_LATIN1, HOW_ICONV };

// Readers take the larger set of the same family (GB 18030 for GB 2312, CP949 for KS C 5601 ...):
// so what they show is seen here.
struct charset_row {
    const char *names; // in small letters and digits only, between blanks
    enum how how;
    const char *opened; // as iconv calls it
    unsigned char unit; // what is skipped at a bad byte
};

static const struct charset_row rows[] = {
    {" utf8 unicode11utf8 unicode20utf8 ",                              HOW_UTF8,   NULL,            1},
    {" usascii ascii ansix341968 ansix341986 iso646us iso646irv1991 us 646 "
     "cp367 ibm367 ",                                              HOW_UTF8,   NULL,            1},
    {" iso88591 iso885911987 latin1 l1 cp819 ibm819 isoir100 88591 ",   HOW_LATIN1, NULL,            1},
    {" windows1252 cp1252 ",                                            HOW_ICONV,  "CP1252",        1},
    {" iso88592 iso885921987 latin2 l2 ",                               HOW_ICONV,  "ISO-8859-2",    1},
    {" iso88593 latin3 l3 ",                                            HOW_ICONV,  "ISO-8859-3",    1},
    {" iso88594 latin4 l4 ",                                            HOW_ICONV,  "ISO-8859-4",    1},
    {" iso88595 cyrillic ",                                             HOW_ICONV,  "ISO-8859-5",    1},
    {" iso88596 arabic asmo708 iso88596i iso88596e ",                   HOW_ICONV,  "ISO-8859-6",    1},
    {" iso88597 greek greek8 ",                                         HOW_ICONV,  "ISO-8859-7",    1},
    {" iso88598 iso88598i iso88598e hebrew ",                           HOW_ICONV,  "ISO-8859-8",    1},
    {" iso88599 latin5 l5 windows1254 cp1254 ",                         HOW_ICONV,  "CP1254",        1},
    {" iso885910 latin6 l6 ",                                           HOW_ICONV,  "ISO-8859-10",   1},
    {" iso885911 tis620 windows874 cp874 ",                             HOW_ICONV,  "CP874",         1},
    {" iso885913 latin7 ",                                              HOW_ICONV,  "ISO-8859-13",   1},
    {" iso885914 latin8 ",                                              HOW_ICONV,  "ISO-8859-14",   1},
    {" iso885915 latin9 l9 ",                                           HOW_ICONV,  "ISO-8859-15",   1},
    {" iso885916 latin10 l10 ",                                         HOW_ICONV,  "ISO-8859-16",   1},
    {" windows1250 cp1250 ",                                            HOW_ICONV,  "CP1250",        1},
    {" windows1251 cp1251 win1251 ",                                    HOW_ICONV,  "CP1251",        1},
    {" windows1253 cp1253 ",                                            HOW_ICONV,  "CP1253",        1},
    {" windows1255 cp1255 ",                                            HOW_ICONV,  "CP1255",        1},
    {" windows1256 cp1256 ",                                            HOW_ICONV,  "CP1256",        1},
    {" windows1257 cp1257 ",                                            HOW_ICONV,  "CP1257",        1},
    {" windows1258 cp1258 ",                                            HOW_ICONV,  "CP1258",        1},
    {" koi8r koi8 ",                                                    HOW_ICONV,  "KOI8-R",        1},
    {" koi8u koi8ru ",                                                  HOW_ICONV,  "KOI8-U",        1},
    {" ibm437 cp437 437 ",                                              HOW_ICONV,  "CP437",         1},
    {" ibm850 cp850 850 ",                                              HOW_ICONV,  "CP850",         1},
    {" ibm852 cp852 852 ",                                              HOW_ICONV,  "CP852",         1},
    {" ibm866 cp866 866 dos866 ",                                       HOW_ICONV,  "CP866",         1},
    {" ibm037 cp037 ebcdiccpus ",                                       HOW_ICONV,  "IBM037",        1},
    {" ibm500 cp500 ebcdiccpbe ebcdiccpch ",                            HOW_ICONV,  "IBM500",        1},
    {" macintosh mac macroman xmacroman ",                              HOW_ICONV,  "MACINTOSH",     1},
    {" viscii ",                                                        HOW_ICONV,  "VISCII",        1},
    {" gb18030 gbk cp936 ms936 windows936 gb2312 gb231280 csgb2312 euccn "
     "xgbk isoir58 chinese ",                                      HOW_ICONV,  "GB18030",       1},
    {" big5 big5hkscs cnbig5 big5tw csbig5 xxbig5 cp950 ",              HOW_ICONV,  "BIG5-HKSCS",    1},
    {" shiftjis sjis xsjis mskanji windows31j cp932 ms932 csshiftjis ", HOW_ICONV,  "CP932",         1},
    {" eucjp xeucjp xeuc ujis cseucpkdfmtjapanese ",                    HOW_ICONV,  "EUC-JP",        1},
    {" iso2022jp csiso2022jp iso2022jp1 iso2022jp2 jis ",               HOW_ICONV,  "ISO-2022-JP-2", 1},
    {" iso2022kr csiso2022kr ",                                         HOW_ICONV,  "ISO-2022-KR",   1},
    {" euckr ksc56011987 ksc5601 ksc56011989 korean uhc cp949 windows949 "
     "cseuckr isoir149 ",                                          HOW_ICONV,  "CP949",         1},
    {" utf7 unicode11utf7 unicode20utf7 csutf7 ",                       HOW_ICONV,  "UTF-7",         1},
    {" utf16 ucs2 unicode iso10646ucs2 ",                               HOW_ICONV,  "UTF-16",        2},
    {" utf16le ucs2le ",                                                HOW_ICONV,  "UTF-16LE",      2},
    {" utf16be ucs2be ",                                                HOW_ICONV,  "UTF-16BE",      2},
    {" utf32 ucs4 iso10646ucs4 ",                                       HOW_ICONV,  "UTF-32",        4},
    {" utf32le ucs4le ",                                                HOW_ICONV,  "UTF-32LE",      4},
    {" utf32be ucs4be ",                                                HOW_ICONV,  "UTF-32BE",      4},
};

struct charsets {
    iconv_t open[COUNT(rows)]; // (iconv_t)-1: the library does not have it
};

static bool
is_open(iconv_t descriptor)
{
    return descriptor != (iconv_t)-1;
}

struct charsets *
charsets_new(struct err *err)
{
    struct charsets *charsets = mem_zalloc(sizeof(*charsets));
    size_t wanted = 0, count = 0;

    for (size_t i = 0; i < COUNT(rows); i++) {
        charsets->open[i] = (iconv_t)-1;
        if (rows[i].how != HOW_ICONV)
            continue;
        charsets->open[i] = iconv_open("UTF-8", rows[i].opened);
        wanted++;
        count += is_open(charsets->open[i]);
    }
    if (count * 2 < wanted) {
        err_set(err, ERR_PERM, "the C library reads %zu of %zu character sets only", count, wanted);
        charsets_free(&charsets);
    }
    return charsets;
}

void
charsets_free(struct charsets **charsets)
{
    if (*charsets == NULL)
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (is_open((*charsets)->open[i]))
            iconv_close((*charsets)->open[i]);
    }
    mem_free(charsets);
}

// "ISO_8859-1:1987" and "iso8859-1" are one: readers differ in what they look up.
static struct span
squash(struct span name, char out[32])
{
    size_t len = 0;

    out[len++] = ' ';
    for (size_t i = 0; i < name.len && len < 30; i++) {
        char byte = name.data[i];

        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte + 32);
        if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))
            out[len++] = byte;
    }
    out[len++] = ' ';
    return span_from(out, len);
}

// -1: none of them.
static int
find(struct span name)
{
    char text[32];
    struct span squashed = squash(name, text);

    if (name.len > 64 || squashed.len <= 2)
        return -1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (memmem(rows[i].names, strlen(rows[i].names), squashed.data, squashed.len) != NULL)
            return (int)i;
    }
    return -1;
}

// As much as fits, up to a whole character.
static int
add(struct buf *out, const char *text, size_t len)
{
    size_t room = out->ceiling - out->len;

    if (len <= room)
        return buf_add(out, text, len);
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    buf_add(out, text, room);
    return -1;
}

static int
add_bad(struct buf *out)
{
    return add(out, "\xef\xbf\xbd", 3);
}

static int
add_utf8(struct span text, struct buf *out)
{
    size_t begin = 0, at = 0;

    if (str_is_utf8(text))
        return add(out, text.data, text.len);
    while (at < text.len) {
        size_t len = str_utf8_len(span_skip(text, at));

        if (len > 0) {
            at += len;
            continue;
        }
        if (add(out, text.data + begin, at - begin) != 0 || add_bad(out) != 0)
            return -1;
        begin = ++at;
    }
    return add(out, text.data + begin, at - begin);
}

static int
add_latin1(struct span text, struct buf *out)
{
    char chunk[1024];
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte >= 0x80) {
            chunk[len++] = (char)(0xc0 | byte >> 6);
            byte = 0x80 | (byte & 0x3f);
        }
        chunk[len++] = (char)byte;
        if (len < sizeof(chunk) - 2)
            continue;
        if (add(out, chunk, len) != 0)
            return -1;
        len = 0;
    }
    return add(out, chunk, len);
}

static int
add_iconv(iconv_t descriptor, size_t unit, struct span text, struct buf *out)
{
    enum { BITE = 2048 }; // a checked build looks at all that iconv is given, at each bad byte anew

    char *in = (char *)(uintptr_t)text.data;
    size_t left = text.len, room, bite, given;
    char chunk[2 * BITE], *to;

    iconv(descriptor, NULL, NULL, NULL, NULL);
    while (left > 0) {
        to = chunk;
        room = sizeof(chunk);
        given = bite = left < BITE ? left : BITE;
        bool is_done = iconv(descriptor, &in, &bite, &to, &room) != (size_t)-1;
        bool is_more = errno == E2BIG || (errno == EINVAL && given < left);

        left -= given - bite;
        if (add(out, chunk, (size_t)(to - chunk)) != 0)
            return -1;
        if (is_done || (is_more && (bite < given || to > chunk)))
            continue;
        if (add_bad(out) != 0)
            return -1;
        unit = unit < left ? unit : left;
        in += unit;
        left -= unit;
    }
    // Sets with combining letters keep the last one back.
    to = chunk;
    room = sizeof(chunk);
    iconv(descriptor, NULL, NULL, &to, &room);
    return add(out, chunk, (size_t)(to - chunk));
}

int
charset_decode(struct charsets *charsets, struct span charset, struct span text, struct buf *out)
{
    int row = find(charset);
    bool is_known = row >= 0 && (rows[row].how != HOW_ICONV || is_open(charsets->open[row]));

    if (text.len == 0)
        return is_known ? 0 : 1;
    if (!is_known) {
        if ((str_is_utf8(text) ? add_utf8(text, out) : add_latin1(text, out)) != 0)
            return -1;
        return 1;
    }
    switch (rows[row].how) {
    case HOW_UTF8:
        return add_utf8(text, out);
    case HOW_LATIN1:
        return add_latin1(text, out);
    case HOW_ICONV:
        break;
    }
    return add_iconv(charsets->open[row], rows[row].unit, text, out);
}
