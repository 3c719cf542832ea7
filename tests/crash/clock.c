// SPDX-License-Identifier: BSD-2-Clause
// tests/crash/clock.c - preloaded: the wall clock is as many seconds ahead as the file CRASH_CLOCK
// says.
//
// The file is mapped before anything is jailed, so that the clock of a running process can be set,
// and no call is made that a filter of calls might refuse. (faketime opens files when it is asked.)
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int clock_call(clockid_t id, struct timespec *now);

static clock_call *real;
static const volatile int64_t *ahead_s;

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("CRASH_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);

    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    if (real == NULL || map == MAP_FAILED)
        abort();
    ahead_s = map;
    close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
    // Constructors of other libraries may ask before ours has run.
    int result = ahead_s == NULL ? (int)syscall(SYS_clock_gettime, id, now) : real(id, now);

    if (ahead_s != NULL && result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += *ahead_s;
    return result;
}

time_t
time(time_t *now_out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (now_out != NULL)
        *now_out = now.tv_sec;
    return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict now_out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *now_out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}
