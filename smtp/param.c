// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/param.h"

#include "smtp/xtext.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum value_result { VALUE_GOOD, VALUE_BAD, VALUE_UNSUPPORTED };

typedef enum value_result value_check(struct span value, struct param_mail *mail);

struct param_row {
    const char *keyword;
    unsigned offer; // with which it comes; 0: always
    bool has_value;
    value_check *check; // NULL without a value
};

static enum value_result
check_size(struct span value, struct param_mail *mail)
{
    return str_parse_u64(value, UINT64_MAX, &mail->size) == 0 ? VALUE_GOOD : VALUE_BAD;
}

static enum value_result
check_body(struct span value, struct param_mail *mail)
{
    (void)mail;
    if (span_is_nocase(value, "7BIT") || span_is_nocase(value, "8BITMIME"))
        return VALUE_GOOD;
    return span_is_nocase(value, "BINARYMIME") ? VALUE_UNSUPPORTED : VALUE_BAD;
}

static enum value_result
check_ret(struct span value, struct param_mail *mail)
{
    (void)mail;
    return span_is_nocase(value, "FULL") || span_is_nocase(value, "HDRS") ? VALUE_GOOD : VALUE_BAD;
}

static enum value_result
check_envid(struct span value, struct param_mail *mail)
{
    (void)mail;
    return xtext_is_printable(value) ? VALUE_GOOD : VALUE_BAD;
}

static enum value_result
check_auth(struct span value, struct param_mail *mail)
{
    (void)mail;
    return span_is(value, "<>") || xtext_is_printable(value) ? VALUE_GOOD : VALUE_BAD;
}

static enum value_result
check_notify(struct span value, struct param_mail *mail)
{
    static const char *const events[] = {"SUCCESS", "FAILURE", "DELAY"};
    struct span event;
    bool is_known;

    (void)mail;
    if (span_is_nocase(value, "NEVER"))
        return VALUE_GOOD;
    do {
        event = span_cut(&value, ',');
        is_known = false;
        for (size_t i = 0; i < COUNT(events); i++)
            is_known |= span_is_nocase(event, events[i]);
        if (!is_known)
            return VALUE_BAD;
    } while (value.data != NULL);
    return VALUE_GOOD;
}

// RFC 6533 3: escaped as \x{20AC}, or in UTF-8 as it is.
static bool
is_utf8_address(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte <= 0x20 || byte == 0x7f)
            return false;
    }
    return text.len > 0 && str_is_utf8(text);
}

static enum value_result
check_orcpt(struct span value, struct param_mail *mail)
{
    struct span type = span_cut(&value, ';');

    (void)mail;
    if (type.len == 0 || !xtext_is_printable(type))
        return VALUE_BAD;
    if (span_is_nocase(type, "utf-8"))
        return is_utf8_address(value) ? VALUE_GOOD : VALUE_BAD;
    return xtext_is_printable(value) ? VALUE_GOOD : VALUE_BAD;
}

static const struct param_row mail_rows[] = {
    {"SIZE",     0,                   true,  check_size },
    {"BODY",     SMTP_OFFER_8BITMIME, true,  check_body },
    {"SMTPUTF8", SMTP_OFFER_SMTPUTF8, false, NULL       },
    {"RET",      SMTP_OFFER_DSN,      true,  check_ret  },
    {"ENVID",    SMTP_OFFER_DSN,      true,  check_envid},
    {"AUTH",     0,                   true,  check_auth },
};
static const struct param_row rcpt_rows[] = {
    {"NOTIFY", SMTP_OFFER_DSN, true, check_notify},
    {"ORCPT",  SMTP_OFFER_DSN, true, check_orcpt },
};

static int
fail(struct smtp_reply *reply, int code, const char *problem, struct span word)
{
    enum { SHOWN = 40 };

    reply_set(reply, code, "5.5.4", "%s: %.*s", problem, (int)(word.len < SHOWN ? word.len : SHOWN),
              word.data);
    return -1;
}

static const struct param_row *
find_row(const struct param_row *rows, size_t count, struct span keyword, unsigned offers)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(keyword, rows[i].keyword))
            return rows[i].offer == 0 || (rows[i].offer & offers) != 0 ? &rows[i] : NULL;
    }
    return NULL;
}

static int
check_word(const struct param_row *row, struct span word, struct span value,
           struct param_mail *mail, struct smtp_reply *reply)
{
    if (row->has_value != (value.data != NULL))
        return fail(reply, 501, row->has_value ? "Value missing" : "No value expected", word);
    if (row->check == NULL)
        return 0;
    switch (row->check(value, mail)) {
    case VALUE_GOOD:
        return 0;
    case VALUE_UNSUPPORTED:
        return fail(reply, 555, "Unsupported option", word);
    case VALUE_BAD:
        break;
    }
    return fail(reply, 501, "Bad value", word);
}

struct param_table {
    const struct param_row *rows;
    size_t count;
    unsigned offers;
};

static int
check_all(struct span text, const struct param_table *table, struct param_mail *mail,
          struct smtp_reply *reply)
{
    unsigned seen = 0;

    if (text.len > 0 && text.data[0] != ' ')
        return fail(reply, 501, "Blank expected before", text);
    while (text.len > 0) {
        struct span word = span_cut(&text, ' ');
        struct span value = word;
        struct span keyword = span_cut(&value, '=');
        const struct param_row *row;

        if (word.len == 0)
            continue;
        row = find_row(table->rows, table->count, keyword, table->offers);
        if (row == NULL)
            return fail(reply, 555, "Unsupported option", word);
        if ((seen & 1u << (row - table->rows)) != 0)
            return fail(reply, 501, "Repeated option", word);
        seen |= 1u << (row - table->rows);
        if (check_word(row, word, value, mail, reply) != 0)
            return -1;
        mail->smtputf8 |= row->offer == SMTP_OFFER_SMTPUTF8;
    }
    return 0;
}

int
param_check_mail(struct span text, unsigned offers, struct param_mail *mail_out,
                 struct smtp_reply *reply_out)
{
    const struct param_table table = {mail_rows, COUNT(mail_rows), offers};

    *mail_out = (struct param_mail){.size = 0};
    return check_all(text, &table, mail_out, reply_out);
}

int
param_check_rcpt(struct span text, unsigned offers, struct smtp_reply *reply_out)
{
    const struct param_table table = {rcpt_rows, COUNT(rcpt_rows), offers};
    struct param_mail none = {.size = 0};

    return check_all(text, &table, &none, reply_out);
}
