// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "spool/reader.h"
#include "tool/find.h"
#include "tool/print.h"
#include "tool/tool.h"

#define USAGE "cat [--raw] [--headers] ID..."

enum { BLOCK = 64 << 10, PIECE_MAX = 4096, SLOT_MAX = 1 << 20 };

struct copy {
    struct tool *tool;
    bool is_raw, only_headers;
    size_t line_len; // of the line so far, without CR
    bool is_over;    // the empty line has come
    char piece[PIECE_MAX];
    size_t piece_len;
};

static void
flush_piece(struct copy *copy)
{
    print_escaped(copy->tool->out, span_from(copy->piece, copy->piece_len));
    copy->piece_len = 0;
}

// For people: line ends are kept, all else that could move a cursor is not.
static void
put_safe(struct copy *copy, char byte)
{
    if (byte == '\n') {
        if (copy->piece_len > 0 && copy->piece[copy->piece_len - 1] == '\r')
            copy->piece_len--;
        flush_piece(copy);
        (void)fputc('\n', copy->tool->out);
        return;
    }
    // A character that would be cut goes into the next piece; a CR waits for what follows it.
    if (copy->piece_len >= PIECE_MAX - 4 && ((unsigned char)byte & 0xc0) != 0x80 && byte != '\r')
        flush_piece(copy);
    if (copy->piece_len == PIECE_MAX)
        flush_piece(copy);
    copy->piece[copy->piece_len++] = byte;
}

static void
put(struct copy *copy, char byte)
{
    if (copy->is_raw)
        (void)fputc(byte, copy->tool->out);
    else
        put_safe(copy, byte);
    if (byte == '\n') {
        copy->is_over = copy->only_headers && copy->line_len == 0;
        copy->line_len = 0;
    } else if (byte != '\r') {
        copy->line_len++;
    }
}

static int
copy_message(struct copy *copy, int fd, const struct format_seal *seal, struct err *err)
{
    char *block = mem_zalloc(BLOCK);
    uint64_t done = 0;
    int result = 0;

    while (result == 0 && done < seal->len && !copy->is_over && ferror(copy->tool->out) == 0) {
        size_t want = seal->len - done < BLOCK ? (size_t)(seal->len - done) : BLOCK;
        ssize_t got = fs_read_at(fd, block, want, (off_t)(seal->offset + done), err);

        if (got <= 0) {
            result = got < 0 ? -1 : err_set(err, ERR_TEMP, "it has gone meanwhile");
            break;
        }
        for (ssize_t i = 0; i < got && !copy->is_over; i++)
            put(copy, block[i]);
        done += (uint64_t)got;
    }
    flush_piece(copy);
    mem_free(&block);
    return result;
}

// A slot may get another message while we copy: what is printed is verified before.
static int
copy_slot(struct copy *copy, const struct find_found *found, struct err *err)
{
    const struct reader_message *message = &found->message;
    struct buf content;
    char *room;
    ssize_t got;

    buf_init(&content, SLOT_MAX);
    room = message->seal.len > SLOT_MAX ? NULL : buf_space(&content, (size_t)message->seal.len);
    if (room == NULL)
        return err_set(err, ERR_PERM, "too large for a slot");
    got = fs_read_at(found->fd, room, (size_t)message->seal.len, (off_t)message->seal.offset, err);
    if (got >= 0) {
        buf_filled(&content, (size_t)got);
        if (!digest_equal(digest_of(buf_span(&content)), message->digest))
            got = err_set(err, ERR_TEMP, "it has gone meanwhile");
    }
    for (size_t i = 0; got >= 0 && i < content.len && !copy->is_over; i++)
        put(copy, content.data[i]);
    flush_piece(copy);
    buf_clear(&content);
    return got >= 0 ? 0 : -1;
}

static enum tool_exit
cat_one(struct tool *tool, struct place_root *root, struct copy *copy, const char *id)
{
    struct find_found found;
    enum tool_exit result = find_message(tool, root, id, &found);
    struct err err;

    if (result != TOOL_DONE)
        return result;
    if ((found.place.is_slot ? copy_slot(copy, &found, &err)
                             : copy_message(copy, found.fd, &found.message.seal, &err)) != 0) {
        print_error(tool, "%s: %s", id, err.text);
        result = TOOL_IO;
    }
    find_close(&found);
    return result;
}

enum tool_exit
cat_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"raw",     no_argument, NULL, 'r'},
        {"headers", no_argument, NULL, 'h'},
        {NULL,      0,           NULL, 0  }
    };
    bool is_raw = !tool->is_terminal, only_headers = false;
    struct place_root root;
    enum tool_exit result;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return print_usage(tool, USAGE);
        is_raw = is_raw || option == 'r';
        only_headers = only_headers || option == 'h';
    }
    if (optind == argc)
        return print_usage(tool, USAGE);
    result = find_open_spool(tool, &root);
    if (result != TOOL_DONE)
        return result;
    for (int i = optind; i < argc; i++) {
        struct copy *copy = mem_zalloc(sizeof *copy);

        copy->tool = tool;
        copy->is_raw = is_raw;
        copy->only_headers = only_headers;
        result = print_worse(result, cat_one(tool, &root, copy, argv[i]));
        mem_free(&copy);
    }
    place_root_close(&root);
    return result;
}
