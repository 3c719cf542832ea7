// SPDX-License-Identifier: BSD-2-Clause
// track/redis/login.h - what a Redis server is told first: who we are, and which database.
//
// done comes once, never from within, unless the connection ends before. Passwords are in no text.
#ifndef POSTERN_TRACK_LOGIN_H
#define POSTERN_TRACK_LOGIN_H

#include "base/redis.h"
#include "track/settings.h"

typedef void login_done(void *arg, const char *why); // NULL: logged in; else redis_free is due

struct login {
    login_done *done;
    void *arg;
};

void login_start(struct login *login, struct redis *redis, const struct redis_settings *settings,
                 login_done *done, void *arg);

#endif
