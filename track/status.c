// SPDX-License-Identifier: BSD-2-Clause
#include "track/status.h"

#include <string.h>

static const char *const status_names[STATUS_COUNT] = {[STATUS_FILTERING] = "filtering",
                                                       [STATUS_DEFERRED] = "deferred",
                                                       [STATUS_HELD] = "held",
                                                       [STATUS_REINJECTED] = "reinjected",
                                                       [STATUS_QUARANTINED] = "quarantined",
                                                       [STATUS_SENT] = "sent",
                                                       [STATUS_BOUNCED] = "bounced",
                                                       [STATUS_EXPIRED] = "expired",
                                                       [STATUS_REJECTED] = "rejected",
                                                       [STATUS_DISCARDED] = "discarded",
                                                       [STATUS_PARTIAL] = "partial"};

static const char *const class_names[] = {
    [CLASS_CLEAN] = "clean",         [CLASS_SPAM] = "spam",   [CLASS_BANNED] = "banned",
    [CLASS_UNCHECKED] = "unchecked", [CLASS_VIRUS] = "virus", [CLASS_UNSCANNABLE] = "unscannable"};

const char *
status_name(enum track_status status)
{
    return status_names[status];
}

enum track_status
status_find(struct span name)
{
    unsigned status = 0;

    while (status < STATUS_COUNT && !span_is(name, status_names[status]))
        status++;
    return (enum track_status)status;
}

const char *class_name(enum track_class class)
{
    return class_names[class];
}

// --- a recipient ---

// An alias has several: one that is deferred is not over; of those that differ some did not arrive.
static enum track_status
status_of_finals(const struct record_rcpt *rcpt)
{
    enum track_status all = STATUS_COUNT;
    bool is_waiting = false;

    for (size_t i = 0; i < rcpt->final_count; i++) {
        enum track_status one = (enum track_status)rcpt->finals[i].status;

        if (one == STATUS_DEFERRED)
            return STATUS_DEFERRED;
        is_waiting = is_waiting || one == STATUS_COUNT;
        all = i == 0 || one == all ? one : STATUS_BOUNCED;
    }
    return is_waiting || rcpt->final_count == 0 ? STATUS_REINJECTED : all;
}

static enum verdict
verdict_of(const struct record *record, const struct record_rcpt *rcpt)
{
    return rcpt->group < record->group_count ? record->groups[rcpt->group].verdict : VERDICT_NONE;
}

// Never acknowledged: a 5xx, ours or the next hop's, was the last word; else the client comes
// again.
static enum track_status
status_of_left(const struct record_rcpt *rcpt, enum verdict verdict)
{
    return verdict == VERDICT_REJECT || rcpt->code / 100 == 5 ? STATUS_REJECTED : STATUS_DEFERRED;
}

// Where a file is gone and he was not retired, it was deleted, or its time in quarantine was over.
static enum track_status
status_of_open(const struct record *record, const struct record_rcpt *rcpt)
{
    enum verdict verdict = verdict_of(record, rcpt);

    switch (record->place) {
    case RECORD_HOLD:
        return STATUS_HELD;
    case RECORD_QUARANTINE:
        return STATUS_QUARANTINED;
    case RECORD_LEFT:
        return status_of_left(rcpt, verdict);
    case RECORD_DONE:
        return verdict == VERDICT_QUARANTINE ? STATUS_QUARANTINED : STATUS_DISCARDED;
    case RECORD_WAITING:
        return STATUS_DEFERRED;
    default:
        return rcpt->status == RCPT_DEFERRED ? STATUS_DEFERRED : STATUS_FILTERING;
    }
}

// A child has him; for what purpose, his verdict says. One that was released, or whose decision
// a rescan has voided, goes on to Postfix.
static enum track_status
status_of_moved(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_QUARANTINE:
        return STATUS_QUARANTINED;
    case VERDICT_HOLD:
        return STATUS_HELD;
    case VERDICT_REJECT:
        return STATUS_BOUNCED;
    default:
        return STATUS_REINJECTED;
    }
}

