// SPDX-License-Identifier: BSD-2-Clause
// ledger [--short] [--json] FOLDER [MESSAGES] - what the ledger costs: CPU and bytes a message, of
// one recipient and two results each, put in batches of 1,000; then of what Postfix's log says of
// each, of reading all changes, and of expiring. --short: Postfix's short queue ids, which do not
// ascend with time. FOLDER is on the disk that is meant. Means anything on a release build only.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "track/ledger/ledger.h"

enum { BATCH = 1000, MESSAGES = 200000, TEXT = 80, READ_MAX = 200, ARENA_MAX = 64 << 20 };

static const int64_t start_ms = 1700000000000;

struct message {
    char id[TEXT], in[TEXT], out[TEXT], from[TEXT], to[TEXT], reply[2 * TEXT], message_id[TEXT],
        subject[TEXT];
    struct record_rcpt rcpt;
    struct record_group group;
    struct record_result results[2];
    struct record record;
};

struct bench {
    struct ledger *ledger;
    char *path;
    size_t messages;
    bool has_short_ids;
    struct message message;
};

struct figure {
    const char *name;
    double cpu_us, wall_us; // a message
};

enum { FIGURES = 4 };

static double
clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

// The same for the same number: a queue id is needed again for the log's line.
static uint64_t
noise(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static void
make_queue_id(const struct bench *bench, size_t number, unsigned way, char out[TEXT])
{
    if (bench->has_short_ids)
        snprintf(out, TEXT, "%05llX%06zX", (unsigned long long)noise(number * 2 + way) % 1000000,
                 100000 + number % 5000);
    else
        snprintf(out, TEXT, "4jWw%08zxz%u", number, way);
}

static void
make_texts(struct bench *bench, size_t number)
{
    struct message *message = &bench->message;

    snprintf(message->id, TEXT, "4X2%08zx", number);
    make_queue_id(bench, number, 1, message->in);
    make_queue_id(bench, number, 2, message->out);
    snprintf(message->from, TEXT, "sender%llu@example.org",
             (unsigned long long)noise(number) % 10000);
    snprintf(message->to, TEXT, "recipient%llu@example.com",
             (unsigned long long)noise(number + 7) % 1000);
    snprintf(message->reply, sizeof(message->reply), "2.0.0 Ok: queued as %s", message->out);
    snprintf(message->message_id, TEXT, "<%016llx.%zu@mail.example.org>",
             (unsigned long long)noise(number + 9), number);
    snprintf(message->subject, TEXT, "Minutes of meeting number %zu, and what follows", number);
}

static void
make_lists(struct message *message, int64_t at_ms)
{
    message->rcpt = (struct record_rcpt){.to = span_of(message->to),
                                         .status = RCPT_SENT,
                                         .at_ms = at_ms + 80,
                                         .code = 250,
                                         .reply = span_of(message->reply),
                                         .relay = SPAN_LITERAL("127.0.0.1:10025"),
                                         .queue_id = span_of(message->out)};
    message->group = (struct record_group){.verdict = VERDICT_ACCEPT};
    message->results[0] = (struct record_result){.filter = SPAN_LITERAL("clamav"),
                                                 .kind = RESULT_CLEAN,
                                                 .server = SPAN_LITERAL("unix:/run/clamav/ctl"),
                                                 .took_us = 3100};
    message->results[1] = (struct record_result){
        .filter = SPAN_LITERAL("rspamd"),
        .kind = RESULT_CLEAN,
        .has_score = true,
        .score = 1.25,
        .required_score = 15,
        .names = SPAN_LITERAL("ARC_NA, BAYES_HAM, DMARC_POLICY_ALLOW, FROM_EQ_ENVFROM, "
                              "FROM_HAS_DN, MIME_GOOD, MIME_TRACE, RCPT_COUNT_ONE, RCVD_COUNT_TWO, "
                              "RCVD_TLS_LAST, R_DKIM_ALLOW, R_SPF_ALLOW, TO_DN_NONE"),
        .action = SPAN_LITERAL("no action"),
        .server = SPAN_LITERAL("inet:127.0.0.1:11333"),
        .wish = WISH_ACCEPT,
        .took_us = 21000};
}

static const struct record *
make_record(struct bench *bench, size_t number)
{
    struct message *message = &bench->message;
    int64_t at_ms = start_ms + (int64_t)number / 5;

    make_texts(bench, number);
    make_lists(message, at_ms);
    message->record = (struct record){
        .id = span_of(message->id),
        .step = 40,
        .place = RECORD_DONE,
        .arrived_ms = at_ms,
        .told_ms = at_ms + 90,
        .listener = SPAN_LITERAL("inet:127.0.0.1:10024"),
        .next_hop = SPAN_LITERAL("reinject"),
        .queue_id = span_of(message->in),
        .client_name = SPAN_LITERAL("mail.example.org"),
        .client = SPAN_LITERAL("192.0.2.7"),
        .helo = SPAN_LITERAL("mail.example.org"),
        .from = span_of(message->from),
        .message_id = span_of(message->message_id),
        .subject = span_of(message->subject),
        .size = 5123,
        .score = 1.25,
        .stage_us = {1500, 2500, 900, 25000, 9000},
        .rcpts = &message->rcpt,
        .rcpt_count = 1,
        .groups = &message->group,
        .group_count = 1,
        .results = message->results,
        .result_count = 2
    };
    return &message->record;
}

static void
need(int answer, const struct err *err)
{
    if (answer == 0)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

// --- what is measured ---

static void
put_record(struct bench *bench, size_t number, struct err *err)
{
    need(ledger_put_record(bench->ledger, make_record(bench, number), err), err);
}

static void
put_delivery(struct bench *bench, size_t number, struct err *err)
{
    const struct record *record = make_record(bench, number);
    struct maillog_line line = {.at_ms = record->told_ms + 500,
                                .service = SPAN_LITERAL("smtp"),
                                .queue_id = record->rcpts[0].queue_id,
                                .to = record->rcpts[0].to,
                                .relay = SPAN_LITERAL("mx.example.com[192.0.2.9]:25"),
                                .dsn = SPAN_LITERAL("2.0.0"),
                                .status = MAILLOG_SENT,
                                .text = SPAN_LITERAL("250 2.0.0 Ok: queued as 4Zb1yn0QZrzB")};
    bool is_known;

    need(ledger_put_delivery(bench->ledger, &line, &is_known, err), err);
    if (!is_known)
        need(-1, &(struct err){.text = "a queue id is not known"});
}

typedef void put_one(struct bench *bench, size_t number, struct err *err);

static void
put_all(struct bench *bench, put_one *put)
{
    struct err err = {0};

    for (size_t i = 0; i < bench->messages; i++) {
        if (i % BATCH == 0)
            need(ledger_begin(bench->ledger, &err), &err);
        put(bench, i + 1, &err);
        if (i % BATCH == BATCH - 1 || i + 1 == bench->messages)
            need(ledger_commit(bench->ledger, &err), &err);
    }
}

static void
put_records(struct bench *bench)
{
    put_all(bench, put_record);
}

static void
put_deliveries(struct bench *bench)
{
    put_all(bench, put_delivery);
}

static void
read_changes(struct bench *bench)
{
    static struct record records[READ_MAX];
    struct err err = {0};
    struct arena arena;
    uint64_t after = 0;
    size_t count, all = 0;

    arena_init(&arena, ARENA_MAX);
    do {
        need(ledger_read_changes(bench->ledger, after, 0, READ_MAX, &arena, records, &count, &after,
                                 &err),
             &err);
        all += count;
        arena_clear(&arena);
    } while (count > 0);
    if (all != bench->messages)
        need(-1, &(struct err){.text = "not all messages were read"});
}

static void
expire_all(struct bench *bench)
{
    struct ledger_expiry expiry = {.before_ms = INT64_MAX, .max_rows = BATCH};
    struct err err = {0};
    bool is_left = true;

    while (is_left) {
        need(ledger_begin(bench->ledger, &err), &err);
        need(ledger_expire(bench->ledger, &expiry, &is_left, &err), &err);
        need(ledger_commit(bench->ledger, &err), &err);
    }
}

static void
measure(struct bench *bench, const char *name, void (*run)(struct bench *bench),
        struct figure *figure_out)
{
    double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID), wall = clock_us(CLOCK_MONOTONIC);

    run(bench);
    figure_out->name = name;
    figure_out->cpu_us = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)bench->messages;
    figure_out->wall_us = (clock_us(CLOCK_MONOTONIC) - wall) / (double)bench->messages;
}

