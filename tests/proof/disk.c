/* Stands between a process and its disk, by LD_PRELOAD. It records what the process does to the files of one directory,
 * and what it answers on sockets, in one file and in the order in which it happened; and it makes one of the calls fail.
 *
 *   CONTACTD_DISK_DIR    the directory
 *   CONTACTD_DISK_LOG    where to record; nothing is recorded without it
 *   CONTACTD_DISK_FAIL   CALL:N:ERRNO or CALL:N:ERRNO:on, where CALL is `write` or `sync`: the N-th of these calls fails,
 *                        with `on` every later one, too
 *
 * A record is a header and bytes; tests/proof/disk.rs reads it. A call and its record are one step under one lock, so the
 * order of records is that of the calls. A sync has two: what was written before the first is on disk at the second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 4096 };

struct header {
    uint32_t kind, fd;
    uint64_t at, bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static int log_fd = -1;
/* Which descriptors are of files in the directory. */
static char ours[FDS];
static uint64_t syncs;

static int fail_write, fail_on, fail_errno;
static uint64_t fail_at, calls;

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
    const char *given = getenv("CONTACTD_DISK_DIR");
    if (!given) return;
    snprintf(dir, sizeof dir, "%s", given);
    const char *log = getenv("CONTACTD_DISK_LOG");
    if (log) {
        __typeof__(open) *real = (__typeof__(open) *)dlsym(RTLD_NEXT, "open");
        log_fd = real(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (log_fd < 0) abort();
    }
    const char *fail = getenv("CONTACTD_DISK_FAIL");
    char call[8] = "", on[4] = "";
    unsigned long at = 0;
    if (fail && sscanf(fail, "%7[a-z]:%lu:%d:%3s", call, &at, &fail_errno, on) >= 3) {
        fail_at = at;
        fail_write = !strcmp(call, "write");
        fail_on = !strcmp(on, "on");
    }
}

/* A path of the directory, without the directory; NULL if it is another one's. */
static const char *within(const char *path) {
    size_t length = strlen(dir);
    if (!length || strncmp(path, dir, length)) return NULL;
    return path[length] == '/' ? path + length + 1 : path[length] ? NULL : path + length;
}

static int is_ours(int fd) { return fd >= 0 && fd < FDS && ours[fd]; }

static void record(char kind, int fd, uint64_t at, const void *bytes, uint64_t length) {
    if (log_fd < 0) return;
    REAL(writev);
    struct header header = {(uint32_t)kind, (uint32_t)fd, at, length};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)bytes, length}};
    if (real(log_fd, parts, 2) != (ssize_t)(sizeof header + length)) abort();
}

/* Whether this call is the one that fails. */
static int fails(int is_write) {
    if (!fail_at || is_write != fail_write) return 0;
    uint64_t call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (call != fail_at && !(fail_on && call > fail_at)) return 0;
    errno = fail_errno;
    return 1;
}

static int opened(int fd, const char *path, int flags, int existed) {
    const char *ours_path = fd >= 0 && fd < FDS ? within(path) : NULL;
    if (ours_path) {
        ours[fd] = 1;
        uint64_t what = (existed ? 0 : 1) | (flags & O_TRUNC ? 2 : 0);
        record('O', fd, what, ours_path, strlen(ours_path));
    }
    return fd;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        REAL(name);                                                                    \
        mode_t mode = 0;                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                           \
            va_list rest;                                                              \
            va_start(rest, flags);                                                     \
            mode = va_arg(rest, mode_t);                                               \
            va_end(rest);                                                              \
        }                                                                              \
        if (!within(path)) return real(path, flags, mode);                             \
        pthread_mutex_lock(&lock);                                                     \
        int existed = !access(path, F_OK);                                             \
        int fd = opened(real(path, flags, mode), path, flags, existed);                \
        pthread_mutex_unlock(&lock);                                                   \
        return fd;                                                                     \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    REAL(close);
    if (!is_ours(fd)) return real(fd);
    pthread_mutex_lock(&lock);
    ours[fd] = 0;
    record('X', fd, 0, NULL, 0);
    int closed = real(fd);
    pthread_mutex_unlock(&lock);
    return closed;
}

static ssize_t written(int fd, off_t at, const void *bytes, ssize_t length) {
    if (length > 0) record('W', fd, (uint64_t)at, bytes, (uint64_t)length);
    return length;
}

