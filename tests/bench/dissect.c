// SPDX-License-Identifier: BSD-2-Clause
// dissect [--json] - CPU time of looking into a message, by part of the work, at three sizes: a
// text, its HTML half, and an attachment in base64. Means anything on a release build only.
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "mime/reading/look.h"

enum { SIZES = 3, WARM_UP = 20, RUN_BYTES = 40 << 20, RUNS_MAX = 2000 };

static const struct dissect_setup setup = {
    .limits = {.memory = UINT64_C(512) << 20,
               .max_depth = 32,
               .max_parts = 2000,
               .max_members = 10000,
               .max_unpacked = 200 << 20,
               .max_ratio = 250,
               .max_header = 256 << 10,
               .max_field = 64 << 10,
               .max_fields = 2000,
               .max_parameters = 200}
};

static const struct {
    const char *name;
    size_t len;
} sizes[SIZES] = {
    {"4 KB",  4 << 10 },
    {"50 KB", 50 << 10},
    {"1 MB",  1 << 20 }
};

static void
make_message(struct buf *out, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t noise = 1;

    (void)buf_add_text(out, "From: Ann <ann@example.org>\r\nTo: bob@example.com\r\n"
                            "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
                            "Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n\r\nSee http://example.org/"
                            " and below.\r\n--edge\r\nContent-Type: text/html\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><a "
                            "href=3D\"http://example.org/\">below</a></body></html>\r\n--edge\r\n"
                            "Content-Type: application/octet-stream; name=data.bin\r\n"
                            "Content-Disposition: attachment; filename=data.bin\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 1; out->len + 12 < len; i++) {
        noise = noise * 1664525 + 1013904223;
        (void)buf_add_char(out, letters[noise >> 26]);
        if (i % 76 == 0)
            (void)buf_add_text(out, "\r\n");
    }
    (void)buf_add_text(out, "\r\n--edge--\r\n");
}

static void
look_once(struct look *look, struct span message)
{
    const struct dissect_query query = {.content = message, .len = message.len};
    struct err err;
    struct findings *findings = look_at(look, &query, -1, &err);

    findings_free(&findings);
}

// Nanoseconds a message, by part of the work.
static void
measure(struct look *look, size_t len, uint64_t ns_out[LOOK_WORK_COUNT])
{
    uint64_t before[LOOK_WORK_COUNT];
    uint64_t runs = RUN_BYTES / len < RUNS_MAX ? RUN_BYTES / len : RUNS_MAX;
    struct buf message;

    buf_init(&message, len * 2);
    make_message(&message, len);
    for (int i = 0; i < WARM_UP; i++)
        look_once(look, buf_span(&message));
    memcpy(before, look_times(look), sizeof(before));
    look_measure(look, true);
    for (uint64_t i = 0; i < runs; i++)
        look_once(look, buf_span(&message));
    look_measure(look, false);
    for (unsigned work = 0; work < LOOK_WORK_COUNT; work++)
        ns_out[work] = (look_times(look)[work] - before[work]) / runs;
    buf_clear(&message);
}

static void
print_json(const uint64_t ns[SIZES][LOOK_WORK_COUNT])
{
    for (unsigned size = 0; size < SIZES; size++) {
        struct json *json = json_object_new();
        struct buf out;

        buf_init(&out, 4096);
        json_set_text(json, "size", span_of(sizes[size].name));
        for (unsigned work = 0; work < LOOK_WORK_COUNT; work++) {
            char key[32];

            snprintf(key, sizeof(key), "%s_ns", look_work_name(work));
            json_set_number(json, key, (int64_t)ns[size][work]);
        }
        (void)json_print(json, &out);
        printf("%s\n", buf_text(&out));
        buf_clear(&out);
        json_free(&json);
    }
}

static void
print_table(const uint64_t ns[SIZES][LOOK_WORK_COUNT])
{
    uint64_t sums[SIZES] = {0};

    printf("%-10s", "us of CPU");
    for (unsigned size = 0; size < SIZES; size++)
        printf("%10s", sizes[size].name);
    for (unsigned work = 0; work < LOOK_WORK_COUNT; work++) {
        printf("\n%-10s", look_work_name(work));
        for (unsigned size = 0; size < SIZES; size++) {
            sums[size] += ns[size][work];
            printf("%10.1f", (double)ns[size][work] / 1000);
        }
    }
    printf("\n%-10s", "all");
    for (unsigned size = 0; size < SIZES; size++)
        printf("%10.1f", (double)sums[size] / 1000);
    printf("\n");
}

int
main(int argc, char **argv)
{
    uint64_t ns[SIZES][LOOK_WORK_COUNT];
    struct err err = {.kind = ERR_NONE};
    struct look *look;

    setlocale(LC_CTYPE, "C.UTF-8");
    look = look_new(&setup, &err);
    if (look == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (unsigned size = 0; size < SIZES; size++)
        measure(look, sizes[size].len, ns[size]);
    if (argc > 1 && strcmp(argv[1], "--json") == 0)
        print_json(ns);
    else
        print_table(ns);
    look_free(&look);
    return 0;
}
