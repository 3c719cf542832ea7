// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/certs.h - certificates and keys for tests alone; they protect nothing.
#ifndef POSTERN_TESTS_UNIT_BASE_CERTS_H
#define POSTERN_TESTS_UNIT_BASE_CERTS_H

#include <string.h>

#include "tests/unit/base/tempdir.h"

// Made once for these tests.
static const char cert_ca_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBRjCB7aADAgECAgEQMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB1Rlc3QgQ0Ew\n"
    "IBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB1Rl\n"
    "c3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATQPOEoW8zJHZoO0hhyIdp9\n"
    "0H0f5KlM+SLTRTayp1xvKXuFnmo6jvdC6pkATGmIad381QMVBZjzb/DQm6h5EzuJ\n"
    "ozIwMDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBSazicVX2C2DgjzRe2Aw7JG\n"
    "+aH8hTAKBggqhkjOPQQDAgNIADBFAiEA1EgMKAhxMd/Aesgo97oYiarfFl8lrKuu\n"
    "lo2XvQQ4Ak8CIHL58Udrax0vFITcb7KibEoQF98/wvzYJu2YT7QKSsl+\n"
    "-----END CERTIFICATE-----\n";

// Signed by it, for mx.example.com and 127.0.0.1.
static const char cert_server_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdzCCAR2gAwIBAgIBETAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdUZXN0IENB\n"
    "MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjARMQ8wDQYDVQQDDAZz\n"
    "ZXJ2ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQJlTEequh1CB2U/+0LSQdP\n"
    "BjztSdDtGJLloWlo1t8c2W2KqmJGyV3rzhZsCkjsLpnY9d0BjoWYpQaocSLu4Rmw\n"
    "o2MwYTAfBgNVHREEGDAWgg5teC5leGFtcGxlLmNvbYcEfwAAATAdBgNVHQ4EFgQU\n"
    "Rjf/e54DyFcX+yjmiLMDRo0Tqb0wHwYDVR0jBBgwFoAUms4nFV9gtg4I80XtgMOy\n"
    "Rvmh/IUwCgYIKoZIzj0EAwIDSAAwRQIgeFu4vshak2n872ke6TMSeyfxjOxu0a/k\n"
    "uSUAadEcq/ICIQC0zMzAO2BAyANTYCcN8IlFHXiW4V2l0RFlpkspA+yagw==\n"
    "-----END CERTIFICATE-----\n";

static const char cert_server_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG5Xp/gDsRu+dxRKm\n"
    "UIFOQACdzw6AbTIjzhkDMpjeaQahRANCAAQJlTEequh1CB2U/+0LSQdPBjztSdDt\n"
    "GJLloWlo1t8c2W2KqmJGyV3rzhZsCkjsLpnY9d0BjoWYpQaocSLu4Rmw\n"
    "-----END PRIVATE KEY-----\n";

// Signed by it.
static const char cert_client_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdzCCAR2gAwIBAgIBEjAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdUZXN0IENB\n"
    "MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjARMQ8wDQYDVQQDDAZj\n"
    "bGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ3zJ3FVLb2Y71l0TxHS7ZS\n"
    "M2SsRiOhYwHws0tbILsTDR/gukSXDFw/dJoqjYMf7R0EtW0Vy8J+ApS7BsKpt/yq\n"
    "o2MwYTAfBgNVHREEGDAWgg5teC5leGFtcGxlLmNvbYcEfwAAATAdBgNVHQ4EFgQU\n"
    "ZBxeijUjU1P4cKhEK81ShtF1k+0wHwYDVR0jBBgwFoAUms4nFV9gtg4I80XtgMOy\n"
    "Rvmh/IUwCgYIKoZIzj0EAwIDSAAwRQIgCBlJWgH9DlYHp8E7kIJkgBzBfopd9osU\n"
    "1iNror9+hygCIQCljhFgIvEip2VYRH3r3tkwflcjCnw7NTnvaAXmPfmH7Q==\n"
    "-----END CERTIFICATE-----\n";

static const char cert_client_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghs2HzYIufZyaumOf\n"
    "a+tNOkHzGf60M1LiboqMrZjdGgGhRANCAAQ3zJ3FVLb2Y71l0TxHS7ZSM2SsRiOh\n"
    "YwHws0tbILsTDR/gukSXDFw/dJoqjYMf7R0EtW0Vy8J+ApS7BsKpt/yq\n"
    "-----END PRIVATE KEY-----\n";

// Signed by nobody.
static const char cert_stranger_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBRzCB76ADAgECAgETMAoGCCqGSM49BAMCMBMxETAPBgNVBAMMCFN0cmFuZ2Vy\n"
    "MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjATMREwDwYDVQQDDAhT\n"
    "dHJhbmdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHvUFjrx1i+wH9yAMv4o\n"
    "AevWIWEX0gxHAJIo7vKBNEwRyUQyeEQ2xDL1fgXhnQb89/LlrOUmjkDoSakoyYo6\n"
    "fr2jMjAwMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFGbNY6oICmGpc9qe5JBI\n"
    "5qal/vDhMAoGCCqGSM49BAMCA0cAMEQCIGU+R/T4pv2wCci2bCFteRle39bM3HZF\n"
    "sdKS1BY/bNwYAiAs3+zGRGl7y0jakP2X05eBj8c2sLvPv2fESCyfu8PtJQ==\n"
    "-----END CERTIFICATE-----\n";

// server.key behind a pass phrase.
static const char cert_locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi6W26XrEnFCQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEM2vZLwFbSrRUTdND1slTMEEgZAy\n"
    "se+QPY7gBLIM5qeDg2V8wxVU+u/aGBJFKoH7WTYV7FjVCBywbsZnDEKT7NxwCpyG\n"
    "g0/B/HQAExLSSPyrHkBH0ON24MjOhAYTA+ARNIxS7aK6WdcXrv4pbYacJR5sTd28\n"
    "cbD8QAk02tGML/aN2CCFy67p/UrNM6JDpC1k3T31dB80G6Dg88Al9TQU0+wMzwc=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static inline void
certs_write(const struct tempdir *dir)
{
    static const struct {
        const char *name, *pem;
    } files[] = {
        {"ca.pem",       cert_ca_pem      },
        {"server.pem",   cert_server_pem  },
        {"server.key",   cert_server_key  },
        {"client.pem",   cert_client_pem  },
        {"client.key",   cert_client_key  },
        {"stranger.pem", cert_stranger_pem},
        {"locked.key",   cert_locked_key  },
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int fd = openat(dir->fd, files[i].name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        size_t len = strlen(files[i].pem);

        if (fd < 0 || write(fd, files[i].pem, len) != (ssize_t)len)
            abort();
        close(fd);
    }
}

#endif
