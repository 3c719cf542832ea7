// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/bounce.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "reinject/quoted.h"
#include "smtp/trace.h"
#include "smtp/xtext.h"

// VALUE_MAX keeps every line below the 998 octets that RFC 5322 allows.
enum { VALUE_MAX = 900, BOUNDARY_MAX = 80 };

struct kind_row {
    const char *name;    // the child's reason
    const char *keyword; // in NOTIFY
    bool is_default;     // wanted where NOTIFY was not given (RFC 3461 4.1)
    const char *action;  // RFC 3464 2.3.3
    const char *status;  // where nothing better is known
    const char *subject;
    const char *text;
};

static const struct kind_row kinds[] = {
    [BOUNCE_FAILED] =
        {
                         .name = "bounce",
                         .keyword = "FAILURE",
                         .is_default = true,
                         .action = "failed",
                         .status = "5.0.0",
                         .subject = "Your message could not be delivered",
                         .text = "Your message could not be delivered to the recipients below.\r\n"
                    "Nothing more will be tried for them.\r\n", },
    [BOUNCE_DELAYED] =
        {
                         .name = "delay",
                         .keyword = "DELAY",
                         .is_default = true,
                         .action = "delayed",
                         .status = "4.0.0",
                         .subject = "Your message is delayed",
                         .text = "Your message could not yet be delivered to the recipients below.\r\n"
                    "It will be tried again; you need not send it once more.\r\n", },
    [BOUNCE_RELAYED] =
        {
                         .name = "relayed",
                         .keyword = "SUCCESS",
                         .is_default = false,
                         .action = "relayed",
                         .status = "2.0.0",
                         .subject = "Your message was handed on",
                         .text = "Your message was handed on for the recipients below, to a system\r\n"
                    "that does not confirm deliveries. You may hear no more of it.\r\n", },
};

struct form { // of one notice
    const struct bounce *bounce;
    const struct kind_row *kind;
    bool is_utf8; // RFC 6533
    char boundary[BOUNDARY_MAX];
    struct buf *out;
};

const char *
bounce_kind_name(enum bounce_kind kind)
{
    return kinds[kind].name;
}

bool
bounce_is_wanted(enum bounce_kind kind, const char *from, const char *rcpt_params)
{
    struct span list = envelope_param(rcpt_params, "NOTIFY");

    if (from[0] == '\0')
        return false;
    if (list.data == NULL)
        return kinds[kind].is_default;
    while (list.len > 0) {
        if (span_is_nocase(span_cut(&list, ','), kinds[kind].keyword))
            return true;
    }
    return false;
}

// Text from outside: no control characters, and 8-bit only where it is UTF-8 and may be.
static void
add_text(const struct form *form, struct span text)
{
    bool is_raw;
    size_t len = text.len < VALUE_MAX ? text.len : VALUE_MAX;

    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--; // not inside a character
    text.len = len;
    is_raw = form->is_utf8 && str_is_utf8(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_good = byte >= ' ' && byte != 0x7f && (byte < 0x80 || is_raw);

        (void)buf_add_char(form->out, is_good ? text.data[i] : '?');
    }
}

static void
add_field(const struct form *form, const char *name, const char *type, struct span value)
{
    (void)buf_printf(form->out, "%s: %s", name, type);
    add_text(form, value);
    (void)buf_add_text(form->out, "\r\n");
}

static void
add_date(const struct form *form, const char *name, int64_t time_ms)
{
    char date[48];

    trace_format_date(time_ms, date);
    (void)buf_printf(form->out, "%s: %s\r\n", name, date);
}

static bool
is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] & 0x80) != 0)
            return false;
    }
    return true;
}

static void
add_header(const struct form *form)
{
    const struct bounce *bounce = form->bounce;

    (void)buf_printf(form->out, "From: \"Mail Delivery System\" <MAILER-DAEMON@%s>\r\nTo: <",
                     bounce->hostname);
    add_text(form, span_of(bounce->original->from));
    (void)buf_printf(form->out, ">\r\nSubject: %s\r\n", form->kind->subject);
    add_date(form, "Date", bounce->now_ms);
    (void)buf_printf(form->out,
                     "Message-ID: <%s@%s>\r\n"
                     "Auto-Submitted: auto-replied\r\n"
                     "MIME-Version: 1.0\r\n"
                     "Content-Type: multipart/report; report-type=%s;\r\n\tboundary=\"%s\"\r\n",
                     form->boundary, bounce->hostname,
                     form->is_utf8 ? "global-delivery-status" : "delivery-status", form->boundary);
    if (form->is_utf8)
        (void)buf_add_text(form->out, "Content-Transfer-Encoding: 8bit\r\n");
    (void)buf_add_text(form->out, "\r\nThis is a delivery report in MIME format.\r\n");
}

