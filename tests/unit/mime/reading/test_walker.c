// SPDX-License-Identifier: BSD-2-Clause
// What all readings of a message may cost together, and the limits at their edges.
#include "mime/reading/walk_private.h"

#include "tests/unit/mime/look_kit.h"

#define FROM "From: a@example.org\r\n"

static enum finding_limit
limit_of(const struct dissect_setup *setup, struct span message, size_t *parts_out)
{
    struct look *look = kit_look(setup);
    struct findings *findings = kit_see(look, message);
    enum finding_limit limit = findings->limit;

    CU_ASSERT((limit == LIMIT_NONE) == (findings->limit_text.len == 0));
    CU_ASSERT(findings->part_count > 0);
    for (size_t i = 0; i < findings->mark_count; i++)
        CU_ASSERT(findings->marks[i].part < findings->part_count);
    *parts_out = findings->part_count;
    findings_free(&findings);
    look_free(&look);
    return limit;
}

static void
many_parts(struct buf *out, unsigned count)
{
    buf_init(out, 1 << 20);
    buf_add_text(out, FROM "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < count; i++)
        buf_add_text(out, "--b\r\n\r\nx\r\n");
    buf_add_text(out, "--b--\r\n");
}

static void
test_parts(void)
{
    struct dissect_setup setup;
    struct buf message;
    size_t parts;

    kit_setup(&setup);
    setup.limits.max_parts = 50;
    many_parts(&message, 49);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) == LIMIT_NONE && parts == 50);
    buf_clear(&message);
    many_parts(&message, 50);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) == LIMIT_PARTS && parts <= 50);
    buf_clear(&message);
    many_parts(&message, 20000);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) != LIMIT_NONE && parts <= 50);
    buf_clear(&message);
}

static void
nested(struct buf *out, unsigned depth)
{
    buf_init(out, 1 << 20);
    buf_add_text(out, FROM);
    for (unsigned i = 0; i < depth; i++)
        buf_printf(out, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    buf_add_text(out, "\r\nx\r\n");
}

static void
test_depth(void)
{
    struct dissect_setup setup;
    struct buf message;
    size_t parts;

    kit_setup(&setup);
    setup.limits.max_depth = 10;
    nested(&message, 10);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) == LIMIT_NONE && parts == 11);
    buf_clear(&message);
    nested(&message, 11);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) == LIMIT_DEPTH);
    buf_clear(&message);
    nested(&message, 10000);
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) != LIMIT_NONE);
    buf_clear(&message);
}

// A message in base64 in a message in base64 ...: prescan cannot see how deep it goes.
static void
test_wrapped(void)
{
    struct dissect_setup setup;
    struct buf message, inner;
    size_t parts;

    kit_setup(&setup);
    setup.limits.max_depth = 12;
    buf_init(&message, 16 << 20);
    buf_add_text(&message, FROM "\r\nhi");
    for (unsigned i = 0; i < 14; i++) {
        inner = message;
        buf_init(&message, 16 << 20);
        buf_add_text(&message, FROM "Content-Type: message/rfc822\r\n"
                                    "Content-Transfer-Encoding: base64\r\n\r\n");
        sample_base64(&message, buf_span(&inner));
        buf_clear(&inner);
        CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) ==
                  (i < 12 ? LIMIT_NONE : LIMIT_DEPTH));
    }
    buf_clear(&message);
}

// Two boundaries at each level, each of which holds all that is inside: 2^depth readings, if the
// same bytes were read as often as they are found.
static void
test_doubling(void)
{
    struct dissect_setup setup;
    struct buf message;
    size_t parts;

    kit_setup(&setup);
    buf_init(&message, 1 << 20);
    buf_add_text(&message, FROM);
    for (unsigned i = 0; i < 30; i++)
        buf_printf(&message,
                   "Content-Type: multipart/mixed; boundary=a%u; boundary=b%u\r\n"
                   "Content-Type: multipart/mixed; boundary=a%u\r\nContent-Transfer-Encoding: "
                   "quoted-printable\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--a%u\r\n--b%u\r\n",
                   i, i, i, i, i);
    buf_add_text(&message, "\r\nx\r\n");
    (void)limit_of(&setup, buf_span(&message), &parts);
    CU_ASSERT(parts <= 2000);
    buf_clear(&message);
}

// A limit of the first look at the raw bytes: headers are there, parts are not read.
static void
test_header_limit(void)
{
    struct dissect_setup setup;
    struct buf message;
    size_t parts;

    kit_setup(&setup);
    setup.limits.max_fields = 10;
    buf_init(&message, 1 << 20);
    for (unsigned i = 0; i < 11; i++)
        buf_printf(&message, "X-%u: y\r\n", i);
    buf_add_text(&message, "\r\nbody");
    CU_ASSERT(limit_of(&setup, buf_span(&message), &parts) == LIMIT_FIELDS && parts == 1);
    buf_clear(&message);
}

static void
test_unreadable(void)
{
    struct dissect_setup setup;
    size_t parts;

    kit_setup(&setup);
    CU_ASSERT(limit_of(&setup, span_of("no header at all"), &parts) == LIMIT_UNREADABLE);
    CU_ASSERT(limit_of(&setup, span_of(""), &parts) == LIMIT_NONE);
    CU_ASSERT(limit_of(&setup, span_of("\r\n"), &parts) == LIMIT_NONE);
    CU_ASSERT(limit_of(&setup, span_of("what?\r\nSubject: x\r\n\r\nhi"), &parts) == LIMIT_NONE);
}

static const struct unit_test tests[] = {
    {"parts",      test_parts       },
    {"depth",      test_depth       },
    {"wrapped",    test_wrapped     },
    {"doubling",   test_doubling    },
    {"header",     test_header_limit},
    {"unreadable", test_unreadable  },
};

UNIT_MAIN("mime/reading/walker", tests)
