// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/step.h"

#include <assert.h>
#include <string.h>

enum { XFORWARD_LINE_MAX = 512 };

// In the order of enum step_state.
static const struct step_row steps[] = {
    {STEP_GREETING, "greeting", 2, NEXT_STATE, NEXT_DROP,        NEXT_DROP       },
    {STEP_EHLO,     "ehlo",     2, NEXT_STATE, NEXT_DROP,        NEXT_HELO       },
    {STEP_HELO,     "helo",     2, NEXT_STATE, NEXT_DROP,        NEXT_DROP       },
    {STEP_STARTTLS, "starttls", 2, NEXT_STATE, NEXT_WITHOUT_TLS, NEXT_WITHOUT_TLS},
 // Nothing was asked.
    {STEP_IDLE,     "idle",     2, NEXT_DROP,  NEXT_DROP,        NEXT_DROP       },
 // Whose mail it is stays unsaid then; that is no reason to keep it back.
    {STEP_XFORWARD, "xforward", 2, NEXT_STATE, NEXT_STATE,       NEXT_STATE      },
    {STEP_MAIL,     "mail",     2, NEXT_STATE, NEXT_FAIL_ALL,    NEXT_FAIL_ALL   },
    {STEP_RCPT,     "rcpt",     2, NEXT_STATE, NEXT_FAIL_RCPT,   NEXT_FAIL_RCPT  },
    {STEP_DATA,     "data",     3, NEXT_STATE, NEXT_FAIL_ALL,    NEXT_FAIL_ALL   },
 // BDAT only: a chunk before the last. Under DATA nothing may come here.
    {STEP_CONTENT,  "content",  2, NEXT_STATE, NEXT_FAIL_ALL,    NEXT_FAIL_ALL   },
    {STEP_DOT,      "dot",      2, NEXT_STATE, NEXT_FAIL_ALL,    NEXT_FAIL_ALL   },
    {STEP_RSET,     "rset",     2, NEXT_STATE, NEXT_DROP,        NEXT_DROP       },
    {STEP_QUIT,     "quit",     2, NEXT_STATE, NEXT_DROP,        NEXT_DROP       },
    {STEP_CLOSED,   "closed",   2, NEXT_DROP,  NEXT_DROP,        NEXT_DROP       },
};

const struct step_row *
step_find(enum step_state state)
{
    assert((size_t)state < sizeof(steps) / sizeof(steps[0]));
    return &steps[state];
}

// These speak of the session (unknown command, bad sequence, STARTTLS or AUTH first), not of this
// message: a next hop that is set up wrongly must not bounce all mail.
static bool
is_about_session(enum step_state state, int code)
{
    return state == STEP_MAIL && (code == 500 || code == 502 || code == 503 || code == 530);
}

enum step_next
step_after(enum step_state state, int code)
{
    const struct step_row *row = step_find(state);

    if (code == 421 || is_about_session(state, code))
        return NEXT_DROP;
    if (code / 100 == row->good)
        return row->on_good;
    if (code / 100 == 4)
        return row->on_temporary;
    return code / 100 == 5 ? row->on_permanent : NEXT_DROP;
}

bool
step_is_full(const struct answer *answer)
{
    if (answer->code == 452)
        return answer->enhanced[0] == '\0' || strcmp(answer->enhanced, "4.5.3") == 0;
    return answer->code == 552 && strcmp(answer->enhanced, "5.5.3") == 0;
}

// What a parameter needs the server to offer.
static unsigned
needed_flag(struct span keyword)
{
    static const struct {
        const char *keyword;
        unsigned flag;
    } rows[] = {
        {"BODY",     CAPS_8BITMIME},
        {"SMTPUTF8", CAPS_SMTPUTF8},
        {"RET",      CAPS_DSN     },
        {"ENVID",    CAPS_DSN     },
        {"NOTIFY",   CAPS_DSN     },
        {"ORCPT",    CAPS_DSN     },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_is_nocase(keyword, rows[i].keyword))
            return rows[i].flag;
    }
    return 0;
}

static void
write_params(const char *params, const struct caps *caps, struct buf *out)
{
    struct span rest = span_of(params);

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');
        struct span value = word;
        struct span keyword = span_cut(&value, '=');

        if (word.len == 0 || span_is_nocase(keyword, "SIZE"))
            continue;
        if ((needed_flag(keyword) & ~caps->flags) != 0)
            continue;
        (void)buf_add_char(out, ' ');
        (void)buf_add_span(out, word);
    }
}

static void
write_path(const char *verb, const char *path, struct buf *out)
{
    (void)buf_add_text(out, verb);
    (void)buf_add_text(out, path);
    (void)buf_add_char(out, '>');
}

void
step_write_mail(const struct delivery *delivery, const struct caps *caps, struct buf *out)
{
    write_path("MAIL FROM:<", delivery->from, out);
    if ((caps->flags & CAPS_SIZE) != 0) {
        (void)buf_add_text(out, " SIZE=");
        (void)buf_add_number(out, body_size(delivery->body));
    }
    write_params(delivery->from_params, caps, out);
    (void)buf_add_text(out, "\r\n");
}

void
step_write_rcpt(const struct delivery_rcpt *rcpt, const struct caps *caps, struct buf *out)
{
    write_path("RCPT TO:<", rcpt->path, out);
    write_params(rcpt->params, caps, out);
    (void)buf_add_text(out, "\r\n");
}

static bool
is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

unsigned
step_write_xforward(const struct smtp_envelope *envelope, const struct caps *caps, struct buf *out)
{
    static const size_t verb_len = sizeof("XFORWARD") - 1;
    unsigned lines = 0;
    size_t line_len = 0;

    for (unsigned i = 0; i < XFORWARD_COUNT; i++) {
        const char *value = envelope->xforward[i];
        const char *name = smtp_xforward_name(i);
        size_t len;

        if (value == NULL || (caps->xforward & 1U << i) == 0)
            continue;
        len = strlen(name) + strlen(value) + 2;
        // What cannot be said in a line of its own, or would end it, is left out.
        if (verb_len + len + 2 > XFORWARD_LINE_MAX || !is_printable(value) ||
            strchr(value, ' ') != NULL)
            continue;
        if (lines == 0 || line_len + len + 2 > XFORWARD_LINE_MAX) {
            (void)buf_add_text(out, lines == 0 ? "XFORWARD" : "\r\nXFORWARD");
            line_len = verb_len;
            lines++;
        }
        (void)buf_printf(out, " %s=%s", name, value);
        line_len += len;
    }
    if (lines > 0)
        (void)buf_add_text(out, "\r\n");
    return lines;
}

const char *
step_missing(const struct delivery *delivery, const struct caps *caps)
{
    if (envelope_param(delivery->from_params, "SMTPUTF8").data != NULL &&
        (caps->flags & CAPS_SMTPUTF8) == 0)
        return "SMTPUTF8";
    if (span_is_nocase(envelope_param(delivery->from_params, "BODY"), "8BITMIME") &&
        (caps->flags & CAPS_8BITMIME) == 0)
        return "8BITMIME";
    return NULL;
}

bool
step_is_safe(const struct delivery *delivery)
{
    bool is_safe = is_printable(delivery->from) && is_printable(delivery->from_params);

    for (size_t i = 0; i < delivery->rcpt_count && is_safe; i++)
        is_safe = is_printable(delivery->rcpts[i].path) && is_printable(delivery->rcpts[i].params);
    return is_safe;
}