// Over relay who has his answer is retired so, whatever it was. Elsewhere it is the recipient of
// whom no bounce may tell.
static enum track_status
status_of_discarded(const struct record *record, const struct record_rcpt *rcpt)
{
    enum verdict verdict = verdict_of(record, rcpt);

    if (record->handoff != SMTP_HANDOFF_RELAY || span_is(rcpt->reply, "notify"))
        return STATUS_DISCARDED;
    return verdict == VERDICT_REJECT  ? STATUS_REJECTED
           : verdict == VERDICT_DEFER ? STATUS_DEFERRED
                                      : STATUS_DISCARDED;
}

enum track_status
status_of_rcpt(const struct record *record, const struct record_rcpt *rcpt)
{
    switch (rcpt->status) {
    case RCPT_SENT:
        return status_of_finals(rcpt);
    case RCPT_BOUNCED:
        return STATUS_BOUNCED;
    case RCPT_MOVED:
        return status_of_moved(verdict_of(record, rcpt));
    case RCPT_DISCARDED:
        return status_of_discarded(record, rcpt);
    default:
        return status_of_open(record, rcpt);
    }
}

// --- several ---

enum track_status
status_join(enum track_status all, enum track_status one)
{
    if (all == STATUS_COUNT || all == one)
        return one;
    if (all < STATUS_QUARANTINED || one < STATUS_QUARANTINED)
        return one < all ? one : all;
    return STATUS_PARTIAL;
}

enum track_status
status_of_message(const struct record *record)
{
    const struct record_rcpt nobody = {.group = UINT32_MAX};
    enum track_status all = STATUS_COUNT;

    for (size_t i = 0; i < record->rcpt_count; i++)
        all = status_join(all, status_of_rcpt(record, &record->rcpts[i]));
    return all == STATUS_COUNT ? status_of_open(record, &nobody) : all;
}

enum track_status
status_of_queue_id(const struct record *record, struct span queue_id)
{
    enum track_status all = STATUS_COUNT;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        struct span out = record->rcpts[i].queue_id;

        if (out.len > 0 && span_equal(out, queue_id))
            all = status_join(all, status_of_rcpt(record, &record->rcpts[i]));
    }
    return all;
}

// --- what was it? ---

static bool
is_spam(const struct record_result *result)
{
    return result->wish == WISH_REJECT || result->wish == WISH_QUARANTINE ||
           result->wish == WISH_DISCARD ||
           (result->has_score && result->required_score > 0 &&
            result->score >= result->required_score);
}

static enum track_class
class_of_result(const struct record_result *result)
{
    if (result->kind == RESULT_HIT && result->is_virus)
        return CLASS_VIRUS;
    if (result->kind == RESULT_UNSCANNABLE)
        return CLASS_UNSCANNABLE;
    if (result->kind == RESULT_FAILED)
        return CLASS_UNCHECKED;
    return is_spam(result) ? CLASS_SPAM : CLASS_CLEAN;
}

// A decision that names a filter as its rule came from the filter's own settings.
static bool
is_caught_by_rule(const struct record_group *group)
{
    return group->rule.len > 0 && !span_starts_nocase(group->rule, "filter:") &&
           (group->verdict == VERDICT_QUARANTINE || group->verdict == VERDICT_REJECT ||
            group->verdict == VERDICT_DISCARD || group->verdict == VERDICT_HOLD);
}

enum track_class
class_of(const struct record *record)
{
    enum track_class worst = CLASS_CLEAN;
    bool is_known_spam = false;

    for (size_t i = 0; i < record->result_count; i++) {
        enum track_class class = class_of_result(&record->results[i]);

        worst = class > worst ? class : worst;
        is_known_spam = is_known_spam || class == CLASS_SPAM;
    }
    for (size_t i = 0; i < record->group_count && !is_known_spam && worst < CLASS_BANNED; i++)
        worst = is_caught_by_rule(&record->groups[i]) ? CLASS_BANNED : worst;
    return worst;
}
