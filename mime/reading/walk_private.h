// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/walk_private.h - what the files of mime/reading/walk share.
//
// A source is the message, or what a part's body decoded to; a task is a piece of one that is still
// to be read. Tasks are a stack, a source lies under the tasks that read it: what a part holds is
// read before its neighbours, and no more is decoded at a time than lies in each other.
#ifndef POSTERN_MIME_WALK_PRIVATE_H
#define POSTERN_MIME_WALK_PRIVATE_H

#include "mime/reading/collect.h"
#include "mime/reading/decode.h"
#include "mime/reading/entity.h"
#include "mime/reading/walk.h"

struct source {
    struct span bytes;
    struct buf owned; // empty: the message
    uint32_t number;
    bool is_message;
};

enum task_kind {
    TASK_ENTITY,    // header and body
    TASK_TEXT,      // text outside of parts
    TASK_OUTLINE,   // what GMime sees in all of the source
    TASK_END_SOURCE // nothing reads it any more
};

struct task {
    enum task_kind kind;
    struct source *source;
    size_t begin, end;
    int32_t parent;
    uint32_t depth;
    enum finding_reading reading;
    bool is_digest;                 // in a multipart/digest: a message where nothing is said
    enum decode_encoding inherited; // of the multipart it lies in
};

struct seen { // a span that was read
    uint32_t source, what;
    size_t begin, end;
};

enum { SEEN_ENTITY = 100, SEEN_TEXT }; // beside enum decode_encoding

struct walker {
    const struct walk *in;
    struct findings *findings;
    struct task *tasks;
    size_t task_count, task_room;
    struct seen *seen;
    size_t seen_count, seen_room;
    uint64_t *boundaries; // digests of all that were declared
    size_t boundary_count;
    uint32_t sources;
    uint64_t work_left; // bytes that may still be read: readings of readings end somewhere
};

// mime/reading/walker.c: the stack, and what all readings may cost.
struct span walker_span(const struct source *source, size_t begin, size_t end);
bool walker_is_blank(struct span text);
bool walker_is_over(const struct walker *walker); // a limit was passed
bool walker_spend(struct walker *walker, uint64_t bytes);
// True if it was seen before; notes it.
bool walker_has_seen(struct walker *walker, const struct source *source, uint32_t what,
                     struct span span);
void walker_push(struct walker *walker, const struct task *task);
struct source *walker_add_source(struct walker *walker, struct buf *owned_take);
// Reads a new source as a message that the part `parent` holds, and asks GMime about it.
void walker_push_message(struct walker *walker, const struct task *like, struct source *source,
                         int32_t parent);

void walker_end_source(struct source **source);
// What the limits say about bytes that nobody saw before they were decoded. False: too much.
bool walker_is_within_limits(struct walker *walker, struct span bytes);

// walk_multi.c: what holds further parts.
struct walk_body { // of an entity
    const struct task *task;
    const struct entity *entity;
    struct source *source; // the task's, or what it decodes to
    size_t begin, end;
    int32_t index;
    enum decode_encoding inherited;
};

void walk_multi_read(struct walker *walker, const struct walk_body *body);
struct encodings;
// The same once its body is decoded, where anybody would do that.
void walk_multi_encoded(struct walker *walker, const struct walk_body *body,
                        const struct encodings *encodings);
void walk_multi_message(struct walker *walker, const struct walk_body *body,
                        const struct encodings *encodings);
// Pieces of a text that begin like parts, though no boundary was ever declared.
void walk_multi_hidden(struct walker *walker, const struct task *task, int32_t index);
// The same in a leaf, where a boundary that was declared anywhere begins them: some let an outer
// boundary not end what is inside.
void walk_multi_declared(struct walker *walker, const struct walk_body *body);
// Takes down what the entity declares.
void walk_multi_declare(struct walker *walker, const struct entity *entity);

// walk_part.c: a part for the task with what its header says. -1: a limit.
int32_t walk_part_add(struct walker *walker, const struct task *task, const struct entity *entity);
void walk_part_headers(const struct walk *walk); // the message's own fields, and marks for them

// walk_leaf.c: content of a part, told in every encoding that its fields name.
struct leaf {
    const struct task *task;
    int32_t index; // of the part that it is; others are added in it
    struct span raw;
    struct span charset;
    bool is_text;        // may hold files, links
    bool is_mail_inside; // its name says that a message lies in it
};

struct encodings {
    enum decode_encoding items[6];
    size_t count;
    bool is_unknown;
};

void walk_leaf_encodings(const struct entity *entity, const struct task *task,
                         struct encodings *encodings_out);
// 0: out holds what raw is in that encoding; with DECODE_IDENTITY nothing is copied.
struct span walk_leaf_decode(struct walker *walker, struct span raw, enum decode_encoding encoding,
                             struct buf *out, struct decode *decode_out);
void walk_leaf_tell(struct walker *walker, const struct leaf *leaf,
                    const struct encodings *encodings);

#endif
