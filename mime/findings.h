// SPDX-License-Identifier: BSD-2-Clause
// mime/findings.h - what a dissector found in one message: plain data and its frame codec. Pure.
//
// Owns:  everything in its arena; spans point there and may hold any byte. Texts that come from the
//        message are not escaped and not trusted: who prints them escapes.
// Wire:  one payload of at most FRAME_PAYLOAD_MAX. The reader believes nothing: every count, length
//        and number is checked against what is there before memory is taken.
#ifndef POSTERN_MIME_FINDINGS_H
#define POSTERN_MIME_FINDINGS_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

// Why a message cannot be judged, whoever asks: a limit of dissect { } was passed, or no reader
// could make anything of it.
enum finding_limit {
    LIMIT_NONE,
    LIMIT_HEADER,     // max_header
    LIMIT_FIELD,      // max_field
    LIMIT_FIELDS,     // max_fields
    LIMIT_PARAMETERS, // max_parameters
    LIMIT_PARTS,      // max_parts
    LIMIT_DEPTH,      // max_depth
    LIMIT_MEMBERS,    // max_members
    LIMIT_UNPACKED,   // max_unpacked
    LIMIT_RATIO,      // max_ratio
    LIMIT_BOUNDARIES, // lines that begin with "--": more than parts could need
    LIMIT_FINDINGS,   // more was found than can be told
    LIMIT_MATCH,      // a rule's expression ran into its match limit
    LIMIT_UNREADABLE, // GMime could make nothing of it
    LIMIT_SIZE,       // larger than a dissector's memory allows: nothing was looked at
    LIMIT_COUNT
};

const char *finding_limit_name(enum finding_limit limit); // "header", "depth", ...

// Oddities, for the rule condition `defect` and for people. Those from DEFECT_AMBIGUOUS on mean
// that mail readers disagree about what the message holds.
enum finding_defect {
    DEFECT_NO_HEADER,       // begins with an empty line, or with none that is a field
    DEFECT_MBOX_FROM,       // a leading "From " line
    DEFECT_BAD_FIELD,       // a line in the header that is no field
    DEFECT_NUL,             // a NUL byte
    DEFECT_BARE_CR,         // a CR that ends no line
    DEFECT_LONG_LINE,       // above 998 octets
    DEFECT_RAW_8BIT_HEADER, // and no UTF-8
    DEFECT_REPEATED_FIELD,  // From, Sender, Subject, Date, Message-ID, To, Cc, Reply-To twice
    DEFECT_NO_FROM,
    DEFECT_BAD_ENCODED_WORD,
    DEFECT_UNKNOWN_CHARSET,
    DEFECT_UNKNOWN_ENCODING,
    DEFECT_BAD_BASE64,
    DEFECT_BAD_QUOTED_PRINTABLE,
    DEFECT_BAD_UUENCODE,
    DEFECT_NO_END_BOUNDARY,
    DEFECT_BAD_NAME,        // ../, controls, direction overrides, blanks or dots at its end
    DEFECT_TYPE_MISMATCH,   // an executable that is declared or named as something else
    DEFECT_PARTIAL,         // message/partial
    DEFECT_EXTERNAL_BODY,   // message/external-body
    DEFECT_ARCHIVE_DAMAGED, // cannot be read to its end
    DEFECT_ARCHIVE_UNKNOWN, // looks like an archive that we cannot open
    DEFECT_AMBIGUOUS,       // not a defect itself: those below are ambiguities
    DEFECT_REPEATED_TYPE,   // Content-Type, -Transfer-Encoding or -Disposition twice
    DEFECT_REPEATED_PARAMETER,
    DEFECT_NO_BOUNDARY,    // a multipart without a usable one
    DEFECT_ODD_BOUNDARY,   // encoded, empty, ends in a blank, over 70 characters
    DEFECT_NAMES_DIFFER,   // name and filename say different things
    DEFECT_BASE64_PADDING, // padding in the middle: readers stop or go on
    DEFECT_ENCODED_MULTIPART,
    DEFECT_HIDDEN_CONTENT,  // text in front of, behind or between parts that decodes to a file
    DEFECT_ENCODED_MESSAGE, // base64 or quoted-printable: a mail to some, any file to others
    DEFECT_COUNT
};

const char *finding_defect_name(enum finding_defect defect); // "no_header", ...
enum finding_defect finding_defect_find(struct span name);   // DEFECT_COUNT if unknown

struct finding_header { // of the message itself, in its order
    struct span name;
    struct span raw;      // behind the colon, folding kept, without the last line end
    struct span decoded;  // unfolded, encoded words decoded, UTF-8 (bad bytes as U+FFFD)
    uint64_t offset, len; // of the whole field with its line end, in the message
};

