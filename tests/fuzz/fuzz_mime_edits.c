// SPDX-License-Identifier: BSD-2-Clause
// Lines up to an empty one are edits; the rest is a message. What is no edit is refused; what is
// one comes back as it was written. Without edits a header stays as it is, and with them the lines
// that they do not name.
#include "tests/fuzz/fuzz.h"

#include "mime/edits.h"

static void
check_round_trip(const struct edit_list *list)
{
    struct edit_list again = {0};
    struct buf text;

    buf_init(&text, EDIT_TEXT_MAX);
    for (size_t i = 0; i < list->count; i++) {
        buf_reset(&text);
        edit_format(&list->items[i], &text);
        FUZZ_CHECK(edit_parse(buf_span(&text), &again, NULL) == 0);
    }
    FUZZ_CHECK(edit_list_equal(list, &again));
    buf_clear(&text);
    edit_list_clear(&again);
}

static struct span
take_edits(struct span rest, struct edit_list *list)
{
    while (rest.len > 0 && list->count < 100) {
        struct span line = span_cut(&rest, '\n');
        struct err err = {0};

        if (line.len == 0)
            break;
        if (edit_parse(line, list, &err) != 0)
            FUZZ_CHECK(err.kind == ERR_PERM);
    }
    return rest;
}

static void
check_untouched(struct span header)
{
    struct edit_list none = {0};
    struct buf out;

    buf_init(&out, header.len);
    FUZZ_CHECK(edits_apply(&none, header, false, &out) == 0);
    FUZZ_CHECK(fuzz_equal(buf_span(&out), header));
    buf_clear(&out);
}

// The end of the header stays its end: an edit begins no body, and takes none into the header.
static void
check_applied(const struct edit_list *list, struct span header, bool is_utf8)
{
    bool has_end = edits_header_len(header) == header.len && header.len > 0 &&
                   (header.data[header.len - 1] == '\n') &&
                   (header.len == 1 || header.data[header.len - 2] == '\n' ||
                    (header.data[header.len - 2] == '\r' &&
                     (header.len == 2 || header.data[header.len - 3] == '\n')));
    struct buf out;

    buf_init(&out, (size_t)64 << 20);
    if (edits_apply(list, header, is_utf8, &out) == 0) {
        FUZZ_CHECK(edits_header_len(buf_span(&out)) == out.len);
        if (has_end)
            FUZZ_CHECK(out.len > 0 && out.data[out.len - 1] == '\n');
    }
    buf_clear(&out);
}

static void
check_pieces(const struct edit_list *list, size_t header_len, size_t len)
{
    size_t count;
    struct edit_piece *pieces = edits_pieces(list, header_len, len, &count);
    uint64_t at = header_len;

    FUZZ_CHECK(count <= 2 * list->count + 1);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].literal.data != NULL)
            continue;
        FUZZ_CHECK(pieces[i].len > 0 && pieces[i].offset >= at);
        at = pieces[i].offset + pieces[i].len;
        FUZZ_CHECK(at <= len);
    }
    free(pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct edit_list list = {0};
    struct span message = take_edits(fuzz_span(data, size), &list);
    struct span header = span_from(message.data, edits_header_len(message));

    check_round_trip(&list);
    check_untouched(header);
    check_applied(&list, header, false);
    check_applied(&list, header, true);
    check_pieces(&list, header.len, message.len);
    edit_list_clear(&list);
    return 0;
}
