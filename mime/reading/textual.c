// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/textual.h"

#include <string.h>

enum { CHARACTER_MAX = 4, SEARCHED_MAX = 1024 };

struct kind {
    const char *mark;
    const char *type;
};

// What stands at the very beginning, behind blanks and a byte order mark; case is ignored.
static const struct kind first_marks[] = {
    {"<!doctype html",            "text/html"                },
    {"<!doctype svg",             "image/svg+xml"            },
    {"<html",                     "text/html"                },
    {"<head",                     "text/html"                },
    {"<body",                     "text/html"                },
    {"<script",                   "text/html"                },
    {"<svg",                      "image/svg+xml"            },
    {"<hta:",                     "text/html"                },
    {"<job",                      "text/xml"                 },
    {"<?php",                     "text/x-php"               },
    {"<?xml",                     "text/xml"                 },
    {"#!",                        "text/x-shellscript"       },
    {"@echo off",                 "text/x-msdos-batch"       },
    {"%pdf-",                     "application/pdf"          },
    {"%!ps",                      "application/postscript"   },
    {"{\\rtf",                    "text/rtf"                 },
    {"[internetshortcut]",        "application/x-mswinurl"   },
    {"begin:vcalendar",           "text/calendar"            },
    {"begin:vcard",               "text/vcard"               },
    {"-----begin pgp message",    "application/pgp-encrypted"},
    {"-----begin pgp signature",  "application/pgp-signature"},
    {"-----begin pgp public key", "application/pgp-keys"     },
    {"mime-version:",             "message/rfc822"           },
    {"received:",                 "message/rfc822"           },
    {"return-path:",              "message/rfc822"           },
};

// Archives that begin like texts.
static const char *const archive_marks[] = {"!<arch>\n", "07070"};

// What makes an XML or a text of unclear beginning one of its kind, within the first bytes.
static const struct kind inner_marks[] = {
    {"<svg",           "image/svg+xml"},
    {"<html",          "text/html"    },
    {"<!doctype html", "text/html"    },
    {"<script",        "text/html"    },
};

static bool
is_text_byte(unsigned char byte)
{
    return byte >= 0x20
               ? byte != 0x7f
               : byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' || byte == 0x1b;
}

// No control, no DEL, all ASCII: as most of a text is. With no high bit set, a byte below 0x20
// borrows it and DEL carries into it.
static bool
is_plain_text(const char eight[8])
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t bytes;

    memcpy(&bytes, eight, sizeof(bytes));
    return ((bytes | (bytes - ones * 0x20) | (bytes + ones)) & high) == 0;
}

static bool
is_text(struct span head)
{
    size_t at = 0;

    while (at < head.len) {
        unsigned char byte = (unsigned char)head.data[at];
        size_t len = 1;

        if (head.len - at >= 8 && is_plain_text(head.data + at)) {
            at += 8;
            continue;
        }
        if (byte >= 0x80)
            len = str_utf8_len(span_skip(head, at));
        else if (!is_text_byte(byte))
            return false;
        if (len == 0)
            return head.len - at < CHARACTER_MAX; // may have been cut
        at += len;
    }
    return true;
}

static struct span
skip_blanks(struct span head)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (head.len >= 3 && memcmp(head.data, mark, 3) == 0)
        head = span_skip(head, 3);
    while (head.len > 0 && strchr(" \t\r\n", head.data[0]) != NULL)
        head = span_skip(head, 1);
    return head;
}

static bool
is_archive(struct span head)
{
    for (size_t i = 0; i < sizeof(archive_marks) / sizeof(archive_marks[0]); i++) {
        if (span_starts_nocase(head, archive_marks[i]))
            return true;
    }
    return false;
}

// The type that the first mark in the text stands for; NULL: there is none.
static const char *
type_inside(struct span text)
{
    const char *at;

    while ((at = text.len > 0 ? memchr(text.data, '<', text.len) : NULL) != NULL) {
        text = span_skip(text, (size_t)(at - text.data));
        for (size_t i = 0; i < sizeof(inner_marks) / sizeof(inner_marks[0]); i++) {
            if (span_starts_nocase(text, inner_marks[i].mark))
                return inner_marks[i].type;
        }
        text = span_skip(text, 1);
    }
    return NULL;
}

struct span
textual_type(struct span head)
{
    struct span begin = skip_blanks(head), searched;
    const char *inner;

    if (!is_text(head) || is_archive(head))
        return span_from(NULL, 0);
    searched = begin.len > SEARCHED_MAX ? span_from(begin.data, SEARCHED_MAX) : begin;
    for (size_t i = 0; i < sizeof(first_marks) / sizeof(first_marks[0]); i++) {
        if (!span_starts_nocase(begin, first_marks[i].mark))
            continue;
        if (strcmp(first_marks[i].type, "text/xml") == 0)
            break; // perhaps more than that
        return span_of(first_marks[i].type);
    }
    inner = type_inside(searched);
    if (inner != NULL)
        return span_of(inner);
    return span_of(span_starts_nocase(begin, "<?xml") ? "text/xml" : "text/plain");
}