#define PWRITE(name, type)                                                             \
    ssize_t name(int fd, const void *bytes, size_t length, type at) {                  \
        REAL(name);                                                                    \
        if (!is_ours(fd)) return real(fd, bytes, length, at);                          \
        if (fails(1)) return -1;                                                       \
        pthread_mutex_lock(&lock);                                                     \
        ssize_t done = written(fd, at, bytes, real(fd, bytes, length, at));            \
        pthread_mutex_unlock(&lock);                                                   \
        return done;                                                                   \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static int is_socket(int fd) {
    struct stat about;
    return log_fd >= 0 && !fstat(fd, &about) && S_ISSOCK(about.st_mode);
}

static ssize_t answered(int fd, const void *bytes, ssize_t length) {
    if (length > 0) record('R', fd, 0, bytes, (uint64_t)length);
    return length;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(write);
    int socket = !is_ours(fd) && is_socket(fd);
    if (!is_ours(fd) && !socket) return real(fd, bytes, length);
    if (!socket && fails(1)) return -1;
    pthread_mutex_lock(&lock);
    ssize_t done;
    if (socket) {
        done = answered(fd, bytes, real(fd, bytes, length));
    } else {
        int flags = fcntl(fd, F_GETFL);
        off_t at = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
        done = written(fd, at, bytes, real(fd, bytes, length));
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    REAL(send);
    if (!is_socket(fd)) return real(fd, bytes, length, flags);
    pthread_mutex_lock(&lock);
    ssize_t done = answered(fd, bytes, real(fd, bytes, length, flags));
    pthread_mutex_unlock(&lock);
    return done;
}

/* Of several pieces, those that were taken. */
static void answered_pieces(int fd, const struct iovec *pieces, int count, ssize_t length) {
    for (int i = 0; i < count && length > 0; i++) {
        ssize_t taken = length < (ssize_t)pieces[i].iov_len ? length : (ssize_t)pieces[i].iov_len;
        answered(fd, pieces[i].iov_base, taken);
        length -= taken;
    }
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    REAL(writev);
    /* Nobody writes to the files in pieces; who begins to shall hear of it here. */
    if (is_ours(fd)) abort();
    if (!is_socket(fd)) return real(fd, pieces, count);
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, pieces, count);
    answered_pieces(fd, pieces, count, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    if (!is_socket(fd)) return real(fd, message, flags);
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, message, flags);
    answered_pieces(fd, message->msg_iov, (int)message->msg_iovlen, done);
    pthread_mutex_unlock(&lock);
    return done;
}

#define SYNC(name)                                                                     \
    int name(int fd) {                                                                 \
        REAL(name);                                                                    \
        if (!is_ours(fd)) return real(fd);                                             \
        if (fails(0)) return -1;                                                       \
        pthread_mutex_lock(&lock);                                                     \
        uint64_t number = ++syncs;                                                     \
        record('B', fd, number, NULL, 0);                                              \
        pthread_mutex_unlock(&lock);                                                   \
        int done = real(fd);                                                           \
        pthread_mutex_lock(&lock);                                                     \
        if (!done) record('S', fd, number, NULL, 0);                                   \
        pthread_mutex_unlock(&lock);                                                   \
        return done;                                                                   \
    }
SYNC(fdatasync)
SYNC(fsync)

#define TRUNCATE(name, type)                                                           \
    int name(int fd, type length) {                                                    \
        REAL(name);                                                                    \
        if (!is_ours(fd)) return real(fd, length);                                     \
        if (fails(1)) return -1;                                                       \
        pthread_mutex_lock(&lock);                                                     \
        int done = real(fd, length);                                                   \
        if (!done) record('T', fd, (uint64_t)length, NULL, 0);                         \
        pthread_mutex_unlock(&lock);                                                   \
        return done;                                                                   \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ON_PATH(name, kind, parameters, arguments)                                     \
    int name parameters {                                                              \
        REAL(name);                                                                    \
        const char *ours_path = within(path);                                          \
        if (!ours_path) return real arguments;                                         \
        pthread_mutex_lock(&lock);                                                     \
        int done = real arguments;                                                     \
        if (!done) record(kind, -1, 0, ours_path, strlen(ours_path));                  \
        pthread_mutex_unlock(&lock);                                                   \
        return done;                                                                   \
    }
ON_PATH(unlink, 'U', (const char *path), (path))
ON_PATH(mkdir, 'M', (const char *path, mode_t mode), (path, mode))
ON_PATH(rmdir, 'D', (const char *path), (path))

/* The files of a directory that is removed go through a descriptor of it, wherever it is by then. */
int unlinkat(int at, const char *name, int flags) {
    REAL(unlinkat);
    char link[64], path[PATH_MAX] = "", whole[2 * PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    if (at != AT_FDCWD && readlink(link, path, sizeof path - 1) < 0) return real(at, name, flags);
    snprintf(whole, sizeof whole, at == AT_FDCWD ? "%s%s" : "%s/%s", path, name);
    const char *ours_path = within(whole);
    if (!ours_path) return real(at, name, flags);
    pthread_mutex_lock(&lock);
    int done = real(at, name, flags);
    if (!done) record(flags & AT_REMOVEDIR ? 'D' : 'U', -1, 0, ours_path, strlen(ours_path));
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    const char *old = within(from), *new = within(to);
    if (!old || !new) return real(from, to);
    pthread_mutex_lock(&lock);
    int done = real(from, to);
    char both[2 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s\n%s", old, new);
    if (!done) record('N', -1, 0, both, (uint64_t)length);
    pthread_mutex_unlock(&lock);
    return done;
}
