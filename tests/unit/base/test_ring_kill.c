// SPDX-License-Identifier: BSD-2-Clause
// Whoever works on a row is killed: at each of its instructions, one by one, and at random.
#include "base/ring.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/ring_layout.h"
#include "tests/unit/harness.h"

static struct rings *rings;
static struct buf record;
static char *snapshot;
static char filling[RING_SIZE_MIN];

static void
set_up(void)
{
    struct err err;

    rings = rings_new(1, 0, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rings);
    buf_init(&record, RING_RECORD_MAX);
    buf_space(&record, RING_SIZE_MIN); // no allocation while it is watched
    snapshot = mem_zalloc(rings->mapped);
    memset(filling, 'f', sizeof filling);
}

static void
tear_down(void)
{
    mem_free(&snapshot);
    buf_clear(&record);
    rings_free(&rings);
}

static bool
reads(uint64_t *at, const char *text)
{
    return ring_next(rings, 0, at, &record) == 1 && span_is(buf_span(&record), text);
}

// Moves on, with nothing waiting, to so many bytes before the end of the row.
static void
go_to(size_t before_end)
{
    size_t left = RING_SIZE_MIN - before_end;
    uint64_t at = 0;

    while (left > 0) {
        size_t step = left > 8000 ? 4000 : left;

        CU_ASSERT_TRUE_FATAL(ring_put(rings, 0, span_from(filling, step - RING_LEN_BYTES)));
        CU_ASSERT_EQUAL_FATAL(ring_next(rings, 0, &at, &record), 1);
        ring_release(rings, 0, at);
        left -= step;
    }
}

// Whoever comes next, as a writer and as a reader, finds a row that works: it is filled, twice, and
// all of that is read.
static bool
is_row_good(uint64_t at)
{
    for (unsigned lap = 0; lap < 2; lap++) {
        unsigned put = 0;

        while (ring_put(rings, 0, span_from(filling, 1000)))
            put++;
        if (put < RING_SIZE_MIN / 1004 * 7 / 8 - 2)
            return false;
        for (; put > 0; put--) {
            if (ring_next(rings, 0, &at, &record) != 1 || record.len != 1000 ||
                memcmp(record.data, filling, 1000) != 0)
                return false;
        }
        if (ring_next(rings, 0, &at, &record) != 0)
            return false;
        ring_release(rings, 0, at);
    }
    return true;
}

// Runs work in a child and, before each of its instructions, check in here, as if the child had
// been killed there; what check changes is undone. Returns the number of instructions.
static unsigned
step_through(void (*work)(void), void (*check)(void))
{
    unsigned steps = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        work();
        raise(SIGSTOP);
        _exit(0);
    }
    CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    for (;;) {
        memcpy(snapshot, rings->control, rings->mapped);
        check();
        memcpy(rings->control, snapshot, rings->mapped);
        CU_ASSERT_EQUAL_FATAL(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
        if (WSTOPSIG(status) != SIGTRAP)
            break;
        steps++;
    }
    CU_ASSERT_EQUAL(WSTOPSIG(status), SIGSTOP);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return steps;
}

static unsigned without, with, wrong;

static void
put_one(void)
{
    ring_put(rings, 0, SPAN_LITERAL("the one that is being put"));
}

static void
check_put(void)
{
    uint64_t at = 0;
    int result;

    wrong += !reads(&at, "before");
    result = ring_next(rings, 0, &at, &record);
    if (result == 1) {
        wrong += !span_is(buf_span(&record), "the one that is being put");
        with++;
    } else {
        wrong += result != 0 || with > 0; // once there, always there
        without++;
    }
    wrong += !ring_put(rings, 0, SPAN_LITERAL("the next writer's"));
    wrong += !reads(&at, "the next writer's");
    ring_release(rings, 0, at);
    wrong += !is_row_good(at);
    wrong += ring_dropped(rings, 0) != 2; // what did not fit into the full row
}

static void
test_writer(void)
{
    // The end of the row cuts the record, its length, and nothing.
    static const size_t ends[] = {20, 12, 10 + 4 + 7, 5000};

    for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
        set_up();
        with = without = wrong = 0;
        go_to(ends[i]);
        ring_put(rings, 0, SPAN_LITERAL("before"));
        step_through(put_one, check_put);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_TRUE(without > 10 && with > 10);
        tear_down();
    }
}

static void
read_two(void)
{
    uint64_t at = 0;

    ring_next(rings, 0, &at, &record);
    ring_next(rings, 0, &at, &record);
    ring_release(rings, 0, at);
}

static void
check_release(void)
{
    uint64_t at = 0;
    int result = ring_next(rings, 0, &at, &record);

    if (result == 1 && span_is(buf_span(&record), "first")) {
        wrong += !reads(&at, "second") || with > 0;
        wrong += !reads(&at, "third");
        without++;
    } else {
        wrong += result != 1 || !span_is(buf_span(&record), "third");
        with++;
    }
    wrong += !ring_put(rings, 0, SPAN_LITERAL("fourth"));
    wrong += !reads(&at, "fourth");
    ring_release(rings, 0, at);
    wrong += !is_row_good(at);
}

static void
test_reader(void)
{
    // What is released ends a block and the row, a block, and nothing; then it begins within one.
    static const size_t ends[] = {15, 8192 + 15, 5000, 3};

    for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
        set_up();
        with = without = wrong = 0;
        go_to(ends[i]);
        ring_put(rings, 0, SPAN_LITERAL("first"));
        ring_put(rings, 0, SPAN_LITERAL("second"));
        ring_put(rings, 0, SPAN_LITERAL("third"));
        step_through(read_two, check_release);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_TRUE(without > 10 && with > 10);
        tear_down();
    }
}

