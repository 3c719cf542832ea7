// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/decode.h"

#include <string.h>

enum letter { LETTER_PAD = 64, LETTER_BLANK, LETTER_JUNK };

// What the states mean, by encoding.
enum base64_state { BASE64_GROUP, BASE64_PADDED };

enum uu_state {
    UU_OUTSIDE, // a line in front of "begin" or behind "end": held
    UU_LENGTH,  // at the begin of a data line
    UU_DATA,
    UU_REST, // of a line: not looked at
    UU_WORD  // a line that holds no data, "end" maybe: held
};

// What was made, on its way to the buffer: a copy at a time, not a byte.
struct made {
    char data[3072];
    size_t len;
    struct buf *out;
    int result;
};

static void
made_flush(struct made *made)
{
    size_t room = made->out->ceiling - made->out->len;

    if (made->len > room)
        made->result = -1;
    buf_add(made->out, made->data, made->len < room ? made->len : room);
    made->len = 0;
}

static void
made_add(struct made *made, char byte)
{
    if (made->len == sizeof(made->data))
        made_flush(made);
    made->data[made->len++] = byte;
}

static unsigned
base64_letter(unsigned char byte, bool is_url)
{
    if (is_url && (byte == '-' || byte == '_'))
        return byte == '-' ? 62 : 63;
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26u;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52u;
    switch (byte) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return LETTER_PAD;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return LETTER_BLANK;
    default:
        return LETTER_JUNK;
    }
}

static void
base64_add(struct decode *decode, unsigned char byte, struct made *made)
{
    unsigned letter = base64_letter(byte, decode->encoding == DECODE_BASE64_URL);

    if (letter == LETTER_BLANK)
        return;
    if (letter == LETTER_JUNK) {
        decode->junk++;
        return;
    }
    if (letter == LETTER_PAD) {
        // The first of a whole group's two, or one where no group is: nothing to end.
        decode->junk += decode->bit_count == 0 && decode->state != BASE64_PADDED;
        decode->bit_count = 0;
        decode->state = BASE64_PADDED;
        return;
    }
    decode->inner_padding += decode->state == BASE64_PADDED;
    decode->state = BASE64_GROUP;
    decode->bits = decode->bits << 6 | letter;
    decode->bit_count += 6;
    // The count goes 6, 12, 18, 24: so that it tells the letters of the group, too.
    if (decode->bit_count > 6)
        made_add(made, (char)(decode->bits >> (decode->bit_count == 12   ? 4
                                               : decode->bit_count == 18 ? 2
                                                                         : 0)));
    if (decode->bit_count == 24)
        decode->bit_count = 0;
}

