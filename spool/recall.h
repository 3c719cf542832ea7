// SPDX-License-Identifier: BSD-2-Clause
// spool/recall.h - by what a recipient is known when his message comes again; and what a message
// that another process left in the spool tells about its recipients.
//
// The key is SHA-256 over the content, the reverse-path, recipient and parameters, all as received,
// the next hop and, where it was sent, Postfix's queue id. The content is in the file as it came,
// so that nothing need be kept for it.
#ifndef POSTERN_SPOOL_RECALL_H
#define POSTERN_SPOOL_RECALL_H

#include "spool/reader.h"
#include "spool/remember.h"

// sha256 is reset and used; content is its value over the message.
struct digest_value recall_key(struct sha256 *sha256, const uint8_t content[SHA256_LEN],
                               const struct smtp_envelope *envelope, size_t number);

// A queue id was sent. Else another message may have the same key.
bool recall_is_named(const struct smtp_envelope *envelope);

// What its client was told, or would have been had its process not died in between, is remembered;
// of those that are not remembered yet. recall_read blocks. Where no queue id was sent, only of
// those whose client may not have heard it: the same bytes may be another message.
struct recall {
    bool is_read;
    uint8_t content[SHA256_LEN];
};

void recall_read(struct recall *recall, int fd, const struct reader_message *message,
                 uint64_t lifetime_ms, int64_t now_ms);
void recall_tell(const struct recall *recall, struct remember *remember,
                 const struct reader_message *message, int64_t now_ms);

#endif
