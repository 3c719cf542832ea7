// SPDX-License-Identifier: BSD-2-Clause
// tests/bench/count/plant.c - preloaded: each message that is handed to a dissector costs a loop
// and some system calls more, which the gate has to find.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { TURNS = 200000, CALLS = 3 };

typedef ssize_t send_call(int fd, const struct msghdr *message, int flags);

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    static send_call *real;
    volatile unsigned turns = 0;

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
        if (real == NULL)
            abort();
    }
    while (turns < TURNS)
        turns++;
    for (int i = 0; i < CALLS; i++)
        (void)getpid();
    return real(fd, message, flags);
}
