// SPDX-License-Identifier: BSD-2-Clause
#include "spool/format.h"

#include <assert.h>
#include <string.h>

static const char magic[] = "POSTERN ";

// Widths of the first line: "POSTERN 1 ", 15 digits, 20 digits, 16 hexadecimal ones and blanks.
enum { OFFSET_AT = 10, LEN_AT = 26, CHECKSUM_AT = 47, HEAD_END = 63 };

const char *
format_head_name(enum format_head head)
{
    static const char *const names[] = {[FORMAT_SEALED] = "sealed",
                                        [FORMAT_UNSEALED] = "unsealed",
                                        [FORMAT_NEWER] = "newer",
                                        [FORMAT_BAD] = "bad"};

    return names[head];
}

static bool
is_seal_sane(const struct format_seal *seal)
{
    return seal->offset > FORMAT_HEAD_LEN &&
           seal->offset - FORMAT_HEAD_LEN <= FORMAT_ENVELOPE_MAX &&
           seal->len <= INT64_MAX - seal->offset;
}

// Here rather than by printf: each message has it several times.
static inline void
put_digits(char *begin, char *end, uint64_t value, unsigned base)
{
    while (end > begin) {
        *--end = "0123456789abcdef"[value % base];
        value /= base;
    }
    assert(value == 0);
}

void
format_head_write(const struct format_seal *seal, char out[FORMAT_HEAD_LEN])
{
    static const struct format_seal none = {0, 0, 0};

    assert(seal == NULL || is_seal_sane(seal));
    if (seal == NULL)
        seal = &none;
    memset(out, ' ', FORMAT_HEAD_LEN);
    memcpy(out, magic, sizeof(magic) - 1);
    put_digits(out + sizeof(magic) - 1, out + OFFSET_AT - 1, FORMAT_VERSION, 10);
    put_digits(out + OFFSET_AT, out + LEN_AT - 1, seal->offset, 10);
    put_digits(out + LEN_AT, out + CHECKSUM_AT - 1, seal->len, 10);
    put_digits(out + CHECKSUM_AT, out + HEAD_END, seal->checksum, 16);
    out[HEAD_END] = '\n';
}

static int
parse_hex(struct span text, uint64_t *value_out)
{
    static const char digits[] = "0123456789abcdef";

    *value_out = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof(digits) - 1);

        if (digit == NULL)
            return -1;
        *value_out = *value_out << 4 | (uint64_t)(digit - digits);
    }
    return 0;
}

static int
parse_seal(const char *line, struct format_seal *seal)
{
    if (line[LEN_AT - 1] != ' ' || line[CHECKSUM_AT - 1] != ' ' || line[HEAD_END] != '\n')
        return -1;
    if (str_parse_u64(span_from(line + OFFSET_AT, LEN_AT - 1 - OFFSET_AT), INT64_MAX,
                      &seal->offset) != 0)
        return -1;
    if (str_parse_u64(span_from(line + LEN_AT, CHECKSUM_AT - 1 - LEN_AT), INT64_MAX, &seal->len) !=
        0)
        return -1;
    return parse_hex(span_from(line + CHECKSUM_AT, HEAD_END - CHECKSUM_AT), &seal->checksum);
}

// "POSTERN <version> ": 0 if it is not that.
static uint64_t
parse_version(struct span head)
{
    struct span rest = span_skip(head, sizeof(magic) - 1);
    struct span number;
    uint64_t version;

    if (head.len < FORMAT_HEAD_LEN || memcmp(head.data, magic, sizeof(magic) - 1) != 0)
        return 0;
    number = span_cut(&rest, ' ');
    if (rest.data == NULL || number.data[0] == '0' || str_parse_u64(number, 9999, &version) != 0)
        return 0;
    return version;
}

enum format_head
format_head_read(struct span head, struct format_seal *seal_out)
{
    uint64_t version = parse_version(head);
    struct format_seal seal;

    *seal_out = (struct format_seal){0, 0, 0};
    if (version == 0)
        return FORMAT_BAD;
    // Only as long as versions have one digit is the seal of a damaged one where it was.
    if (version > 9)
        return FORMAT_NEWER;
    if (parse_seal(head.data, &seal) != 0)
        return version == FORMAT_VERSION ? FORMAT_BAD : FORMAT_NEWER;
    if (is_seal_sane(&seal))
        *seal_out = seal;
    if (version != FORMAT_VERSION)
        return FORMAT_NEWER;
    if (seal.offset == 0 && seal.len == 0 && seal.checksum == 0)
        return FORMAT_UNSEALED;
    return is_seal_sane(&seal) ? FORMAT_SEALED : FORMAT_BAD;
}

static void
put_u64(unsigned char *out, uint64_t value)
{
    for (size_t i = 0; i < sizeof(value); i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

uint64_t
format_checksum(struct digest_value envelope, struct digest_value message, uint64_t offset,
                uint64_t len)
{
    const uint64_t values[] = {envelope.high, envelope.low, message.high, message.low, offset, len};
    unsigned char bytes[sizeof(values)];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        put_u64(bytes + i * sizeof(uint64_t), values[i]);
    return digest_sum64(span_from((const char *)bytes, sizeof(bytes)), FORMAT_VERSION);
}
