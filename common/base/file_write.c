#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/fscall.h"

enum { MAX_TRIES = 100 };

/* The directory that holds path, malloc'd. */
static char *parent_of(const char *path)
{
    char *copy = strdup(path), *dir = copy ? strdup(dirname(copy)) : NULL;

    free(copy);
    return dir;
}

pt_status pt_file_sync_parent(const char *path)
{
    char *dir = parent_of(path);
    int fd = -1;
    pt_status s = PT_OK;

    if (!dir) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    pt_fscall_begin("fsync", dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        s = pt_fail(PT_ERR_IO, "%s: cannot be synced: %s", dir, strerror(errno));
    if (fd >= 0) close(fd);
    pt_fscall_end();
    free(dir);
    return s;
}

/* One try; *fd < 0 with errno where the file could not be made. */
static pt_status try_temporary(const char *path, char **name, int *fd)
{
    uint64_t random;

    *name = NULL;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return pt_fail(PT_ERR_IO, "%s: getrandom: %s", path, strerror(errno));
    if (asprintf(name, "%s.tmp.%016" PRIx64, path, random) < 0) {
        *name = NULL;
        return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    }
    pt_fscall_begin("open", path);
    *fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    pt_fscall_end();
    return PT_OK;
}

/* A rename would put a file in the place of a device: root has no /dev/null any more. */
static pt_status check_place(const char *path)
{
    struct stat st;
    int bad;

    pt_fscall_begin("stat", path);
    bad = stat(path, &st);
    pt_fscall_end();
    if (bad || S_ISREG(st.st_mode)) return PT_OK;
    return pt_fail(PT_ERR_IO, "%s: is %s: give the name of a file", path,
                   S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
}

pt_status pt_file_temporary(const char *path, char **name, int *fd)
{
    pt_status s = check_place(path);

    *name = NULL;
    *fd = -1;
    if (s == PT_OK) s = try_temporary(path, name, fd);
    for (int i = 1; i < MAX_TRIES && s == PT_OK && *fd < 0 && errno == EEXIST; i++) {
        free(*name);
        s = try_temporary(path, name, fd);
    }
    if (s != PT_OK || *fd >= 0) return s;
    s = pt_fail(PT_ERR_IO, "%s: cannot be created: %s", path, strerror(errno));
    free(*name);
    *name = NULL;
    return s;
}

bool pt_file_is_temporary(const char *name, const char *of)
{
    static const char *const kinds[] = {".tmp.", ".room."}; /* .room.: older programs */
    size_t n = strlen(of);

    if (strncmp(name, of, n) != 0) return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *digits = name + n + strlen(kinds[i]);

        if (strncmp(name + n, kinds[i], strlen(kinds[i])) == 0 && *digits &&
            digits[strspn(digits, "0123456789abcdef")] == '\0')
            return true;
    }
    return false;
}

static pt_status write_out(int fd, const char *path, const char *text, size_t n)
{
    pt_status s = PT_OK;

    pt_fscall_begin("write", path);
    while (n > 0 && s == PT_OK) {
        ssize_t done = write(fd, text, n);

        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            s = pt_fail(PT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        } else {
            text += done;
            n -= (size_t)done;
        }
    }
    pt_fscall_begin("fsync", path);
    if (s == PT_OK && fsync(fd) != 0)
        s = pt_fail(PT_ERR_IO, "%s: cannot be synced: %s", path, strerror(errno));
    pt_fscall_end();
    return s;
}

pt_status pt_file_take_name(const char *temporary, const char *path, pt_status s)
{
    int bad = 0;

    if (s == PT_OK) {
        pt_fscall_begin("rename", path);
        bad = rename(temporary, path);
        pt_fscall_end();
    }
    if (bad)
        s = pt_fail(PT_ERR_IO, "%s: a temporary file cannot be renamed to it: %s", path,
                    strerror(errno));
    if (s != PT_OK) unlink(temporary);
    return s == PT_OK ? pt_file_sync_parent(path) : s;
}

/* fallocate(2); 0 or -1. */
static int reserve(int fd, const char *path, uint64_t bytes)
{
    int bad;

    pt_fscall_begin("fallocate", path);
    bad = fallocate(fd, 0, 0, (off_t)bytes);
    pt_fscall_end();
    return bad;
}

pt_status pt_file_replace(const char *path, const char *text, size_t n)
{
    char *tmp = NULL;
    int fd;
    pt_status s = pt_file_temporary(path, &tmp, &fd);

    if (s != PT_OK) return s;
    s = write_out(fd, path, text, n);
    if (close(fd) != 0 && s == PT_OK)
        s = pt_fail(PT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    s = pt_file_take_name(tmp, path, s);
    free(tmp);
    return s;
}

bool pt_file_free_bytes(const char *path, uint64_t *bytes)
{
    char *dir = parent_of(path);
    struct statvfs disk = {0};
    bool known = dir && statvfs(dir, &disk) == 0;

    *bytes = known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
    free(dir);
    return known;
}

/* Has it? If the file system cannot reserve space, its count of free bytes decides.
 * errno. */
static bool has_space(int fd, const char *path, uint64_t bytes)
{
    uint64_t free_bytes;

    if (reserve(fd, path, bytes) == 0) return true;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return false;
    if (!pt_file_free_bytes(path, &free_bytes) || free_bytes >= bytes) return true;
    errno = ENOSPC;
    return false;
}

pt_status pt_file_check_space(const char *path, uint64_t bytes)
{
    char *tmp = NULL;
    int fd = -1;
    pt_status s = pt_file_temporary(path, &tmp, &fd);

    if (s == PT_OK && !has_space(fd, path, bytes)) {
        const char *why = strerror(errno);
        uint64_t free_bytes;

        pt_file_free_bytes(path, &free_bytes);
        s = pt_fail(PT_ERR_IO, "%s: needs %.1f MB, %.1f MB are free: %s", path,
                    (double)bytes * 1e-6, (double)free_bytes * 1e-6, why);
    }
    if (tmp) {
        close(fd);
        unlink(tmp);
    }
    free(tmp);
    return s;
}