static void
print(const struct bench *bench, const struct figure *figures, off_t bytes, bool is_json)
{
    struct json *json = json_object_new();
    struct buf out;

    buf_init(&out, 4096);
    json_set_number(json, "messages", (int64_t)bench->messages);
    json_set_number(json, "bytes", (int64_t)bytes / (int64_t)bench->messages);
    if (!is_json)
        printf("%-12s%10s%10s%12s\n", "a message", "us CPU", "us", "messages/s");
    for (size_t i = 0; i < FIGURES; i++) {
        char key[40];

        snprintf(key, sizeof(key), "%s_cpu_ns", figures[i].name);
        json_set_number(json, key, (int64_t)(figures[i].cpu_us * 1000));
        if (!is_json)
            printf("%-12s%10.1f%10.1f%12.0f\n", figures[i].name, figures[i].cpu_us,
                   figures[i].wall_us, 1e6 / figures[i].wall_us);
    }
    (void)json_print(json, &out);
    if (is_json)
        printf("%s\n", buf_text(&out));
    else
        printf("%zu messages, %lld bytes of the file for each\n", bench->messages,
               (long long)bytes / (long long)bench->messages);
    buf_clear(&out);
    json_free(&json);
}

static void
run(struct bench *bench, bool is_json)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct figure figures[FIGURES];
    char note[LEDGER_NOTE_MAX + 1];
    struct err err = {0};
    struct stat status;

    bench->ledger = ledger_open(bench->path, note, &err);
    need(bench->ledger == NULL ? -1 : 0, &err);
    measure(bench, "record", put_records, &figures[0]);
    measure(bench, "delivery", put_deliveries, &figures[1]);
    measure(bench, "read", read_changes, &figures[2]);
    ledger_close(&bench->ledger);
    need(stat(bench->path, &status), &(struct err){.text = "the file is gone"});
    bench->ledger = ledger_open(bench->path, note, &err);
    need(bench->ledger == NULL ? -1 : 0, &err);
    measure(bench, "expire", expire_all, &figures[3]);
    ledger_close(&bench->ledger);
    print(bench, figures, status.st_size, is_json);
    for (size_t i = 0; i < 3; i++) {
        char *path = mem_printf("%s%s", bench->path, suffixes[i]);

        (void)unlink(path);
        mem_free(&path);
    }
}

int
main(int argc, char **argv)
{
    struct bench *bench = mem_zalloc(sizeof(*bench));
    bool is_json = false;
    int at = 1;

    bench->messages = MESSAGES;
    for (; at < argc && argv[at][0] == '-'; at++) {
        bench->has_short_ids = bench->has_short_ids || strcmp(argv[at], "--short") == 0;
        is_json = is_json || strcmp(argv[at], "--json") == 0;
    }
    if (at + 1 < argc)
        bench->messages = strtoul(argv[at + 1], NULL, 10);
    if (at == argc || bench->messages == 0) {
        fprintf(stderr, "usage: ledger [--short] [--json] FOLDER [MESSAGES]\n");
        return 64;
    }
    bench->path = mem_printf("%s/bench-%ld.db", argv[at], (long)getpid());
    run(bench, is_json);
    mem_free(&bench->path);
    mem_free(&bench);
    return 0;
}
