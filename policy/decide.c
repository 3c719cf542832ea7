// SPDX-License-Identifier: BSD-2-Clause
#include "policy/decide.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "policy/changes.h"
#include "policy/courses.h"
#include "policy/ending.h"

struct decide_work {
    struct reading reading;
    struct courses courses;
    size_t *course_of;     // recipient to course; SIZE_MAX: there were too many
    struct ranges **notes; // of each rule; NULL: no note
    struct decision *decision;
};

static void
note_dry_runs(struct decide_work *work, const struct reading_course *course, size_t rcpt)
{
    for (size_t i = 0; i < course->dry_count; i++) {
        struct ranges **note = &work->notes[course->dry[i]];

        if (*note == NULL) {
            *note = mem_zalloc(sizeof(**note));
            ranges_init(*note, work->reading.evidence.question->envelope->rcpt_count);
        }
        ranges_add(*note, rcpt);
    }
}

static void
read_all(struct decide_work *work, const struct decide_case *question)
{
    struct reading_course course;

    for (size_t i = 0; i < question->envelope->rcpt_count; i++) {
        reading_course(&work->reading, i, &course);
        work->course_of[i] = courses_add(&work->courses, &course);
        note_dry_runs(work, &course, i);
    }
}

// What cannot be changed as a rule wants is not let through unchanged.
static void
make_edits(const struct reading *reading, const struct reading_course *course,
           struct decide_group *group)
{
    struct err err;

    if (!ending_keeps_edits(group->verdict) ||
        changes_make(reading, course, &group->edits, &group->rule, &err) == 0)
        return;
    mem_free(&group->reason);
    mem_free(&group->to);
    group->reason = mem_strdup(err.text);
    group->verdict = VERDICT_QUARANTINE;
}

static void
make_group(const struct reading *reading, const struct reading_course *course,
           struct decide_group *group_out)
{
    struct ending ending;

    ending_of(reading, course, &ending);
    *group_out = (struct decide_group){
        .verdict = ending.verdict,
        .rule = ending.rule,
        .reason = mem_strdup(ending.reason),
        .to = mem_strdup(ending.to),
        .is_virus = evidence_virus(&reading->evidence) != SIZE_MAX,
        .score = evidence_score(&reading->evidence),
        .is_rejected = ending.is_rejected,
    };
    ending_clear(&ending);
    make_edits(reading, course, group_out);
}