// At random: a stream of numbered records, of lengths that follow from their numbers.

enum { KILLS = 300, BATCH = 20 };

struct number { // of a record: which writer's, and which of his
    uint32_t writer, count;
};

static struct {                      // told by the children, so that it outlives them
    _Atomic uint32_t put[KILLS + 1]; // by writer: records that are there for sure
    _Atomic uint64_t committed;      // packed number of the last record taken care of
    _Atomic uint64_t released;       // the same, once it was released
    _Atomic uint64_t last;           // the same, of the last record read
    _Atomic uint64_t read, repeated;
} * told;

static uint64_t
pack(struct number number) // never 0: none
{
    return ((uint64_t)number.writer + 1) << 32 | number.count;
}

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static struct span
make_record(struct number number)
{
    static char out[1000];
    uint32_t state = number.writer * 65537 + number.count;
    size_t len = sizeof number + next_random(&state) % 700;

    memcpy(out, &number, sizeof number);
    for (size_t i = sizeof number; i < len; i++)
        out[i] = (char)next_random(&state);
    return span_from(out, len);
}

static _Noreturn void
write_for_ever(uint32_t writer)
{
    struct number number = {.writer = writer};

    for (;; number.count++) {
        while (!ring_put(rings, 0, make_record(number)))
            sched_yield();
        told->put[writer] = number.count + 1;
    }
}

// Does the record with the packed number next come right after the one with the packed number last?
static bool
follows(uint64_t last, struct number next)
{
    uint32_t writer = (uint32_t)(last >> 32); // the one after last's
    uint32_t count = (uint32_t)last + 1;      // what its writer put for sure

    if (last != 0 && next.writer + 1 == writer)
        return next.count == count;
    if (next.writer < writer || next.count != 0 || (last != 0 && told->put[writer - 1] > count))
        return false;
    for (; writer < next.writer; writer++) {
        if (told->put[writer] > 0)
            return false;
    }
    return true;
}

static bool
is_next_good(uint64_t *last, bool is_first)
{
    struct number number;
    struct span made;

    if (record.len < sizeof number)
        return false;
    memcpy(&number, record.data, sizeof number);
    made = make_record(number);
    if (made.len != record.len || memcmp(made.data, record.data, made.len) != 0)
        return false;
    told->repeated += pack(number) <= told->last;
    told->last = pack(number);
    told->read++;
    if (follows(*last, number)) {
        if (is_first)
            told->released = *last; // the reader before was killed before it could say so
    } else if (!is_first || !follows(told->released, number)) {
        return false;
    }
    *last = pack(number);
    return true;
}

// True: it is at the end and all was well.
static bool
read_stream(bool is_for_ever)
{
    uint64_t last = told->committed, at = 0;
    bool is_first = true;
    int result;

    for (;;) {
        for (unsigned i = 0; i < BATCH; i++) {
            result = ring_next(rings, 0, &at, &record);
            if (result == 0)
                break;
            if (result < 0 || !is_next_good(&last, is_first))
                return false;
            is_first = false;
        }
        if (last > told->committed)
            told->committed = last;
        ring_release(rings, 0, at);
        if (!is_first)
            told->released = last;
        if (result == 0 && !is_for_ever)
            return true;
        if (result == 0)
            sched_yield();
    }
}

static pid_t
start_writer(uint32_t number)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    write_for_ever(number);
}

static pid_t
start_reader(void)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(!read_stream(true));
}

// Kills it once so many records more have been read, and takes it away. False: one of the two has
// ended by itself, since something was wrong; both are still there.
static bool
kill_after(pid_t pid, uint64_t records, unsigned more)
{
    uint64_t before = told->read;
    siginfo_t info = {0};

    while (told->read - before < records) {
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
            return false;
        sched_yield();
    }
    for (volatile unsigned i = 0; i < more; i++)
        continue;
    kill(pid, SIGKILL);
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 || info.si_code != CLD_KILLED)
        return false;
    return waitpid(pid, NULL, 0) == pid;
}

// True: each of the kills found them at work, and so did the last look.
static bool
kill_both(uint32_t *writers_out)
{
    uint32_t state = 1, writers = 0;
    pid_t writer = start_writer(writers++), reader = start_reader();
    bool is_good = true;

    for (unsigned i = 0; is_good && i < KILLS; i++) {
        uint64_t records = next_random(&state) % 100;
        unsigned more = next_random(&state) % 5000;
        bool is_writer = next_random(&state) % 2 == 0;

        is_good = kill_after(is_writer ? writer : reader, records, more);
        if (is_good && is_writer)
            writer = start_writer(writers++);
        else if (is_good)
            reader = start_reader();
    }
    kill(writer, SIGKILL);
    kill(reader, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    *writers_out = writers;
    return is_good && read_stream(false);
}

static void
test_at_random(void)
{
    uint32_t writers = 0;

    set_up();
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(told, MAP_FAILED);
    CU_ASSERT_TRUE(kill_both(&writers));
    CU_ASSERT_TRUE(follows(told->committed, (struct number){.writer = writers})); // nothing lacks
    CU_ASSERT_TRUE(told->read > KILLS && told->repeated > 0);
    munmap(told, sizeof *told);
    tear_down();
}

static const struct unit_test tests[] = {
    {"a writer, at each instruction", test_writer   },
    {"a reader, at each instruction", test_reader   },
    {"both, at random",               test_at_random},
};

UNIT_MAIN("base/ring_kill", tests)
