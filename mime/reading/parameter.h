// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/parameter.h - takes a header value with parameters apart, without a judgement. Pure.
//
// Where readers disagree about what is a comment, what a quote hides and what a fold means, the
// caller makes the text that such a reader sees and takes each apart: mime/reading/words does.
#ifndef POSTERN_MIME_PARAMETER_H
#define POSTERN_MIME_PARAMETER_H

#include "base/buf.h"

struct parameter_piece {
    struct span name; // as it stands, without "*", "*0*", blanks and quotes around
    int number;       // of a continuation (RFC 2231 3); -1: none
    bool is_extended; // RFC 2231 4
    struct span value;
    struct span whole; // with what follows as far as the next ";": others take that for the value
    size_t group;      // the caller's
};

struct parameter_list {
    struct span main;
    struct parameter_piece *pieces; // heap
    size_t count;
    bool is_cut;       // more than max stand there
    bool is_quote_odd; // a quote is not closed, or hides what would end a value
};

// Spans point into the text. With quotes false they are letters like others.
void parameter_split(struct span text, bool quotes, size_t max, struct parameter_list *list_out);
void parameter_clear(struct parameter_list *list);

// A text as readers of one kind see it; both append to out, at most text.len bytes.
void parameter_unfold(struct span text, bool keep_blanks, struct buf *out);
void parameter_strip_comments(struct span text, struct buf *out);
// Without quotes; what a backslash hides without the backslash, if so wished.
void parameter_unquote(struct span value, bool escapes, struct buf *out);
// The inside of a value that begins with a quote, as the RFC has it; another as it stands.
void parameter_take(struct span value, struct buf *out);

#endif