static void
begin_part(const struct form *form, const char *type, const char *encoding)
{
    (void)buf_printf(form->out, "\r\n--%s\r\nContent-Type: %s\r\n", form->boundary, type);
    if (encoding != NULL)
        (void)buf_printf(form->out, "Content-Transfer-Encoding: %s\r\n", encoding);
    (void)buf_add_text(form->out, "\r\n");
}

// The reply as the server gave it; the text may begin with the enhanced code already.
static void
add_reply(const struct form *form, const struct bounce_rcpt *rcpt)
{
    const char *reply = rcpt->reply != NULL ? rcpt->reply : "";
    const char *enhanced = rcpt->enhanced != NULL ? rcpt->enhanced : "";

    if (rcpt->code > 0)
        (void)buf_printf(form->out, "%d ", rcpt->code);
    if (enhanced[0] != '\0' && strncmp(reply, enhanced, strlen(enhanced)) != 0) {
        add_text(form, span_of(enhanced));
        (void)buf_add_char(form->out, ' ');
    }
    add_text(form, span_of(reply));
}

static void
add_human_part(const struct form *form)
{
    const struct bounce *bounce = form->bounce;

    begin_part(form, form->is_utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
               form->is_utf8 ? "8bit" : NULL);
    (void)buf_printf(form->out, "This is the mail system at %s.\r\n\r\n%s", bounce->hostname,
                     form->kind->text);
    for (size_t i = 0; i < bounce->rcpt_count; i++) {
        (void)buf_add_text(form->out, "\r\n<");
        add_text(form, span_of(bounce->rcpts[i].path));
        (void)buf_add_text(form->out, ">\r\n    ");
        add_reply(form, &bounce->rcpts[i]);
        (void)buf_add_text(form->out, "\r\n");
    }
}

static void
add_message_fields(const struct form *form)
{
    const struct bounce *bounce = form->bounce;
    struct span envid = envelope_param(bounce->original->from_params, "ENVID");
    struct buf decoded;

    buf_init(&decoded, VALUE_MAX);
    if (envid.data != NULL) {
        bool is_xtext = xtext_decode(&decoded, envid) == 0;

        add_field(form, "Original-Envelope-Id", "", is_xtext ? buf_span(&decoded) : envid);
    }
    buf_clear(&decoded);
    add_field(form, "Reporting-MTA", "dns; ", span_of(bounce->hostname));
    add_field(form, "X-Postern-ID", "", span_of(bounce->original->id));
    add_date(form, "Arrival-Date", bounce->original->arrived_ms);
}

// ORCPT=type;address. The type utf-8 has an escaping of its own that stays as it is (RFC 6533 3).
static void
add_original_rcpt(const struct form *form, const struct bounce_rcpt *rcpt)
{
    struct span address = envelope_param(rcpt->params, "ORCPT");
    struct span type = span_cut(&address, ';');
    struct buf value;

    if (type.len == 0 || address.len == 0)
        return;
    buf_init(&value, 8192);
    (void)buf_add_span(&value, type);
    (void)buf_add_text(&value, "; ");
    if (span_is_nocase(type, "utf-8") || xtext_decode(&value, address) != 0) {
        buf_cut(&value, 0);
        (void)buf_add_span(&value, type);
        (void)buf_add_text(&value, "; ");
        (void)buf_add_span(&value, address);
    }
    add_field(form, "Original-Recipient", "", buf_span(&value));
    buf_clear(&value);
}

static const char *
status_of(const struct form *form, const struct bounce_rcpt *rcpt)
{
    if (rcpt->enhanced != NULL && rcpt->enhanced[0] != '\0')
        return rcpt->enhanced;
    // Given up without a last word of the next hop: delivery time expired (RFC 3463 3.5).
    if (form->bounce->kind == BOUNCE_FAILED && rcpt->code == 0)
        return "4.4.7";
    return rcpt->code / 100 == 4 ? "4.0.0" : form->kind->status;
}

// relay is "127.0.0.1:10025", "[::1]:10025" or the path of a UNIX socket, which is no host.
static void
add_remote(const struct form *form, struct span relay)
{
    const char *colon = relay.len > 0 ? memrchr(relay.data, ':', relay.len) : NULL;
    bool is_ipv6 = relay.len > 0 && relay.data[0] == '[';
    struct span host;

    if (colon == NULL || relay.data[0] == '/')
        return;
    host = span_from(relay.data, (size_t)(colon - relay.data));
    if (is_ipv6 && host.len >= 2)
        host = span_from(host.data + 1, host.len - 2);
    (void)buf_printf(form->out, "Remote-MTA: dns; [%s", is_ipv6 ? "IPv6:" : "");
    add_text(form, host);
    (void)buf_add_text(form->out, "]\r\n");
}

