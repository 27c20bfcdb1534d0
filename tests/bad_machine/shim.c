/* What stands between the box and the machine in tests, loaded before the C library: a clock that is ahead or behind, and a
 * disk that takes its time. What it is to do stands in the file that SPOTTER_ORDERS names, two numbers that may be changed at
 * any time: by how many milliseconds the wall clock is wrong, and how many milliseconds a write to the disk takes. It is a
 * stand-in: the kernel's own clock and disk are left alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct orders {
    volatile int64_t clock_ms;
    volatile int64_t sync_ms;
};

static struct orders *orders;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SPOTTER_ORDERS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *found = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, fd, 0);
    orders = found == MAP_FAILED ? NULL : found;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int done = (int)syscall(SYS_clock_gettime, id, t);
    if (done == 0 && id == CLOCK_REALTIME && orders) {
        int64_t ns = t->tv_sec * 1000000000LL + t->tv_nsec + orders->clock_ms * 1000000LL;
        t->tv_sec = ns / 1000000000LL;
        t->tv_nsec = ns % 1000000000LL;
    }
    return done;
}

static void dawdle(void)
{
    int64_t ms = orders ? orders->sync_ms : 0;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    if (ms > 0)
        nanosleep(&t, NULL);
}

int fsync(int fd)
{
    dawdle();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    dawdle();
    return (int)syscall(SYS_fdatasync, fd);
}