enum finding_kind { FINDING_LEAF, FINDING_MULTIPART, FINDING_MESSAGE };

// How a part came to be seen. Another reading than the first adds parts; it hides none.
enum finding_reading {
    READING_FIRST,
    READING_OTHER,    // under another Content-Type, boundary or encoding than the first reading's
    READING_PROLOGUE, // text in front of the first boundary
    READING_EPILOGUE,
    READING_INLINE // uuencode or yEnc in a text
};

struct finding_part {
    int32_t parent; // index, smaller than its own; -1: the message itself
    uint32_t depth; // 0: the message itself
    enum finding_kind kind;
    enum finding_reading reading;
    struct span type;        // declared, lower case, "text/plain"; "" where nothing is declared
    struct span sniffed;     // what its bytes say, "application/x-dosexec"; "" not looked at
    struct span charset;     // lower case
    struct span encoding;    // lower case
    struct span disposition; // lower case
    struct span *names;      // every spelling of its name, decoded, each once
    size_t name_count;
    // In the message's bytes: its header, body and end. Only where is_located: what lies in a
    // decoded part has no place of its own.
    bool is_located;
    uint64_t head_begin, body_begin, body_end;
    uint64_t decoded_len;
    uint8_t sha256[SHA256_LEN]; // of the decoded body of a leaf
    bool is_encrypted;
};

struct finding_member { // of an archive
    uint32_t part;
    uint32_t level; // 1: in the part itself; 2: in an archive therein
    struct span name;
    struct span sniffed;
    uint64_t size;
    bool is_encrypted;
};

struct finding_mark { // a defect, once for each part
    enum finding_defect defect;
    uint32_t part;
    uint32_t count;
};

enum { FINDING_ALL_RCPTS = UINT32_MAX };

// Of a rule's regular expression. In ascending order, by pattern, then by recipient; each once.
struct finding_hit {
    uint32_t pattern;
    uint32_t rcpt; // number; FINDING_ALL_RCPTS where it is not about one
};

struct findings {
    struct arena arena;
    uint64_t len;             // of the message
    enum finding_limit limit; // the first that was passed
    struct span limit_text;   // "header block of 104857600 bytes, at most 262144"
    uint64_t header_len;      // with the empty line that ends it
    bool is_odd;         // others may see less of it than we do: they should be shown our parts
    uint64_t parts_len;  // of the archive of decoded parts, where one was asked for
    bool has_more_parts; // than that archive could hold
    struct finding_header *headers;
    size_t header_count;
    struct finding_part *parts;
    size_t part_count;
    size_t name_count; // of all parts
    struct finding_member *members;
    size_t member_count;
    struct span *links;
    size_t link_count;
    struct finding_mark *marks;
    size_t mark_count;
    struct finding_hit *hits;
    size_t hit_count;
};

enum { FINDINGS_MEMORY_MAX = 16 << 20, FINDINGS_LINKS_MAX = 1000 };

// Whatever the settings: above what dissect { } may allow, nobody has counted.
enum {
    FINDINGS_HEADERS_MAX = 10000,
    FINDINGS_PARTS_MAX = 20000,
    FINDINGS_MEMBERS_MAX = 20000,
    FINDINGS_NAMES_MAX = 40000
};

enum { FINDINGS_LIMIT_TEXT_MAX = 1000 };

struct findings *findings_new(void);
void findings_free(struct findings **findings);
bool findings_has_defect(const struct findings *findings, enum finding_defect defect);
bool findings_is_ambiguous(const struct findings *findings);
bool findings_is_encrypted(const struct findings *findings); // a part or a member
// The n-th field of that name, any case; NULL if there is none.
const struct finding_header *findings_header(const struct findings *findings, const char *name,
                                             size_t n);
int findings_compare_hits(const void *left, const void *right); // as bsearch wants it
bool findings_has_hit(const struct findings *findings, uint32_t pattern, uint32_t rcpt);

// The journal's `found` line in brief, at most about 16 KB; what is left out, the counts tell.
//   len= headers= parts= members= links= hits=   figures
//   message_id= subject=                       of the first such fields: the one raw, at most 500
//                                              bytes; the other decoded, at most 200
//   limit=name text                            once, where one was passed
//   defect=name part count                     the next three repeated
//   part=index parent size type sniffed [name [name [name]]]
//   member=part level size sniffed name
// Texts are as str_escape writes them (a blank is \x20), at most 100 bytes; an empty one is "-".
struct journal_writer;
void findings_note(const struct findings *findings, struct journal_writer *writer);

// -1: does not fit (nothing was added): who writes cuts and sets LIMIT_FINDINGS.
int findings_write(const struct findings *findings, struct buf *out);
// NULL, PERM with what does not fit: not a payload of ours.
struct findings *findings_read(struct span payload, struct err *err);

#endif
