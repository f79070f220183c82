/* Faults of the file system: a library for LD_PRELOAD that intercepts the system calls
 * by which files are made, written, made durable, renamed and removed. A tool of the
 * tests; environment variables choose what it does:
 *
 * - PT_FILE_CALL=NAME: the call that is struck: open, write (all that write bytes), fsync
 *   (fdatasync too), rename, unlink, mkdir, rmdir, truncate, fallocate, or any.
 * - PT_FILE_NAME=TEXT: only where the file's path has TEXT in it (any path).
 * - PT_FILE_FROM=N: from the N-th such call on (1).
 * - PT_FILE_TIMES=N: N calls long (for ever).
 * - PT_FILE_DO=block: that call does not return, as on a dead NFS server; or a number: it
 *   fails with this errno, and does nothing.
 *
 * Files opened for reading only are left alone; so are calls that libc makes inside. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text ? atol(text) : otherwise;
}

static bool matches(const char *call, const char *path)
{
    const char *wanted = getenv("PT_FILE_CALL"), *part = getenv("PT_FILE_NAME");

    if (!wanted || (strcmp(wanted, call) != 0 && strcmp(wanted, "any") != 0))
        return false;
    return !part || strstr(path, part);
}

/* Every call passes here; true: it fails, errno is set. */
static bool strikes(const char *call, const char *path)
{
    const char *what = getenv("PT_FILE_DO");
    long n, from = number("PT_FILE_FROM", 1);

    if (!what || !path || !matches(call, path)) return false;
    n = ++calls;
    if (n < from || n - from >= number("PT_FILE_TIMES", 1L << 40)) return false;
    while (strcmp(what, "block") == 0) pause();
    errno = atoi(what);
    return true;
}

static bool strikes_fd(const char *call, int fd)
{
    char link[40], path[4096];
    int keep = errno;
    ssize_t n;

    if (!getenv("PT_FILE_DO")) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    errno = keep;
    if (n < 0) return false;
    path[n] = '\0';
    return strikes(call, path);
}

/* What this library hides: the next definition of a symbol. */
#define NEXT(result, name, ...)                                                          \
    static result (*next)(__VA_ARGS__);                                                  \
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)

/* ---- open ------------------------------------------------------------------------- */

static bool strikes_open(const char *path, int flags)
{
    return (flags & (O_WRONLY | O_RDWR)) != 0 && strikes("open", path);
}

static int mode_of(int flags, va_list ap)
{
    return flags & O_CREAT ? va_arg(ap, int) : 0;
}

#define OPEN(name)                                                                       \
    int name(const char *path, int flags, ...)                                           \
    {                                                                                    \
        NEXT(int, name, const char *, int, ...);                                         \
        va_list ap;                                                                      \
        int mode;                                                                        \
                                                                                         \
        va_start(ap, flags);                                                             \
        mode = mode_of(flags, ap);                                                       \
        va_end(ap);                                                                      \
        return strikes_open(path, flags) ? -1 : next(path, flags, mode);                 \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                     \
    int name(int dir, const char *path, int flags, ...)                                  \
    {                                                                                    \
        NEXT(int, name, int, const char *, int, ...);                                    \
        va_list ap;                                                                      \
        int mode;                                                                        \
                                                                                         \
        va_start(ap, flags);                                                             \
        mode = mode_of(flags, ap);                                                       \
        va_end(ap);                                                                      \
        return strikes_open(path, flags) ? -1 : next(dir, path, flags, mode);            \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                      \
    FILE *name(const char *path, const char *mode)                                       \
    {                                                                                    \
        NEXT(FILE *, name, const char *, const char *);                                  \
        return strcmp(mode, "r") != 0 && strikes("open", path) ? NULL                    \
                                                               : next(path, mode);       \
    }
FOPEN(fopen)
FOPEN(fopen64)

/* ---- calls on descriptors --------------------------------------------------------- */

/* CALL(result, name, as, (parameters), (arguments)): the first argument is the file. */
#define CALL(result, name, as, parameters, arguments, fd)                                \
    result name parameters                                                               \
    {                                                                                    \
        static result(*next) parameters;                                                 \
        if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name);                            \
        return strikes_fd(as, fd) ? -1 : next arguments;                                 \
    }
CALL(ssize_t, write, "write", (int fd, const void *p, size_t n), (fd, p, n), fd)
CALL(ssize_t, pwrite, "write", (int fd, const void *p, size_t n, off_t at),
     (fd, p, n, at), fd)
CALL(ssize_t, pwrite64, "write", (int fd, const void *p, size_t n, off64_t at),
     (fd, p, n, at), fd)
CALL(ssize_t, writev, "write", (int fd, const struct iovec *v, int n), (fd, v, n), fd)
CALL(int, fsync, "fsync", (int fd), (fd), fd)
CALL(int, fdatasync, "fsync", (int fd), (fd), fd)
CALL(int, ftruncate, "truncate", (int fd, off_t n), (fd, n), fd)
CALL(int, ftruncate64, "truncate", (int fd, off64_t n), (fd, n), fd)
CALL(int, fallocate, "fallocate", (int fd, int mode, off_t at, off_t n),
     (fd, mode, at, n), fd)
CALL(int, fallocate64, "fallocate", (int fd, int mode, off64_t at, off64_t n),
     (fd, mode, at, n), fd)

/* ---- calls on paths --------------------------------------------------------------- */

#define PATH(name, as, parameters, arguments, path)                                      \
    int name parameters                                                                  \
    {                                                                                    \
        static int(*next) parameters;                                                    \
        if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name);                            \
        return strikes(as, path) ? -1 : next arguments;                                  \
    }
PATH(rename, "rename", (const char *from, const char *to), (from, to), to)
PATH(unlink, "unlink", (const char *path), (path), path)
PATH(unlinkat, "unlink", (int dir, const char *path, int flags), (dir, path, flags), path)
PATH(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), path)
PATH(rmdir, "rmdir", (const char *path), (path), path)
PATH(truncate, "truncate", (const char *path, off_t n), (path, n), path)
