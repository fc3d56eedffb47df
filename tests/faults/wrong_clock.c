/* A wall clock that is wrong by as many seconds as the file WRONG_CLOCK says, at each moment, for the process that this library is
   preloaded into. Every other clock, and whatever waits for one, is as it was; which is where libfaketime 0.9.10 fails. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *wrong_seconds;

__attribute__((constructor)) static void look(void)
{
    int file = open(getenv("WRONG_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *seen = mmap(NULL, sizeof *wrong_seconds, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || seen == MAP_FAILED)
        abort();
    close(file);
    wrong_seconds = seen;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && wrong_seconds && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *wrong_seconds;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec told;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &told))
        return -1;
    now->tv_sec = told.tv_sec;
    now->tv_usec = told.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec told;
    clock_gettime(CLOCK_REALTIME, &told);
    if (now)
        *now = told.tv_sec;
    return told.tv_sec;
}
