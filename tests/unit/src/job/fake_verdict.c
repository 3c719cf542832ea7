// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/src/job/fake_verdict.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "policy/trial.h"
#include "src/job/split.h"
#include "tests/unit/src/job/fake_line.h"

struct trial {
    trial_done *done;
    void *arg;
    struct trial_outcome outcome;
    const struct smtp_envelope *envelope;
    bool is_freed, is_due; // the turn is still to come
};

struct splitting {
    struct split_request request;
    split_done *done;
    void *arg;
};

const char *fake_verdicts = "a";
int fake_copies, fake_crashes;
bool fake_is_childless;
uint64_t fake_look_us;
bool fake_gives_copies;

void
fake_verdict_reset(void)
{
    fake_verdicts = "a";
    fake_copies = 0;
    fake_gives_copies = false;
    fake_crashes = 0;
    fake_is_childless = false;
    fake_look_us = 0;
}

static enum verdict
verdict_of(char letter)
{
    static const struct {
        char letter;
        enum verdict verdict;
    } rows[] = {
        {'a', VERDICT_ACCEPT    },
        {'e', VERDICT_ACCEPT    },
        {'m', VERDICT_ACCEPT    },
        {'q', VERDICT_QUARANTINE},
        {'r', VERDICT_REJECT    },
        {'d', VERDICT_DISCARD   },
        {'l', VERDICT_DEFER     },
        {'h', VERDICT_HOLD      },
        {'n', VERDICT_REDIRECT  },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].letter == letter)
            return rows[i].verdict;
    }
    return VERDICT_NONE;
}

static void
add_group(struct trial *trial, char letter, size_t number)
{
    struct decision *decision = &trial->outcome.decision;
    struct decide_group *group;

    for (size_t i = 0; i < decision->group_count; i++) {
        if (decision->groups[i].reason[0] != letter)
            continue;
        ranges_add(&decision->groups[i].rcpts, number);
        return;
    }
    decision->groups =
        mem_regrow(decision->groups, decision->group_count + 1, sizeof *decision->groups);
    group = &decision->groups[decision->group_count++];
    *group = (struct decide_group){.verdict = verdict_of(letter), .rule = "rule", .score = NAN};
    group->reason = mem_printf("%c", letter);
    group->to = letter == 'n' ? mem_strdup("new@example.net") : NULL;
    for (int i = 0; i < (letter == 'm' ? JOURNAL_FIELDS_MAX : letter == 'e' ? 1 : 0); i++)
        (void)edit_list_add(&group->edits, EDIT_ADD, "X-Test", span_of("yes"), -1, NULL);
    ranges_init(&group->rcpts, trial->envelope->rcpt_count);
    ranges_add(&group->rcpts, number);
}

static void
make_decision(struct trial *trial)
{
    struct decision *decision = &trial->outcome.decision;
    const char *letter = fake_verdicts;

    for (size_t i = 0; i < trial->envelope->rcpt_count; i++) {
        add_group(trial, *letter, i);
        letter += letter[1] != '\0' ? 1 : 0;
    }
    decision->copies = mem_zarray((size_t)fake_copies + 1, sizeof *decision->copies);
    for (int i = 0; i < fake_copies; i++)
        decision->copies[decision->copy_count++].address = mem_strdup("copy@example.net");
}

static void
drop(struct trial *trial)
{
    struct decision *decision = &trial->outcome.decision;

    for (size_t i = 0; i < decision->group_count; i++) {
        ranges_clear(&decision->groups[i].rcpts);
        edit_list_clear(&decision->groups[i].edits);
        mem_free(&decision->groups[i].reason);
        mem_free(&decision->groups[i].to);
    }
    for (size_t i = 0; i < decision->copy_count; i++)
        mem_free(&decision->copies[i].address);
    mem_free(&decision->groups);
    mem_free(&decision->copies);
    mem_free(&trial);
}

static void
run_trial(void *arg)
{
    struct trial *trial = arg;
    struct err err;

    trial->is_due = false;
    if (trial->is_freed) {
        drop(trial);
    } else if (fake_crashes > 0) {
        fake_crashes--;
        err_set(&err, ERR_TEMP, "killed by signal 11");
        trial->done(trial->arg, TRIAL_CRASHED, NULL, &err);
    } else {
        make_decision(trial);
        trial->outcome.look_us = fake_look_us;
        trial->done(trial->arg, TRIAL_DECIDED, &trial->outcome, NULL);
    }
}

struct trial *
trial_start(const struct trial_parts *parts, const struct trial_request *request, trial_done *done,
            void *arg)
{
    struct trial *trial = mem_zalloc(sizeof *trial);

    (void)parts;
    trial->envelope = request->envelope;
    trial->done = done;
    trial->arg = arg;
    trial->is_due = true;
    fake_later(run_trial, trial);
    return trial;
}

void
trial_free(struct trial **trial)
{
    struct trial *gone = *trial;

    *trial = NULL;
    if (gone == NULL)
        return;
    gone->is_freed = true;
    if (!gone->is_due)
        drop(gone);
}

static struct spool_file *
make_copy(void)
{
    static const struct fake_message message = {
        .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};
    struct spool_file *file = fake_file(&message);
    struct smtp_envelope *envelope = (struct smtp_envelope *)spool_file_envelope(file);

    envelope->parent = mem_strdup("4X2k9QzT7mB");
    envelope->reason = mem_strdup("copy");
    return file;
}

static void
run_split(void *arg)
{
    struct splitting *splitting = arg;
    bool fails = fake_disk_is_full || fake_is_childless;
    struct spool_file *copy = fake_gives_copies && !fails ? make_copy() : NULL;
    struct err err;

    if (!fails)
        (void)buf_printf(&fake_children, "%s ", splitting->request.reason);
    err_set(&err, fake_is_childless ? ERR_PERM : ERR_TEMP, "no child");
    splitting->done(splitting->arg, "4X2k9QzT7mB.1", copy, fails ? &err : NULL);
    mem_free(&splitting);
}

void
split_start(struct spool *spool, const struct split_request *request, split_done *done, void *arg)
{
    struct splitting *splitting = mem_zalloc(sizeof *splitting);

    (void)spool;
    splitting->request = *request;
    splitting->done = done;
    splitting->arg = arg;
    fake_later(run_split, splitting);
}
