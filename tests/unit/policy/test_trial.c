// SPDX-License-Identifier: BSD-2-Clause
#include "policy/trial.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/policy/fake_scan.h"
#include "tests/unit/policy/story.h"

static const char content[] = "Subject: x\r\n\r\nHello\r\n";

struct course { // one trial, and what came of it
    struct kit kit;
    struct trial_parts parts;
    struct trial_request request;
    struct trial *trial;
    size_t dones;
    bool frees; // the trial in its own done
    enum trial_end end;
    struct trial_outcome *outcome;
    char text[256]; // of the decision
    struct err err;
};

static void
on_done(void *arg, enum trial_end end, struct trial_outcome *outcome, const struct err *err)
{
    struct course *course = arg;
    struct buf text;

    course->dones++;
    course->end = end;
    course->outcome = outcome;
    buf_init(&text, sizeof(course->text) - 1);
    story_decision(&outcome->decision, &text);
    (void)snprintf(course->text, sizeof(course->text), "%s", buf_text(&text));
    if (err != NULL)
        course->err = *err;
    buf_clear(&text);
    if (course->frees)
        trial_free(&course->trial);
}

static void
begin(struct course *course, const char *rules, const char *story)
{
    memset(course, 0, sizeof(*course));
    memset(&fake_scan, 0, sizeof(fake_scan));
    kit_init(&course->kit, rules);
    story_tell(&course->kit, story);
    fake_scan.filters = course->kit.filters;
    fake_scan.filter_count = KIT_FILTERS;
    fake_scan.now_ms = 5000;
    course->parts = (struct trial_parts){
        .dissect = (struct dissect *)(void *)&fake_scan,
        .filters = (struct filters *)(void *)&fake_scan,
        .rules = &course->kit.rules,
        .policy = &course->kit.policy,
        .dissect_settings = &course->kit.dissect,
    };
    course->request = (struct trial_request){
        .envelope = &course->kit.envelope,
        .hostname = "mx.example.com",
        .source = {.memory = SPAN_LITERAL(content), .fd_take = -1, .len = sizeof(content) - 1},
    };
}

static void
start(struct course *course)
{
    course->trial = trial_start(&course->parts, &course->request, on_done, course);
    CU_ASSERT(course->dones == 0);
}

static void
finish(struct course *course)
{
    trial_free(&course->trial);
    CU_ASSERT_PTR_NULL(course->trial);
    CU_ASSERT(fake_scan.contents == 0 && fake_scan.timers == 0);
    CU_ASSERT(!fake_scan.is_looking && !fake_scan.is_asking);
    kit_clear(&course->kit);
}

// The kit's findings go over to the trial, as they do from a dissector.
static struct findings *
take_findings(struct course *course)
{
    struct findings *findings = course->kit.findings;

    course->kit.findings = NULL;
    return findings;
}

static void
test_way(void)
{
    struct course course;

    begin(&course, "v: virus=*; action=quarantine\na: attachment=*.exe; action=hold", "part=a.exe");
    start(&course);
    CU_ASSERT(fake_scan.is_looking && !fake_scan.is_asking);
    CU_ASSERT(fake_scan.timer_ms == 120000 && fake_scan.look.wait_ms == 120000);
    fake_scan.now_ms += 1000;
    fake_scan_looked(DISSECT_FOUND, take_findings(&course));
    CU_ASSERT(fake_scan.is_asking && fake_scan.timer_ms == 0 && course.dones == 0);
    CU_ASSERT(fake_scan.ask.deadline_ms == 125000);
    CU_ASSERT(fake_scan.ask.message.findings != NULL);
    CU_ASSERT(fake_scan.ask.message.envelope == &course.kit.envelope);
    fake_scan_answered(course.kit.results);
    CU_ASSERT(course.dones == 1 && course.end == TRIAL_DECIDED);
    CU_ASSERT_STRING_EQUAL(course.text, "0 hold a");
    CU_ASSERT(course.outcome->findings != NULL && course.outcome->result_count == KIT_FILTERS);
    CU_ASSERT(course.outcome->results == course.kit.results);
    finish(&course);
}

