// SPDX-License-Identifier: BSD-2-Clause
// base/stream.h - the bytes of one connection: a socket, TLS when started, a buffer for each way.
//
// Knows no loop and calls nobody: conn asks it to read when the socket is readable and to flush
// when there is output. Owns the descriptor, both buffers and the TLS session. What fails is TEMP
// and final for the way it concerns.
#ifndef POSTERN_BASE_STREAM_H
#define POSTERN_BASE_STREAM_H

#include "base/buf.h"
#include "base/err.h"

enum { STREAM_PARTS = 4 };

struct tls_context;
struct tls_session;

struct stream {
    int fd; // non-blocking; -1: none yet
    struct tls_session *tls;
    bool is_eof;
    bool is_blocked; // the socket took no more; whoever learns that it is writable clears this

    struct buf in;    // plaintext
    size_t in_start;  // consumed
    size_t input_max; // not consumed
    size_t read_size; // how much to ask the socket for
    bool is_emptied;  // the socket had less than it was asked for
    bool is_held;     // TLS may hold input that in had no room for: stream_unhold

    struct buf wire; // as it goes out
    size_t wire_start;
    struct buf plain; // output that TLS has not seen yet
};

void stream_init(struct stream *stream, size_t input_max);
void stream_clear(struct stream *stream); // closes, too
void stream_set_input_max(struct stream *stream, size_t max);

size_t stream_input_len(const struct stream *stream);
struct span stream_input(const struct stream *stream);
void stream_consume(struct stream *stream, size_t len);
void stream_free_idle_input(struct stream *stream); // unless more is there already

// One recv, with room in the buffer: 1 if anything came (EOF too), 0 if nothing, -1 with err.
int stream_read(struct stream *stream, struct err *err);
int stream_unhold(struct stream *stream, struct err *err);

void stream_write(struct stream *stream, const void *data, size_t len);
size_t stream_unsent(const struct stream *stream);
// One send at most: 1 if it took something, 0 if not, -1 with err.
int stream_flush(struct stream *stream, struct err *err);
// A write and a flush at once, without a copy of what the socket takes.
int stream_send(struct stream *stream, const struct span *parts, size_t count, struct err *err);
void stream_drop_output(struct stream *stream);

// Drops the input that is not consumed; what is queued goes out in clear. -1 with err.
int stream_start_tls(struct stream *stream, struct tls_context *context, const char *server_name,
                     struct err *err);
bool stream_is_tls(const struct stream *stream); // the handshake is done
// Ends the output: TLS's farewell is queued, and all that is queued stands in wire from its start.
int stream_finish(struct stream *stream, struct err *err);

#endif
