// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/login.h"

#include <stdio.h>
#include <string.h>

#include "track/redis/multi.h"

static void
end(struct login *login, const char *why)
{
    login->done(login->arg, why);
}

// An error may quote what was sent: of its text only the first word is told.
static void
on_authenticated(void *arg, const struct redis_reply *reply)
{
    size_t len = 0;
    char why[80];

    if (reply == NULL || reply->kind == REDIS_STATUS)
        return;
    while (reply->kind == REDIS_ERROR && len < reply->text.len && len < 20 &&
           reply->text.data[len] >= 'A' && reply->text.data[len] <= 'Z')
        len++;
    (void)snprintf(why, sizeof why, "AUTH was refused%s%.*s", len > 0 ? ": " : "", (int)len,
                   len > 0 ? reply->text.data : "");
    end(arg, why);
}

static void
on_selected(void *arg, const struct redis_reply *reply)
{
    char why[MULTI_WHY_MAX + 1] = "not Redis: SELECT was not answered as it should be";

    if (reply == NULL || reply->kind == REDIS_STATUS)
        return;
    if (reply->kind == REDIS_ERROR)
        (void)multi_refusal(reply->text, why);
    end(arg, why);
}

// An old server does not know the command, and an access list may deny it: the name is for people.
static void
on_named(void *arg, const struct redis_reply *reply)
{
    char why[MULTI_WHY_MAX + 1] = "not Redis: CLIENT was not answered as it should be";

    if (reply == NULL)
        return;
    if (reply->kind == REDIS_STATUS ||
        (reply->kind == REDIS_ERROR &&
         (multi_refusal(reply->text, why) == MULTI_AGAIN || strncmp(why, "NOPERM ", 7) == 0)))
        end(arg, NULL);
    else
        end(arg, why);
}

void
login_start(struct login *login, struct redis *redis, const struct redis_settings *settings,
            login_done *done, void *arg)
{
    struct span user[] = {SPAN_LITERAL("AUTH"), span_of(settings->user),
                          span_of(settings->password)};
    struct span password[] = {SPAN_LITERAL("AUTH"), span_of(settings->password)};
    struct span database[2] = {SPAN_LITERAL("SELECT")};
    struct span name[] = {SPAN_LITERAL("CLIENT"), SPAN_LITERAL("SETNAME"), SPAN_LITERAL("postern")};
    char number[24];

    login->done = done;
    login->arg = arg;
    if (settings->user[0] != '\0')
        redis_command(redis, user, 3, on_authenticated, login);
    else if (settings->password[0] != '\0')
        redis_command(redis, password, 2, on_authenticated, login);
    if (settings->database > 0) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)settings->database);
        database[1] = span_of(number);
        redis_command(redis, database, 2, on_selected, login);
    }
    redis_command(redis, name, 3, on_named, login);
}