static void
test_query(void)
{
    const struct dissect_query *query = &fake_scan.look.query;
    struct course course;

    begin(&course, "", "to=b@example.com from=<>");
    course.kit.envelope.xforward[XFORWARD_NAME] = mem_strdup("mail.example.org");
    mem_free(&course.kit.envelope.from_params);
    course.kit.envelope.from_params = mem_strdup("AUTH=joe");
    start(&course);
    CU_ASSERT(query->from.len == 0 && span_is(query->helo, "mx.example.com"));
    CU_ASSERT(span_is(query->user, "joe") && span_is(query->client_name, "mail.example.org"));
    CU_ASSERT_FATAL(query->rcpt_count == 2);
    CU_ASSERT(span_is(query->rcpts[1], "b@example.com"));
    CU_ASSERT(span_is(query->content, content) && query->len == sizeof(content) - 1);
    CU_ASSERT(fake_scan.look.fd == -1);
    finish(&course);
    CU_ASSERT(fake_scan.look_cancels == 1);
}

static void
test_descriptor(void)
{
    struct course course;

    begin(&course, "", "");
    course.request.source = (struct content_source){.fd_take = 77, .offset = 300, .len = 5000};
    start(&course);
    CU_ASSERT(fake_scan.look.fd == 77 && fake_scan.source.fd_take == 77);
    CU_ASSERT(fake_scan.look.query.offset == 300 && fake_scan.look.query.len == 5000);
    CU_ASSERT_PTR_NULL(fake_scan.look.query.content.data);
    finish(&course);
}

static void
test_nobody_looks(void)
{
    struct course course;

    begin(&course, "v: virus=*; action=quarantine", "virus@clamav=Eicar");
    course.parts.dissect = NULL;
    start(&course);
    CU_ASSERT(fake_scan.looks == 0 && fake_scan.is_asking);
    CU_ASSERT_PTR_NULL(fake_scan.ask.message.findings);
    fake_scan_answered(course.kit.results);
    CU_ASSERT_STRING_EQUAL(course.text, "0 quarantine v");
    CU_ASSERT_PTR_NULL(course.outcome->findings);
    finish(&course);
}

static void
test_crash(void)
{
    struct course course;

    begin(&course, "", "");
    start(&course);
    fake_scan_looked(DISSECT_CRASHED, NULL);
    CU_ASSERT(course.dones == 1 && course.end == TRIAL_CRASHED && fake_scan.asks == 0);
    CU_ASSERT_STRING_EQUAL(course.err.text, "told so");
    CU_ASSERT(course.outcome->decision.group_count == 0);
    finish(&course);
}

#define DEFERRED "0 defer filter:dissect (nobody could look into it)"

static void
test_unavailable(void)
{
    struct course course;

    begin(&course, "a: action=accept", "");
    start(&course);
    fake_scan_looked(DISSECT_UNAVAILABLE, NULL);
    CU_ASSERT(course.dones == 1 && course.end == TRIAL_DECIDED && fake_scan.asks == 0);
    CU_ASSERT_STRING_EQUAL(course.text, DEFERRED);
    CU_ASSERT(course.outcome->results == NULL && course.outcome->result_count == 0);
    finish(&course);
}

static void
test_deadline(void)
{
    struct course course;

    begin(&course, "a: action=accept", "");
    start(&course);
    fake_scan_time_out();
    CU_ASSERT(fake_scan.look_cancels == 1 && fake_scan.asks == 0);
    CU_ASSERT(course.dones == 1 && course.end == TRIAL_DECIDED);
    CU_ASSERT_STRING_EQUAL(course.text, DEFERRED);
    finish(&course);
}

// The runner learns when nothing that is open matters any more.
static void
test_settled(void)
{
    struct course course;

    begin(&course, "v: virus=*; action=quarantine", "rspamd!pending second!pending clamav!pending");
    start(&course);
    fake_scan_looked(DISSECT_FOUND, take_findings(&course));
    CU_ASSERT(!fake_scan.ask.is_settled(fake_scan.ask.arg, course.kit.results, KIT_FILTERS));
    kit_virus(&course.kit, KIT_CLAMAV, "Eicar");
    CU_ASSERT(fake_scan.ask.is_settled(fake_scan.ask.arg, course.kit.results, KIT_FILTERS));
    fake_scan_answered(course.kit.results);
    CU_ASSERT_STRING_EQUAL(course.text, "0 quarantine v");
    finish(&course);
}