// Letters and one more than what they stand for; 0: no letter.
static const unsigned char plain_letters[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

// Whole groups of letters, as most of any base64 is, and the line ends between them: how many bytes
// they were. The rest is base64_add's.
static size_t
base64_groups(const struct decode *decode, struct span in, struct made *made)
{
    size_t at = 0;

    if (decode->bit_count != 0 || decode->state != BASE64_GROUP)
        return 0;
    while (at + 4 <= in.len && made->len + 3 <= sizeof(made->data)) {
        const unsigned char *group = (const unsigned char *)in.data + at;
        // What is no letter becomes -1, and sets the highest bits.
        unsigned bits = (plain_letters[group[0]] - 1u) << 18 |
                        (plain_letters[group[1]] - 1u) << 12 | (plain_letters[group[2]] - 1u) << 6 |
                        (plain_letters[group[3]] - 1u);

        if (bits >> 24 == 0) {
            made->data[made->len++] = (char)(bits >> 16);
            made->data[made->len++] = (char)(bits >> 8);
            made->data[made->len++] = (char)bits;
            at += 4;
        } else if (group[0] == '\r' || group[0] == '\n') {
            at++;
        } else {
            break;
        }
    }
    return at;
}

// What stands for itself: how many bytes.
static size_t
qp_run(const struct decode *decode, struct span in, struct made *made)
{
    size_t len = sizeof(made->data) - made->len;
    const char *escape;

    if (decode->held_len > 0)
        return 0;
    len = in.len < len ? in.len : len;
    escape = memchr(in.data, '=', len);
    if (escape != NULL)
        len = (size_t)(escape - in.data);
    memcpy(made->data + made->len, in.data, len);
    made->len += len;
    return len;
}

// It was no escape: as it stands.
static void
qp_give_up(struct decode *decode, struct made *made)
{
    for (size_t i = 0; i < decode->held_len; i++)
        made_add(made, decode->held[i]);
    decode->held_len = 0;
    decode->junk++;
}

// Behind "=": true where the byte belongs to the escape.
static bool
qp_escape(struct decode *decode, unsigned char byte, struct made *made)
{
    int high = decode->held_len == 2 ? str_hex_digit(decode->held[1]) : -1;
    char last = decode->held[decode->held_len - 1];

    if (byte == '\n' && high < 0) {
        if (decode->held_len > 1 && decode->held[1] != '\r')
            decode->soft_blanks++;
        decode->held_len = 0;
        return true;
    }
    if (high >= 0 && str_hex_digit((char)byte) >= 0) {
        made_add(made, (char)(high << 4 | str_hex_digit((char)byte)));
        decode->held_len = 0;
        return true;
    }
    if (high >= 0 || last == '\r')
        return false;
    if (byte == ' ' || byte == '\t') {
        // Blanks in front of a line's end go away, however many: the rest need not be kept.
        if (decode->held_len < sizeof(decode->held) - 1)
            decode->held[decode->held_len++] = (char)byte;
        return true;
    }
    if (byte != '\r' && (decode->held_len > 1 || str_hex_digit((char)byte) < 0))
        return false;
    decode->held[decode->held_len++] = (char)byte;
    return true;
}

static void
qp_add(struct decode *decode, unsigned char byte, struct made *made)
{
    if (decode->held_len > 0) {
        if (qp_escape(decode, byte, made))
            return;
        qp_give_up(decode, made);
    }
    if (byte == '=')
        decode->held[decode->held_len++] = '=';
    else
        made_add(made, (char)byte);
}

static size_t
skip_blanks(struct span text, size_t at)
{
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t'))
        at++;
    return at;
}

static struct span
trim_line(struct span line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.data[line.len - 1]) != NULL)
        line.len--;
    return line;
}

// "begin 644 name": its name; data NULL if it is no such line.
static struct span
begin_name(struct span line)
{
    size_t at = 5, digits;

    line = trim_line(line);
    if (!span_starts_nocase(line, "begin") || skip_blanks(line, at) == at)
        return (struct span){NULL, 0};
    at = skip_blanks(line, at);
    digits = at;
    while (at < line.len && line.data[at] >= '0' && line.data[at] <= '7')
        at++;
    if (at - digits < 3 || at - digits > 6 || (at < line.len && skip_blanks(line, at) == at))
        return (struct span){NULL, 0};
    return span_skip(line, skip_blanks(line, at));
}

static void
uu_line_end(struct decode *decode)
{
    struct span line = span_from(decode->held, decode->held_len);

    if (decode->state == UU_OUTSIDE)
        decode->state = begin_name(line).data != NULL ? UU_LENGTH : UU_OUTSIDE;
    else if (decode->state == UU_WORD && span_is(trim_line(line), "end"))
        decode->state = UU_OUTSIDE;
    else
        decode->state = UU_LENGTH;
    decode->held_len = 0;
}

static void
uu_letter(struct decode *decode, unsigned char byte, struct made *made)
{
    decode->bits = decode->bits << 6 | ((byte - 32u) & 63);
    decode->bit_count += 6;
    if (decode->bit_count < 8 || decode->line_len == 0)
        return;
    decode->bit_count -= 8;
    made_add(made, (char)(decode->bits >> decode->bit_count));
    decode->line_len--;
    if (decode->line_len == 0)
        decode->state = UU_REST;
}

