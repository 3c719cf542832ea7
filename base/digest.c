// SPDX-License-Identifier: BSD-2-Clause
#include "base/digest.h"

#include <assert.h>

#include <openssl/evp.h>
#include <xxhash.h>

#include "base/mem.h"

struct digest {
    XXH3_state_t *state; // has an alignment of its own, so it is xxhash's to allocate
};

static struct digest_value
from_xxh(XXH128_hash_t hash)
{
    return (struct digest_value){.high = hash.high64, .low = hash.low64};
}

struct digest *
digest_new(void)
{
    struct digest *digest = mem_zalloc(sizeof(*digest));

    digest->state = XXH3_createState();
    assert(digest->state != NULL); // lack of memory
    digest_reset(digest);
    return digest;
}

void
digest_free(struct digest **digest)
{
    if (*digest == NULL)
        return;
    XXH3_freeState((*digest)->state);
    mem_free(digest);
}

void
digest_reset(struct digest *digest)
{
    XXH3_128bits_reset(digest->state);
}

void
digest_add(struct digest *digest, const void *data, size_t len)
{
    if (len > 0)
        XXH3_128bits_update(digest->state, data, len);
}

struct digest_value
digest_get(const struct digest *digest)
{
    return from_xxh(XXH3_128bits_digest(digest->state));
}

struct digest_value
digest_of(struct span span)
{
    return from_xxh(XXH3_128bits(span.len > 0 ? span.data : "", span.len));
}

struct digest_value
digest_seeded(struct span span, uint64_t seed)
{
    return from_xxh(XXH3_128bits_withSeed(span.len > 0 ? span.data : "", span.len, seed));
}

uint64_t
digest_sum64(struct span span, uint64_t seed)
{
    return XXH3_64bits_withSeed(span.len > 0 ? span.data : "", span.len, seed);
}

bool
digest_equal(struct digest_value a, struct digest_value b)
{
    return a.high == b.high && a.low == b.low;
}

void
digest_format(struct digest_value value, char out[DIGEST_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";

    for (unsigned i = 0; i < 16; i++) {
        out[i] = hex[value.high >> (60 - 4 * i) & 15];
        out[16 + i] = hex[value.low >> (60 - 4 * i) & 15];
    }
    out[DIGEST_TEXT_LEN] = '\0';
}

struct sha256 {
    EVP_MD *kind; // fetched: may read files, so before any jail; used again and again
    EVP_MD_CTX *state;
};

struct sha256 *
sha256_new(void)
{
    struct sha256 *sha256 = mem_zalloc(sizeof *sha256);

    sha256->kind = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha256->state = EVP_MD_CTX_new();
    assert(sha256->kind != NULL && sha256->state != NULL); // lack of memory
    sha256_reset(sha256);
    return sha256;
}

void
sha256_free(struct sha256 **sha256)
{
    if (*sha256 == NULL)
        return;
    EVP_MD_CTX_free((*sha256)->state);
    EVP_MD_free((*sha256)->kind);
    mem_free(sha256);
}

void
sha256_reset(struct sha256 *sha256)
{
    int done = EVP_DigestInit_ex2(sha256->state, sha256->kind, NULL);

    assert(done == 1); // fails for lack of memory alone, as the two below do
}

void
sha256_add(struct sha256 *sha256, const void *data, size_t len)
{
    int done = len == 0 ? 1 : EVP_DigestUpdate(sha256->state, data, len);

    assert(done == 1);
}

void
sha256_get(struct sha256 *sha256, uint8_t out[SHA256_LEN])
{
    int done = EVP_DigestFinal_ex(sha256->state, out, NULL);

    assert(done == 1);
}

void
sha256_format(const uint8_t value[SHA256_LEN], char out[SHA256_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_LEN; i++) {
        out[2 * i] = hex[value[i] >> 4];
        out[2 * i + 1] = hex[value[i] & 15];
    }
    out[SHA256_TEXT_LEN] = '\0';
}