static void
clear_group(struct decide_group *group)
{
    ranges_clear(&group->rcpts);
    mem_free(&group->reason);
    mem_free(&group->to);
    edit_list_clear(&group->edits);
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same(const struct decide_group *a, const struct decide_group *b)
{
    return a->verdict == b->verdict && a->is_rejected == b->is_rejected &&
           is_same_text(a->rule, b->rule) && is_same_text(a->reason, b->reason) &&
           is_same_text(a->to, b->to) && edit_list_equal(&a->edits, &b->edits);
}

// The index of an equal group, which the new one joins, or of the new one.
static size_t
add_group(struct decision *decision, struct decide_group *group_take, size_t rcpt_count)
{
    for (size_t i = 0; i < decision->group_count; i++) {
        if (is_same(&decision->groups[i], group_take)) {
            clear_group(group_take);
            return i;
        }
    }
    ranges_init(&group_take->rcpts, rcpt_count);
    decision->groups =
        mem_regrow(decision->groups, decision->group_count + 1, sizeof(decision->groups[0]));
    decision->groups[decision->group_count] = *group_take;
    return decision->group_count++;
}

static void
add_copy(struct decision *decision, const char *address, const char *rule)
{
    for (size_t i = 0; i < decision->copy_count; i++) {
        if (span_is_nocase(span_of(address), decision->copies[i].address))
            return;
    }
    decision->copies =
        mem_regrow(decision->copies, decision->copy_count + 1, sizeof(decision->copies[0]));
    decision->copies[decision->copy_count++] =
        (struct decide_copy){.address = mem_strdup(address), .rule = rule};
}

// Who is deferred is decided again, copies included.
static void
add_copies(const struct decide_work *work, const struct reading_course *course,
           enum verdict verdict)
{
    const struct rules *rules = work->reading.evidence.question->rules;

    for (size_t i = 0; i < course->fired_count && verdict != VERDICT_DEFER; i++) {
        const struct rule *rule = &rules->items[course->fired[i]];

        for (size_t k = 0; k < rule->copy_count; k++)
            add_copy(work->decision, rule->copies[k], rule->name);
    }
}

static size_t
add_deferral(struct decision *decision, const char *rule, const char *reason, size_t rcpt_count)
{
    struct decide_group group = {
        .verdict = VERDICT_DEFER, .rule = rule, .reason = mem_strdup(reason), .score = NAN};

    return add_group(decision, &group, rcpt_count);
}

static void
make_groups(struct decide_work *work, size_t rcpt_count)
{
    size_t *group_of = mem_zarray(work->courses.count, sizeof(group_of[0]));

    for (size_t i = 0; i < work->courses.count; i++) {
        const struct reading_course *course = &work->courses.items[i];
        struct decide_group group;

        make_group(&work->reading, course, &group);
        add_copies(work, course, group.verdict);
        group_of[i] = add_group(work->decision, &group, rcpt_count);
    }
    for (size_t i = 0; i < rcpt_count; i++) {
        size_t course = work->course_of[i];
        size_t group = course != SIZE_MAX
                           ? group_of[course]
                           : add_deferral(work->decision, NULL,
                                          "too many different outcomes at a time", rcpt_count);

        ranges_add(&work->decision->groups[group].rcpts, i);
    }
    mem_free(&group_of);
}

static void
make_notes(struct decide_work *work, const struct rules *rules)
{
    struct decision *decision = work->decision;

    decision->notes = mem_zarray(rules->count, sizeof(decision->notes[0]));
    for (size_t i = 0; i < rules->count; i++) {
        if (work->notes[i] == NULL)
            continue;
        decision->notes[decision->note_count++] =
            (struct decide_note){.rcpts = *work->notes[i],
                                 .rule = rules->items[i].name,
                                 .text = mem_strdup(rules->items[i].summary)};
        mem_free(&work->notes[i]);
    }
}

static void
defer_all(const struct decide_case *question, struct decision *decision)
{
    const struct rules *rules = question->rules;
    size_t group = add_deferral(decision, rules->filter_rules[rules->filter_count],
                                "nobody could look into it", question->envelope->rcpt_count);

    ranges_add_all(&decision->groups[group].rcpts);
}

void
decide(const struct decide_case *question, struct decision *decision_out)
{
    size_t rcpt_count = question->envelope->rcpt_count;
    struct decide_work work = {.decision = decision_out};

    *decision_out = (struct decision){.groups = NULL};
    if (question->look_failed) {
        defer_all(question, decision_out);
        return;
    }
    reading_init(&work.reading, question, false);
    courses_init(&work.courses, rcpt_count);
    work.course_of = mem_zarray(rcpt_count, sizeof(work.course_of[0]));
    work.notes = mem_zarray(question->rules->count, sizeof(struct ranges *));
    read_all(&work, question);
    make_groups(&work, rcpt_count);
    make_notes(&work, question->rules);
    mem_free(&work.notes);
    mem_free(&work.course_of);
    courses_clear(&work.courses);
    reading_clear(&work.reading);
}

void
decision_clear(struct decision *decision)
{
    for (size_t i = 0; i < decision->group_count; i++)
        clear_group(&decision->groups[i]);
    for (size_t i = 0; i < decision->copy_count; i++)
        mem_free(&decision->copies[i].address);
    for (size_t i = 0; i < decision->note_count; i++) {
        ranges_clear(&decision->notes[i].rcpts);
        mem_free(&decision->notes[i].text);
    }
    mem_free(&decision->groups);
    mem_free(&decision->copies);
    mem_free(&decision->notes);
    *decision = (struct decision){.groups = NULL};
}

bool
decide_is_settled(const struct decide_case *question)
{
    struct reading reading;
    struct reading_course course;
    bool is_settled = true;

    if (question->look_failed)
        return true;
    reading_init(&reading, question, true);
    for (size_t i = 0; reading.opens != 0 && is_settled && i < question->envelope->rcpt_count;
         i++) {
        reading_course(&reading, i, &course);
        is_settled = ending_is_settled(&reading, &course);
    }
    reading_clear(&reading);
    return is_settled;
}
