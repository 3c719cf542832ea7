// SPDX-License-Identifier: BSD-2-Clause
// spool/recall.h - by what a recipient is known when his message comes again; and what a message
// that another process left in the spool tells about its recipients.
//
// The key is made of the content's digest, the reverse-path, recipient and parameters, all as
// received, the next hop and, where it was sent, Postfix's queue id. All that is in the file, so
// that nothing need be kept for it.
// The digest is no cryptographic one: who writes both of two messages can make them collide. He
// gains nothing: they are the same only with the same queue id, which Postfix gives, or from a
// client without one that has not heard, and then his second is taken for his first. To be taken
// for another's, he would have to know its every byte before it comes, with the line that the last
// server puts in front. The rest he cannot aim at, as the key is seeded with a secret.
#ifndef POSTERN_SPOOL_RECALL_H
#define POSTERN_SPOOL_RECALL_H

#include "spool/reader.h"
#include "spool/remember.h"

// scratch: an initialised buffer; one does for all recipients.
struct digest_value recall_key(const struct remember *remember, struct digest_value content,
                               const struct smtp_envelope *envelope, size_t number,
                               struct buf *scratch);

// A queue id was sent. Else another message may have the same key.
bool recall_is_named(const struct smtp_envelope *envelope);

// What the client of an adopted message was told, or would have been had its process not died in
// between, is remembered; of those that are not remembered yet. Where no queue id was sent, only of
// those whose client may not have heard it: the same bytes may be another message.
void recall_tell(struct remember *remember, const struct reader_message *message,
                 uint64_t lifetime_ms, int64_t now_ms);

#endif
