// SPDX-License-Identifier: BSD-2-Clause
// print_findings [--jailed PROGRAM] FILE... - what is found in files, a JSON object each, for tests
// on a corpus: looked at in this process, or by the real dissectors.
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "mime/dissect.h"
#include "mime/reading/look.h"

enum { OUT_MAX = 64 << 20, WAIT_MS = 20000 };

static struct dissect_setup setup = {
    .limits = {.enabled = true,
               .timeout = 30000,
               .memory = UINT64_C(512) << 20,
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

struct reader {
    struct look *look; // NULL: in a jail
    struct loop *loop;
    struct dissect *dissect;
    struct findings *found;
    struct err err;
};

static struct json *
part_json(const struct finding_part *part)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};
    static const char *const readings[] = {"first", "other", "prologue", "epilogue", "inline"};
    struct json *names = json_array_new();
    struct json *json = json_object_new();

    for (size_t i = 0; i < part->name_count; i++)
        json_add_text(names, part->names[i]);
    json_set_number(json, "parent", part->parent);
    json_set_number(json, "depth", part->depth);
    json_set_text(json, "kind", span_of(kinds[part->kind]));
    json_set_text(json, "reading", span_of(readings[part->reading]));
    json_set_text(json, "type", part->type);
    json_set_bool(json, "located", part->is_located);
    json_set_number(json, "head", (int64_t)part->head_begin);
    json_set_number(json, "body", (int64_t)part->body_begin);
    json_set_number(json, "end", (int64_t)part->body_end);
    json_set_number(json, "len", (int64_t)part->decoded_len);
    json_set_take(json, "names", &names);
    return json;
}

static int
print(const char *path, const struct findings *findings)
{
    struct json *parts = json_array_new();
    struct json *json = json_object_new();
    char digest[DIGEST_TEXT_LEN + 1];
    struct buf out;
    int result;

    buf_init(&out, OUT_MAX);
    result = findings_write(findings, &out);
    digest_format(digest_of(buf_span(&out)), digest);
    buf_reset(&out);
    for (size_t i = 0; i < findings->part_count; i++) {
        struct json *part = part_json(&findings->parts[i]);

        json_add_take(parts, &part);
    }
    json_set_text(json, "file", span_of(path));
    json_set_text(json, "findings", span_of(digest));
    json_set_text(json, "limit", span_of(finding_limit_name(findings->limit)));
    json_set_bool(json, "odd", findings->is_odd);
    json_set_take(json, "parts", &parts);
    result |= json_print(json, &out);
    printf("%s\n", buf_text(&out));
    json_free(&json);
    buf_clear(&out);
    return result;
}

static void
on_done(void *arg, enum dissect_end end, struct findings *findings_take, const struct err *err)
{
    struct reader *reader = arg;

    reader->found = findings_take;
    if (end != DISSECT_FOUND)
        reader->err = *err;
    loop_stop(reader->loop);
}

static struct findings *
find(struct reader *reader, const char *path, int fd, uint64_t len)
{
    const struct dissect_request request = {
        .query = {.id = span_of(path), .len = len},
          .fd = fd, .wait_ms = WAIT_MS
    };

    if (reader->look != NULL)
        return look_at(reader->look, &request.query, fd, &reader->err);
    reader->found = NULL;
    (void)dissect_start(reader->dissect, &request, on_done, reader);
    loop_run(reader->loop);
    return reader->found;
}

static int
read_file(struct reader *reader, const char *path)
{
    struct findings *findings = NULL;
    struct stat status;
    int result = -1;
    int fd = fs_open_read(AT_FDCWD, path, &reader->err);

    if (fd >= 0 && fstat(fd, &status) == 0)
        findings = find(reader, path, fd, (uint64_t)status.st_size);
    if (findings != NULL)
        result = print(path, findings);
    else
        fprintf(stderr, "%s: %s\n", path, reader->err.text);
    findings_free(&findings);
    if (fd >= 0)
        (void)close(fd);
    return result;
}

static int
start(struct reader *reader, const char *program)
{
    struct dissect_config config = {
        .build_id = "postern-" POSTERN_VERSION, .settings = &setup.limits, .max = 1};
    int line;

    if (program == NULL) {
        reader->look = look_new(&setup, &reader->err);
        return reader->look == NULL ? -1 : 0;
    }
    reader->loop = loop_new(&reader->err);
    if (reader->loop == NULL || dissect_start_nursery(program, &setup, &line, &reader->err) != 0)
        return -1;
    config.loop = reader->loop;
    reader->dissect = dissect_new(&config);
    dissect_set_nursery(reader->dissect, line);
    return 0;
}

int
main(int argc, char **argv)
{
    const bool is_jailed = argc > 2 && strcmp(argv[1], "--jailed") == 0;
    struct reader reader = {.err = {.kind = ERR_NONE}};
    int result = 0;

    setlocale(LC_CTYPE, "C.UTF-8");
    if (start(&reader, is_jailed ? argv[2] : NULL) != 0) {
        fprintf(stderr, "%s\n", reader.err.text);
        return 1;
    }
    for (int i = is_jailed ? 3 : 1; i < argc; i++)
        result |= read_file(&reader, argv[i]);
    dissect_free(&reader.dissect);
    loop_free(&reader.loop);
    look_free(&reader.look);
    return result != 0;
}