static void
test_release(void)
{
    struct course course;

    begin(&course, "v: virus=*; action=quarantine\nw: virus=*; action=hold", "virus@clamav=Eicar");
    course.kit.envelope.skip_rule = mem_strdup("v");
    start(&course);
    fake_scan_looked(DISSECT_FOUND, take_findings(&course));
    fake_scan_answered(course.kit.results);
    CU_ASSERT_STRING_EQUAL(course.text, "0 hold w");
    finish(&course);
}

static void
test_listener_rules(void)
{
    char *names[] = {mem_strdup("b"), NULL};
    struct setting_list use = {names, 1};
    struct course course;

    begin(&course, "a: action=discard\nb: action=hold", "");
    course.request.use_rules = &use;
    start(&course);
    fake_scan_looked(DISSECT_FOUND, take_findings(&course));
    fake_scan_answered(course.kit.results);
    CU_ASSERT_STRING_EQUAL(course.text, "0 hold b");
    finish(&course);
    mem_free(&names[0]);
}

static void
test_no_filters(void)
{
    struct course course;

    begin(&course, "a: action=hold", "");
    fake_scan.filter_count = 0;
    start(&course);
    fake_scan_looked(DISSECT_FOUND, take_findings(&course));
    fake_scan_answered(NULL);
    CU_ASSERT_STRING_EQUAL(course.text, "0 hold a");
    finish(&course);
}

static struct findings *
odd_findings(uint64_t parts_len)
{
    struct findings *findings = findings_new();

    findings->is_odd = true;
    findings->parts_len = parts_len;
    return findings;
}

// What is odd is looked at again, and its parts are shown.
static void
test_parts(void)
{
    const struct dissect_query *query = &fake_scan.look.query;
    struct course course;
    char bytes[10] = "";

    begin(&course, "a: action=hold", "clamav!pending");
    course.kit.filters[KIT_CLAMAV].max_size = 30 << 20;
    course.parts.dissect_settings = &course.kit.dissect;
    start(&course);
    CU_ASSERT_EQUAL(query->parts_max, 0);
    fake_scan.now_ms += 1000;
    fake_scan_looked(DISSECT_FOUND, odd_findings(0));
    CU_ASSERT(fake_scan.looks == 2 && fake_scan.asks == 0 && course.dones == 0);
    CU_ASSERT_EQUAL(query->parts_max, 30 << 20);
    CU_ASSERT(span_is(query->content, content));
    CU_ASSERT(fake_scan.timer_ms == 119000 && fake_scan.look.wait_ms == 119000);
    CU_ASSERT_EQUAL(pwrite(query->parts_fd, "parts", 5, 0), 5);
    CU_ASSERT_EQUAL(ftruncate(query->parts_fd, 5), 0); // as sealing does
    fake_scan_looked(DISSECT_FOUND, odd_findings(5));
    CU_ASSERT(fake_scan.looks == 2 && fake_scan.asks == 1);
    CU_ASSERT_PTR_EQUAL(fake_scan.ask.message.parts, (void *)&fake_scan.parts);
    CU_ASSERT(fake_scan.ask.message.findings->parts_len == 5 && fake_scan.parts.len == 5);
    CU_ASSERT_EQUAL(pread(fake_scan.parts.fd_take, bytes, 10, 0), 5);
    CU_ASSERT_STRING_EQUAL(bytes, "parts");
    CU_ASSERT_EQUAL(fcntl(fake_scan.parts.fd_take, F_GETFL) & O_ACCMODE, O_RDONLY);
    fake_scan_answered(course.kit.results);
    CU_ASSERT_STRING_EQUAL(course.text, "0 hold a");
    finish(&course);
    CU_ASSERT_EQUAL(fcntl(query->parts_fd, F_GETFD), -1);
}

