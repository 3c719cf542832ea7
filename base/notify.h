// SPDX-License-Identifier: BSD-2-Clause
// base/notify.h - sd_notify(3) without libsystemd. Does nothing where NOTIFY_SOCKET is not set.
#ifndef POSTERN_BASE_NOTIFY_H
#define POSTERN_BASE_NOTIFY_H

#include <stdint.h>

void notify_send(const char *state); // "READY=1\nSTATUS=...": one datagram, never blocks
uint64_t notify_watchdog_ms(void);   // WATCHDOG_USEC if it is meant for this process, else 0
int notify_listen_count(void); // LISTEN_FDS if LISTEN_PID is this process, else 0 (first is 3)

#endif
