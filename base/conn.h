// SPDX-License-Identifier: BSD-2-Clause
// base/conn.h - a buffered stream connection on the loop: TCP or UNIX, TLS when started.
//
// Owns:     the descriptor and both buffers. Idle, it holds no buffer memory.
// Input:    is kept until consumed, up to input_max; then reading stops until the owner consumes.
// Output:   is queued and written in one call at the end of the turn: a pipelined batch is answered
//           in one segment; TCP_NODELAY is always on. Nothing bounds the queue but the owner, who
//           looks at conn_unsent and waits for on_drained.
// Timeout:  conn_set_timeout bounds the silence: no byte read (while reading is wanted) and none
//           written (while output waits).
// Callbacks never come from within a call; on_end comes once, and nothing comes after it or after
// conn_close/conn_abort, which may be called inside a callback.
#ifndef POSTERN_BASE_CONN_H
#define POSTERN_BASE_CONN_H

#include "base/addr.h"
#include "base/loop.h"

struct conn;
struct tls_context;

enum conn_end {
    CONN_EOF,     // the peer closed its side and all input was delivered
    CONN_TIMEOUT, // conn_set_timeout passed
    CONN_ERROR,   // reset, unreachable, refused, TLS failure: the err tells
};

const char *conn_end_name(enum conn_end end);

struct conn_callbacks {
    void (*on_open)(
        void *arg); // connected (conn_connect only), or TLS is up (conn_start_tls); may be NULL
    void (*on_input)(void *arg);   // more input than before; look at conn_input
    void (*on_drained)(void *arg); // the output queue has become empty; may be NULL
    void (*on_end)(void *arg, enum conn_end end,
                   const struct err *err); // owner then calls conn_close
};

enum { CONN_INPUT_MAX = 65536 };

// Takes fd (an accepted socket, any mode); makes it non-blocking.
struct conn *conn_new(struct loop *loop, int fd_take, const struct conn_callbacks *callbacks,
                      void *arg);

// Never fails at once: on_open or on_end follows. EAGAIN of a full UNIX backlog is retried inside
// the time-out (ms).
struct conn *conn_connect(struct loop *loop, const struct addr *addr, uint64_t timeout_ms,
                          const struct conn_callbacks *callbacks, void *arg);

void conn_set_timeout(struct conn *conn, uint64_t ms); // 0: none. Begins anew.
void conn_set_input_max(struct conn *conn, size_t max);

struct span conn_input(const struct conn *conn); // valid until the next call on this conn
void conn_consume(struct conn *conn, size_t len);
void conn_pause(struct conn *conn);  // no more reading from the socket, no read time-out
void conn_resume(struct conn *conn); // on_input comes again (in a later turn) if input is left
bool conn_input_is_ended(const struct conn *conn); // EOF was read; conn_input may still hold bytes

void conn_write(struct conn *conn, const void *data, size_t len);
// The same for data that nothing follows soon: what the socket takes leaves at once, from where it
// lies. At most STREAM_PARTS parts.
void conn_send(struct conn *conn, const struct span *parts, size_t count);
size_t conn_unsent(const struct conn *conn);
int conn_flush(struct conn *conn); // writes what the socket takes now; -1: on_end will follow

// STARTTLS: what is already queued in clear is written first; input not yet consumed is dropped and
// reported by the return value (bytes), since a command pipelined behind STARTTLS is an attack.
size_t conn_start_tls(struct conn *conn, struct tls_context *context, const char *server_name);
bool conn_is_tls(const struct conn *conn);
const char *
conn_tls_description(const struct conn *conn); // "TLSv1.3 TLS_AES_256_GCM_SHA384", "" without

const struct addr *conn_peer(const struct conn *conn);
int conn_fd(const struct conn *conn); // borrowed

// Writes what is queued (at most linger_ms), then closes. *conn is NULL afterwards; both accept
// NULL.
void conn_close(struct conn **conn, uint64_t linger_ms);
void conn_abort(struct conn **conn); // at once; what is unsent is lost

#endif
