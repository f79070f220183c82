#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/file.h"

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
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    pt_status s = PT_OK;

    if (!dir)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    else if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        s = pt_fail(PT_ERR_IO, "%s: cannot be synced: %s", dir, strerror(errno));
    if (fd >= 0) close(fd);
    free(dir);
    return s;
}

static pt_status write_out(int fd, const char *path, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, text, n);

        if (done < 0 && errno == EINTR) continue;
        if (done < 0)
            return pt_fail(PT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        text += done;
        n -= (size_t)done;
    }
    return fsync(fd) == 0
               ? PT_OK
               : pt_fail(PT_ERR_IO, "%s: cannot be synced: %s", path, strerror(errno));
}

pt_status pt_file_replace(const char *path, const char *text, size_t n)
{
    char *tmp = NULL;
    int fd;
    pt_status s;

    if (asprintf(&tmp, "%s.tmp.%ld", path, (long)getpid()) < 0)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        s = pt_fail(PT_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
        free(tmp);
        return s;
    }
    s = write_out(fd, path, text, n);
    if (close(fd) != 0 && s == PT_OK)
        s = pt_fail(PT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (s == PT_OK && rename(tmp, path) != 0)
        s = pt_fail(PT_ERR_IO, "%s: cannot be renamed to: %s", path, strerror(errno));
    if (s != PT_OK) unlink(tmp);
    free(tmp);
    return s == PT_OK ? pt_file_sync_parent(path) : s;
}

pt_status pt_file_check_room(const char *path, uint64_t bytes)
{
    char *tmp = NULL, *dir = parent_of(path);
    struct statvfs room = {0};
    int fd = -1;
    pt_status s = PT_OK;

    if (!dir || asprintf(&tmp, "%s.room.%ld", path, (long)getpid()) < 0) {
        free(dir);
        return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        s = pt_fail(PT_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
    else if (fallocate(fd, 0, 0, (off_t)bytes) != 0 &&
             (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        const char *why = strerror(errno);

        statvfs(dir, &room);
        s = pt_fail(PT_ERR_IO, "%s: needs %.1f MB, %.1f MB are free: %s", path,
                    (double)bytes * 1e-6,
                    (double)room.f_bavail * (double)room.f_frsize * 1e-6, why);
    }
    if (fd >= 0) {
        close(fd);
        unlink(tmp);
    }
    free(tmp);
    free(dir);
    return s;
}
