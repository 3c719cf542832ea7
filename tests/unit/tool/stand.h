// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/stand.h - a spool in a folder of its own, and commands that run on it.
#ifndef POSTERN_TESTS_UNIT_TOOL_STAND_H
#define POSTERN_TESTS_UNIT_TOOL_STAND_H

#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>

#include "spool/place.h"
#include "spool/reader.h"
#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"
#include "tool/tool.h"

#define STAND_A "4X2k9QzT7mA"
#define STAND_B "4X2k9QzT7mB"
#define STAND_C "4X2k9QzT7mC"
#define STAND_D "4X2k9QzT7mD"
#define STAND_NONE "4X2k9QzT7mZ"

struct stand {
    struct scratch scratch;
    char config_file[1024];
    struct settings *settings;
    struct place_root root;
    struct place_instance instance; // one that is free unless it is locked
    struct tool tool;
    char *out, *errors;
    size_t out_len, errors_len;
};

static inline void
stand_load(struct stand *stand, const char *more)
{
    struct err err;
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_printf(&text,
               "user = root\nspool { path = \"%s/spool\"  sync = no }\n"
               "control { socket = \"unix:%s/s\" }\nlog { syslog = no }  "
               "dissect { program = \"/bin/sh\" }  track { ledger = \"%s/ledger.db\" }\n%s",
               stand->scratch.path, stand->scratch.path, stand->scratch.path, more);
    scratch_write(&stand->scratch, "postern.conf", buf_text(&text));
    buf_clear(&text);
    scratch_name(&stand->scratch, "postern.conf", stand->config_file);
    if (settings_load(stand->config_file, &stand->settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static inline void
stand_rewind(struct stand *stand)
{
    fclose(stand->tool.out);
    fclose(stand->tool.errors);
    free(stand->out);
    free(stand->errors);
    stand->tool.out = open_memstream(&stand->out, &stand->out_len);
    stand->tool.errors = open_memstream(&stand->errors, &stand->errors_len);
}

static inline void
stand_make(struct stand *stand)
{
    struct err err;

    memset(stand, 0, sizeof *stand);
    setenv("TZ", "UTC", 1);
    scratch_make(&stand->scratch);
    stand_load(stand, "");
    if (place_root_open(&stand->root, stand->settings->spool.path, true, &err) != 0 ||
        place_instance_new(&stand->root, &stand->instance, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    stand->tool = (struct tool){.config_file = stand->config_file,
                                .settings = stand->settings,
                                .now_ms = 1700000100000,
                                .out = open_memstream(&stand->out, &stand->out_len),
                                .errors = open_memstream(&stand->errors, &stand->errors_len)};
}

static inline void
stand_unlock(struct stand *stand)
{
    place_instance_close(&stand->instance);
}

static inline void
stand_remove(struct stand *stand)
{
    if (stand->instance.fd >= 0)
        place_instance_close(&stand->instance);
    place_root_close(&stand->root);
    settings_free(&stand->settings);
    fclose(stand->tool.out);
    fclose(stand->tool.errors);
    free(stand->out);
    free(stand->errors);
    scratch_remove(&stand->scratch);
}

// As sample_note; in values "~" stands for a blank, "^" for an escape, "`" for a line feed.
static inline void
stand_note(struct buf *journal, uint64_t key, uint64_t seq, char *text)
{
    struct journal_writer writer;
    char *rest = strchr(text, ' ');

    if (rest != NULL)
        *rest++ = '\0';
    journal_begin(&writer, journal, key, seq, 1700000000000 + (int64_t)seq, text);
    for (char *field = strtok(rest, " "); rest != NULL && field != NULL;
         field = strtok(NULL, " ")) {
        char *value = strchr(field, '=');

        *value++ = '\0';
        for (char *at = value; *at != '\0'; at++)
            *at = *at == '~' ? ' ' : *at == '^' ? '\033' : *at == '`' ? '\n' : *at;
        journal_field_text(&writer, field, value);
    }
    if (journal_end(&writer) != 0)
        abort();
}

// A sealed message; journal lines are separated by "|". tail: what follows them, as in a slot.
static inline void
stand_put(int dir_fd, const char *name, const char *id, const char *content, const char *journal,
          const char *tail)
{
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct buf image;
    struct span rest = span_of(journal);
    uint64_t seq = 1;
    int fd;

    sample_envelope(&envelope, 3);
    snprintf(envelope.id, sizeof envelope.id, "%s", id);
    mem_free(&envelope.from);
    envelope.from = mem_printf("s%s@example.org", id + 10);
    buf_init(&image, 1 << 24);
    seal = sample_seal(&envelope, span_of(content), &image);
    while (rest.len > 0) {
        struct span line = span_cut(&rest, '|');
        char text[500];

        snprintf(text, sizeof text, "%.*s", (int)line.len, line.data);
        stand_note(&image, journal_key(id, seal.checksum), seq++, text);
    }
    buf_add_text(&image, tail);
    fd = openat(dir_fd, name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, image.data, image.len) != (ssize_t)image.len)
        abort();
    close(fd);
    buf_clear(&image);
    envelope_clear(&envelope);
}

static inline int
stand_bucket(struct stand *stand)
{
    struct err err;
    int fd;

    if (fs_make_dir(stand->instance.fd, "00", 0700, &err) != 0)
        abort();
    fd = fs_open_dir(stand->instance.fd, "00", &err);
    if (fd < 0)
        abort();
    return fd;
}

// A slot with A (nothing tried), a waiting B and a finished C in a bucket, a held D; a free slot.
static inline void
stand_fill(struct stand *stand)
{
    char head[FORMAT_HEAD_LEN];
    int bucket = stand_bucket(stand), fd;

    stand_put(stand->instance.fd, "slot-0001", STAND_A, "Subject: a\r\n\r\nbody a\r\n", "",
              "rest of an earlier message\n");
    stand_put(bucket, STAND_B, STAND_B, "Subject: b\r\n\r\nbody b\r\n",
              "attempt g=0 r=0-2 hop=x|sent r=0 hop=x code=250 reply=ok|"
              "deferred r=1-2 until=1700000160000 code=451 reply=4.3.0~later",
              "");
    stand_put(bucket, STAND_C, STAND_C, "c", "sent r=0-2 hop=x code=250 reply=ok|done", "");
    stand_put(stand->root.hold_fd, STAND_D, STAND_D, "Subject: d\r\n\r\nbody d\r\n",
              "held reason=by~hand", "");
    format_head_write(NULL, head);
    fd = openat(stand->instance.fd, "slot-0002", O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, head, sizeof head) != (ssize_t)sizeof head)
        abort();
    close(fd);
    close(bucket);
}

// Arguments behind each other, the last one NULL.
static inline enum tool_exit
stand_run(struct stand *stand, tool_command *run, ...)
{
    char *argv[20];
    enum tool_exit result;
    va_list args;
    int argc = 0;

    stand_rewind(stand);
    va_start(args, run);
    while ((argv[argc] = va_arg(args, char *)) != NULL && argc < 18)
        argc++;
    va_end(args);
    argv[argc] = NULL;
    stand->tool.as_json = false;
    result = run(&stand->tool, argc, argv);
    fflush(stand->tool.out);
    fflush(stand->tool.errors);
    return result;
}

static inline bool
stand_has(const char *text, const char *part)
{
    bool has = strstr(text, part) != NULL;

    if (!has)
        fprintf(stderr, "no \"%s\" in:\n%s\n", part, text);
    return has;
}

// The events of a message's journal, with blanks between them; "" where there is no such file.
static inline void
stand_events(int dir_fd, const char *name, char out[500])
{
    struct reader_message message;
    struct journal_reader *reader;
    struct journal_line line;
    int fd = openat(dir_fd, name, O_RDONLY);
    size_t len = 0;

    out[0] = '\0';
    if (fd < 0)
        return;
    if (reader_load(fd, &message, NULL) != READER_OK) {
        snprintf(out, 500, "damaged");
        close(fd);
        return;
    }
    reader = mem_zalloc(sizeof *reader);
    journal_reader_init(reader, buf_span(&message.journal), reader_journal_key(&message));
    while (journal_next(reader, &line))
        len +=
            (size_t)snprintf(out + len, 500 - len, "%.*s ", (int)line.event.len, line.event.data);
    if (message.bad_lines > 0)
        snprintf(out + len, 500 - len, "%zu bad", message.bad_lines);
    mem_free(&reader);
    reader_message_clear(&message);
    close(fd);
}

#endif