static void
uu_add(struct decode *decode, unsigned char byte, struct made *made)
{
    if (byte == '\n') {
        // Blanks stand for zero, and get lost at the end of lines.
        while (decode->state == UU_DATA)
            uu_letter(decode, ' ', made);
        uu_line_end(decode);
        return;
    }
    if (decode->state == UU_LENGTH && byte != '\r') {
        bool is_data = byte >= ' ' && byte <= '`';

        decode->line_len = (byte - 32u) & 63;
        decode->bit_count = 0;
        decode->state = !is_data ? UU_WORD : decode->line_len > 0 ? UU_DATA : UU_REST;
        decode->junk += !is_data && byte != 'e';
        if (is_data)
            return;
    } else if (decode->state == UU_DATA && byte != '\r') {
        decode->junk += byte < ' ' || byte > '`';
        uu_letter(decode, byte, made);
        return;
    }
    if ((decode->state == UU_OUTSIDE || decode->state == UU_WORD) &&
        decode->held_len < sizeof(decode->held))
        decode->held[decode->held_len++] = (char)byte;
}

void
decode_init(struct decode *decode, enum decode_encoding encoding)
{
    *decode = (struct decode){.encoding = encoding};
}

int
decode_add(struct decode *decode, struct span in, struct buf *out)
{
    static void (*const adders[])(struct decode *, unsigned char, struct made *) = {
        [DECODE_BASE64] = base64_add,
        [DECODE_BASE64_URL] = base64_add,
        [DECODE_QUOTED_PRINTABLE] = qp_add,
        [DECODE_UUENCODE] = uu_add,
    };
    size_t room = out->ceiling - out->len;
    struct made made;

    if (decode->encoding == DECODE_IDENTITY) {
        buf_add(out, in.data, in.len < room ? in.len : room);
        return in.len <= room ? 0 : -1;
    }
    made.len = 0;
    made.out = out;
    made.result = 0;
    while (in.len > 0 && made.result == 0) {
        if (decode->encoding == DECODE_BASE64)
            in = span_skip(in, base64_groups(decode, in, &made));
        else if (decode->encoding == DECODE_QUOTED_PRINTABLE)
            in = span_skip(in, qp_run(decode, in, &made));
        if (in.len > 0)
            adders[decode->encoding](decode, (unsigned char)in.data[0], &made);
        in = span_skip(in, in.len > 0 ? 1 : 0);
    }
    made_flush(&made);
    return made.result;
}

int
decode_end(struct decode *decode, struct buf *out)
{
    struct made made;

    made.len = 0;
    made.out = out;
    made.result = 0;
    switch (decode->encoding) {
    case DECODE_IDENTITY:
        break;
    case DECODE_BASE64:
    case DECODE_BASE64_URL:
        decode->is_unpadded = decode->bit_count > 0;
        break;
    case DECODE_QUOTED_PRINTABLE: // a soft break may end the text
        decode->is_unpadded = decode->held_len == 2 && str_hex_digit(decode->held[1]) >= 0;
        if (decode->is_unpadded)
            qp_give_up(decode, &made);
        break;
    case DECODE_UUENCODE:
        uu_add(decode, '\n', &made);
        decode->is_unpadded = decode->state != UU_OUTSIDE;
        break;
    }
    made_flush(&made);
    return made.result;
}

static struct span
ybegin_name(struct span line)
{
    const char *at;

    line = trim_line(line);
    if (!span_starts_nocase(line, "=ybegin "))
        return (struct span){NULL, 0};
    at = memmem(line.data, line.len, " name=", 6);
    if (at == NULL)
        return (struct span){NULL, 0};
    return span_skip(line, (size_t)(at - line.data) + 6);
}

ptrdiff_t
decode_find_inline(struct span text, struct ebb *ebb, struct span *name_out)
{
    struct span rest = text;

    while (rest.len > 0) {
        struct span line = span_cut(&rest, '\n'), name = {NULL, 0};
        char first = line.len > 0 ? line.data[0] : '\0';

        ebb_at(ebb, line.data);
        if (first == 'b' || first == 'B')
            name = begin_name(line);
        else if (first == '=')
            name = ybegin_name(line);
        if (name.len > 0) {
            *name_out = name;
            return line.data - text.data;
        }
    }
    return -1;
}
