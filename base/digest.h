// SPDX-License-Identifier: BSD-2-Clause
// base/digest.h - checksums and digests; door to xxhash and libcrypto.
//
// digest_* is XXH3-128, streaming: fast, not cryptographic. It proves that bytes were not damaged
// or touched by us, not that nobody forged them. sha256_* is what the world calls a part by.
#ifndef POSTERN_BASE_DIGEST_H
#define POSTERN_BASE_DIGEST_H

#include "base/str.h"

struct digest; // streaming state

struct digest_value {
    uint64_t high, low;
};

enum { DIGEST_TEXT_LEN = 32 };

struct digest *digest_new(void);
void digest_free(struct digest **digest);
void digest_reset(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t len);
struct digest_value digest_get(const struct digest *digest); // may go on adding after it
struct digest_value digest_of(struct span span);
struct digest_value digest_seeded(struct span span, uint64_t seed);
uint64_t digest_sum64(struct span span, uint64_t seed); // XXH3-64, for small things (journal lines)
bool digest_equal(struct digest_value a, struct digest_value b);
void digest_format(struct digest_value value, char out[DIGEST_TEXT_LEN + 1]); // lower-case hex

enum { SHA256_LEN = 32, SHA256_TEXT_LEN = 64 };

struct sha256; // streaming state; the first is made before any jail, since it may open files

struct sha256 *sha256_new(void);
void sha256_free(struct sha256 **sha256);
void sha256_reset(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *data, size_t len);
// Ends it: reset before the next add.
void sha256_get(struct sha256 *sha256, uint8_t out[SHA256_LEN]);
void sha256_format(const uint8_t value[SHA256_LEN], char out[SHA256_TEXT_LEN + 1]); // lower case

#endif
