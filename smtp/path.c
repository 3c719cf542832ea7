// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/path.h"

#include <string.h>

#include <arpa/inet.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 255, PATH_OCTETS_MAX = 256 }; // RFC 5321 4.5.3.1, in octets

struct scan {
    struct span left;
    bool is_odd; // beyond the grammar, but seen in the wild
};

static bool
next_is(const struct scan *scan, char byte)
{
    return scan->left.len > 0 && scan->left.data[0] == byte;
}

static bool
take(struct scan *scan, char byte)
{
    if (!next_is(scan, byte))
        return false;
    scan->left = span_skip(scan->left, 1);
    return true;
}

static bool
is_8bit(char byte)
{
    return (unsigned char)byte >= 0x80;
}

static bool
has_8bit(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_8bit(text.data[i]))
            return true;
    }
    return false;
}

// U+0080 to U+009F are controls, too.
static bool
has_c1_control(struct span text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if ((unsigned char)text.data[i] == 0xc2 && (unsigned char)text.data[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool
is_alnum(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static bool
is_atext(char byte)
{
    return is_alnum(byte) || is_8bit(byte) ||
           (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL);
}

static bool
is_label_char(char byte)
{
    return is_alnum(byte) || is_8bit(byte) || byte == '-' || byte == '_';
}

static size_t
run_len(const struct scan *scan, bool (*belongs)(char))
{
    size_t len = 0;

    while (len < scan->left.len && belongs(scan->left.data[len]))
        len++;
    return len;
}

// Dots at the ends or side by side are not RFC 5321's, but such mailboxes exist.
static bool
read_dot_string(struct scan *scan)
{
    size_t before = scan->left.len;
    size_t len;

    do {
        len = run_len(scan, is_atext);
        scan->left = span_skip(scan->left, len);
        scan->is_odd |= len == 0;
    } while (take(scan, '.'));
    return scan->left.len < before;
}

static bool
read_quoted_string(struct scan *scan)
{
    char byte;

    if (!take(scan, '"'))
        return false;
    while (scan->left.len > 0) {
        byte = scan->left.data[0];
        scan->left = span_skip(scan->left, 1);
        if (byte == '"')
            return true;
        if (byte == '\\') {
            if (scan->left.len == 0)
                return false;
            byte = scan->left.data[0];
            scan->left = span_skip(scan->left, 1);
        }
        if (!is_8bit(byte) && (byte < ' ' || byte == 0x7f))
            return false;
    }
    return false;
}

// "[192.0.2.1]" and "[IPv6:2001:db8::1]"; no other tag was ever standardised.
static bool
read_literal(struct scan *scan)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN + 8];
    struct span inside = scan->left;

    if (!take(scan, '[') || memchr(inside.data, ']', inside.len) == NULL)
        return false;
    inside = span_cut(&scan->left, ']');
    if (inside.len >= sizeof(text))
        return false;
    memcpy(text, inside.data, inside.len);
    text[inside.len] = '\0';
    if (strlen(text) != inside.len)
        return false;
    if (span_starts_nocase(inside, "IPv6:"))
        return inet_pton(AF_INET6, text + 5, &address) == 1;
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool
read_domain(struct scan *scan)
{
    size_t len;

    if (next_is(scan, '['))
        return read_literal(scan);
    do {
        len = run_len(scan, is_label_char);
        if (len == 0)
            return false;
        scan->is_odd |= scan->left.data[0] == '-' || scan->left.data[len - 1] == '-';
        scan->left = span_skip(scan->left, len);
    } while (take(scan, '.'));
    return true;
}

// "@a,@b:" in front of the mailbox (RFC 5321 appendix C).
static bool
read_route(struct scan *scan)
{
    do {
        if (!take(scan, '@') || !read_domain(scan))
            return false;
    } while (take(scan, ','));
    return take(scan, ':');
}

static struct span
read_since(struct span before, const struct scan *scan)
{
    return span_from(before.data, before.len - scan->left.len);
}

struct mailbox {
    struct span local, domain;
};

static bool
read_mailbox(struct scan *scan, const struct path_rules *rules, struct mailbox *out)
{
    struct span before = scan->left;

    if (next_is(scan, '"') ? !read_quoted_string(scan) : !read_dot_string(scan))
        return false;
    out->local = read_since(before, scan);
    if (!take(scan, '@')) // RFC 5321 4.1.1.3: only postmaster needs no domain
        return !rules->is_reverse && span_is_nocase(out->local, "postmaster");
    before = scan->left;
    if (!read_domain(scan))
        return false;
    out->domain = read_since(before, scan);
    return true;
}

// What is well formed, but beyond a limit or the grammar: refused if strict, else only told.
static enum path_result
judge(const struct mailbox *mailbox, const struct path_rules *rules, struct path *path)
{
    bool too_long = mailbox->local.len > LOCAL_MAX || mailbox->domain.len > DOMAIN_MAX ||
                    path->text.len + 2 > PATH_OCTETS_MAX;
    bool not_ascii = !rules->smtputf8 && has_8bit(path->text);

    // The next hop would bounce such a domain; as a local part it may be the legacy of a list.
    if (not_ascii && has_8bit(mailbox->domain))
        return PATH_NOT_ASCII;
    if (rules->strict && path->is_odd)
        return PATH_BAD_SYNTAX;
    if (rules->strict && too_long)
        return PATH_TOO_LONG;
    if (rules->strict && not_ascii)
        return PATH_NOT_ASCII;
    path->is_odd |= too_long || not_ascii;
    return PATH_OK;
}

enum path_result
path_parse(struct span text, const struct path_rules *rules, struct path *path_out)
{
    struct scan scan = {.left = text};
    struct mailbox mailbox = {
        {NULL, 0},
        {NULL, 0}
    };
    struct span before;
    bool has_route;

    if (!take(&scan, '<'))
        return PATH_BAD_SYNTAX;
    if (rules->is_reverse && take(&scan, '>')) {
        *path_out = (struct path){
            .text = {"", 0},
              .rest = scan.left
        };
        return PATH_OK;
    }
    has_route = next_is(&scan, '@');
    if (has_route && !read_route(&scan))
        return PATH_BAD_SYNTAX;
    before = scan.left;
    if (!read_mailbox(&scan, rules, &mailbox))
        return PATH_BAD_SYNTAX;
    *path_out = (struct path){.text = read_since(before, &scan), .is_odd = scan.is_odd};
    if (!take(&scan, '>') || !str_is_utf8(path_out->text) || has_c1_control(path_out->text))
        return PATH_BAD_SYNTAX;
    path_out->rest = scan.left;
    if (has_route && !rules->strip_routes)
        return PATH_SOURCE_ROUTE;
    return judge(&mailbox, rules, path_out);
}