static void
test_no_parts(void)
{
    static const struct {
        const char *name, *rules;
        int setting;
        uint64_t parts_len;
        bool is_odd;
        size_t looks;
        bool at_first;
    } rows[] = {
        {"in order",          "",                     FILTER_PARTS_ODD,    0, false, 1, false},
        {"nobody wants them", "",                     FILTER_PARTS_NEVER,  0, true,  1, false},
        {"there are none",    "",                     FILTER_PARTS_ODD,    0, true,  2, false},
        {"decided by a rule", "d: action=quarantine", FILTER_PARTS_ODD,    0, true,  1, false},
        {"always, and none",  "",                     FILTER_PARTS_ALWAYS, 0, false, 1, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct course course;

        begin(&course, rows[i].rules, "");
        for (size_t k = 0; k < KIT_FILTERS; k++)
            course.kit.filters[k].parts = rows[i].setting;
        start(&course);
        UNIT_CHECK_ROW(rows[i].name, (fake_scan.look.query.parts_max > 0) == rows[i].at_first);
        for (size_t look = 0; look < rows[i].looks; look++) {
            struct findings *findings = odd_findings(rows[i].parts_len);

            findings->is_odd = rows[i].is_odd;
            UNIT_CHECK_ROW(rows[i].name, !fake_scan.is_asking);
            fake_scan_looked(DISSECT_FOUND, findings);
        }
        UNIT_CHECK_ROW(rows[i].name, fake_scan.looks == rows[i].looks && fake_scan.is_asking);
        UNIT_CHECK_ROW(rows[i].name, fake_scan.ask.message.parts == NULL);
        fake_scan_answered(course.kit.results);
        finish(&course);
    }
}

// The most that a filter takes, and no more than archives may unpack to.
static void
test_parts_bound(void)
{
    struct course course;

    begin(&course, "", "");
    course.kit.dissect.max_unpacked = 1000;
    start(&course);
    fake_scan_looked(DISSECT_FOUND, odd_findings(0));
    CU_ASSERT_EQUAL(fake_scan.look.query.parts_max, 1000);
    finish(&course);
}

// A second look ends as a first one does.
static void
test_second_look_fails(void)
{
    struct course course;

    for (size_t i = 0; i < 3; i++) {
        begin(&course, "a: action=accept", "");
        course.kit.filters[KIT_CLAMAV].parts = FILTER_PARTS_ODD;
        start(&course);
        fake_scan.now_ms += i == 2 ? 500000 : 0;
        fake_scan_looked(DISSECT_FOUND, odd_findings(0));
        CU_ASSERT_FATAL(fake_scan.is_looking);
        CU_ASSERT_EQUAL(fake_scan.look.wait_ms, i == 2 ? 0 : 120000);
        if (i == 0)
            fake_scan_looked(DISSECT_CRASHED, NULL);
        else
            fake_scan_looked(DISSECT_UNAVAILABLE, NULL);
        CU_ASSERT(course.dones == 1 && fake_scan.asks == 0);
        CU_ASSERT_EQUAL(course.end, i == 0 ? TRIAL_CRASHED : TRIAL_DECIDED);
        if (i > 0)
            CU_ASSERT_STRING_EQUAL(course.text, DEFERRED);
        finish(&course);
    }
}

// At each step, and from within done.
static void
test_free(void)
{
    struct course course;

    for (size_t step = 0; step < 4; step++) {
        begin(&course, "a: action=hold", "");
        course.frees = step == 3;
        if (step > 0)
            start(&course);
        if (step > 1)
            fake_scan_looked(DISSECT_FOUND, take_findings(&course));
        if (step > 2)
            fake_scan_answered(course.kit.results);
        CU_ASSERT(course.dones == (step > 2 ? 1U : 0U));
        finish(&course);
    }
}

static const struct unit_test tests[] = {
    {"way",               test_way              },
    {"query",             test_query            },
    {"descriptor",        test_descriptor       },
    {"nobody looks",      test_nobody_looks     },
    {"crash",             test_crash            },
    {"unavailable",       test_unavailable      },
    {"deadline",          test_deadline         },
    {"settled",           test_settled          },
    {"release",           test_release          },
    {"listener rules",    test_listener_rules   },
    {"no filters",        test_no_filters       },
    {"parts",             test_parts            },
    {"no parts",          test_no_parts         },
    {"parts, bound",      test_parts_bound      },
    {"second look fails", test_second_look_fails},
    {"free",              test_free             },
};

UNIT_MAIN("policy/trial", tests)
