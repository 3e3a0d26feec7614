// Loaded into Tenon by `cargo xtask crash` (shim.rs): its wall clock is ahead or behind, its disk takes its time.
//
// CRASH_AHEAD_US  microseconds by which the wall clock is ahead; negative: behind
// CRASH_SYNC_MS   milliseconds that a sync takes longer, at most
// CRASH_SEED      where the choice of how long starts from
// CRASH_LOADED    a file that is made when this is loaded, to show that it was
//
// Monotonic clocks stay as they are: nobody sets them. Nothing of this is in Tenon.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t ahead_us;
static uint64_t sync_ms;
static _Atomic uint64_t state;

static int64_t number(const char *name) {
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    ahead_us = number("CRASH_AHEAD_US");
    sync_ms = (uint64_t)number("CRASH_SYNC_MS");
    state = (uint64_t)number("CRASH_SEED");
    const char *loaded = getenv("CRASH_LOADED");
    if (loaded) close(open(loaded, O_CREAT | O_WRONLY, 0600));
}

static int is_wall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

static int read_clock(clockid_t clock, struct timespec *now) {
    static int (*_Atomic real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return real ? real(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = read_clock(clock, now);
    if (failed || !is_wall(clock) || ahead_us == 0) return failed;
    int64_t nanos = now->tv_nsec + ahead_us % 1000000 * 1000;
    now->tv_sec += ahead_us / 1000000 + (nanos >= 1000000000) - (nanos < 0);
    now->tv_nsec = (nanos + 1000000000) % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

// As random.rs: the same seed gives the same row, though not always to the same syncs.
static uint64_t next(void) {
    uint64_t mixed = atomic_fetch_add(&state, 0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

static void dawdle(void) {
    if (sync_ms == 0) return;
    uint64_t wait = next() % (sync_ms + 1);
    struct timespec left = {(time_t)(wait / 1000), (long)(wait % 1000) * 1000000};
    while (nanosleep(&left, &left)) {
    }
}

int fsync(int file) {
    dawdle();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    dawdle();
    return (int)syscall(SYS_fdatasync, file);
}