static void
add_rcpt_fields(const struct form *form, const struct bounce_rcpt *rcpt)
{
    const struct bounce *bounce = form->bounce;
    bool is_utf8 = form->is_utf8 && !is_ascii(span_of(rcpt->path));

    (void)buf_add_text(form->out, "\r\n");
    add_original_rcpt(form, rcpt);
    add_field(form, "Final-Recipient", is_utf8 ? "utf-8; " : "rfc822; ", span_of(rcpt->path));
    (void)buf_printf(form->out, "Action: %s\r\n", form->kind->action);
    add_field(form, "Status", "", span_of(status_of(form, rcpt)));
    if (rcpt->code > 0)
        add_remote(form, span_of(rcpt->relay));
    (void)buf_printf(form->out, "Diagnostic-Code: %s; ", rcpt->code > 0 ? "smtp" : "x-postern");
    add_reply(form, rcpt);
    (void)buf_add_text(form->out, "\r\n");
    add_date(form, "Last-Attempt-Date", bounce->now_ms);
    if (bounce->kind == BOUNCE_DELAYED && bounce->will_retry_until_ms > 0)
        add_date(form, "Will-Retry-Until", bounce->will_retry_until_ms);
}

static void
add_status_part(const struct form *form)
{
    begin_part(form, form->is_utf8 ? "message/global-delivery-status" : "message/delivery-status",
               form->is_utf8 ? "8bit" : NULL);
    add_message_fields(form);
    for (size_t i = 0; i < form->bounce->rcpt_count; i++)
        add_rcpt_fields(form, &form->bounce->rcpts[i]);
}

// RFC 6522 4: headers that are not 7-bit, or have lines too long, are made so by quoted-printable;
// those of an SMTPUTF8 message may go as they are where only the lines fit.
static void
add_original_part(const struct form *form)
{
    struct span head = form->bounce->original_head;
    bool is_plain = quoted_is_needless(head, form->is_utf8);
    const char *type = form->is_utf8 ? "message/global-headers" : "text/rfc822-headers";

    begin_part(form, type, !is_plain ? "quoted-printable" : form->is_utf8 ? "8bit" : NULL);
    if (is_plain)
        (void)buf_add_span(form->out, head);
    else
        quoted_add(form->out, head);
    if (head.len == 0 || head.data[head.len - 1] != '\n')
        (void)buf_add_text(form->out, "\r\n");
}

// Nobody outside chooses it, and it does not stand in what comes from outside: the original's
// header, and the recipients' texts, which hold no line break.
static void
choose_boundary(struct form *form)
{
    const struct bounce *bounce = form->bounce;
    struct span head = bounce->original_head;
    uint64_t sum = (uint64_t)bounce->now_ms;

    for (size_t i = 0; i < bounce->rcpt_count; i++)
        sum = digest_sum64(span_of(bounce->rcpts[i].path), sum);
    do {
        (void)snprintf(form->boundary, sizeof(form->boundary), "%s.%s.%016" PRIx64,
                       bounce->original->id, form->kind->name, sum++);
    } while (head.len > 0 &&
             memmem(head.data, head.len, form->boundary, strlen(form->boundary)) != NULL);
}

void
bounce_write(const struct bounce *bounce, struct buf *out)
{
    struct form form = {.bounce = bounce,
                        .kind = &kinds[bounce->kind],
                        .is_utf8 = envelope_needs_smtputf8(bounce->original),
                        .out = out};

    choose_boundary(&form);
    add_header(&form);
    add_human_part(&form);
    add_status_part(&form);
    add_original_part(&form);
    (void)buf_printf(out, "\r\n--%s--\r\n", form.boundary);
}

void
bounce_envelope(const struct bounce *bounce, const char *group, struct smtp_envelope *envelope_out)
{
    const struct smtp_envelope *original = bounce->original;
    bool is_utf8 = envelope_needs_smtputf8(original);

    assert(original->from[0] != '\0');
    envelope_init(envelope_out);
    envelope_out->protocol = original->protocol;
    envelope_out->handoff = SMTP_HANDOFF_SPOOL;
    envelope_out->esmtp = true;
    envelope_out->arrived_ms = bounce->now_ms;
    envelope_out->listener = mem_strdup(original->listener);
    envelope_out->next_hop = mem_strdup(original->next_hop);
    envelope_out->hostname = mem_strdup(original->hostname);
    envelope_out->client = mem_strdup("local");
    envelope_out->helo = mem_strdup(bounce->hostname);
    envelope_out->from = mem_strdup("");
    envelope_out->from_params = mem_strdup(is_utf8 ? "BODY=8BITMIME SMTPUTF8" : "");
    envelope_add_rcpt(envelope_out, span_of(original->from), SPAN_LITERAL("NOTIFY=NEVER"));
    envelope_out->parent = mem_strdup(original->id);
    envelope_out->group = mem_strdup(group);
    envelope_out->reason = mem_strdup(kinds[bounce->kind].name);
}
