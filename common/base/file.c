#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fscall.h"

pt_status pt_file_open(const char *path, pt_file **out)
{
    struct stat st;
    pt_file *s = calloc(1, sizeof *s);
    pt_status status = PT_OK;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "%s: no memory to open it", path);
    s->path = strdup(path);
    /* a pipe is refused below, not waited for */
    pt_fscall_begin("open", path);
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    pt_fscall_end();
    if (!s->path) {
        status = pt_fail(PT_ERR_NOMEM, "%s: no memory for its name", path);
    } else if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        status = pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = pt_fail(PT_ERR_IO, "%s: is not a regular file", path);
    } else {
        s->size = (uint64_t)st.st_size;
        *out = s;
        s = NULL;
    }
    pt_file_destroy(&s);
    return status;
}

void pt_file_destroy(pt_file **s)
{
    if (!s || !*s) return;
    if ((*s)->fd >= 0) close((*s)->fd);
    free((*s)->path);
    free(*s);
    *s = NULL;
}

pt_status pt_file_read(const pt_file *s, uint64_t at, void *to, size_t n)
{
    char *p = to;

    if (at > s->size || n > s->size - at)
        return pt_fail(PT_ERR_DATA, "%s: ends at byte %llu, %zu bytes are needed at %llu",
                       s->path, (unsigned long long)s->size, n, (unsigned long long)at);
    while (n > 0) {
        ssize_t got;

        pt_fscall_begin("read", s->path);
        got = pread(s->fd, p, n, (off_t)at);
        pt_fscall_end();
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return pt_fail(PT_ERR_IO, "%s: cannot be read: %s", s->path, strerror(errno));
        if (got == 0)
            return pt_fail(PT_ERR_IO, "%s: shrank while it was being read", s->path);
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return PT_OK;
}

pt_status pt_file_load(const pt_file *s, size_t max, uint8_t **bytes, size_t *n)
{
    uint8_t *p;
    pt_status status;

    *bytes = NULL;
    if (s->size > max)
        return pt_fail(PT_ERR_DATA, "%s: has %llu bytes, the limit is %zu", s->path,
                       (unsigned long long)s->size, max);
    p = malloc((size_t)s->size + 1);
    if (!p)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its %llu bytes", s->path,
                       (unsigned long long)s->size);
    status = pt_file_read(s, 0, p, (size_t)s->size);
    if (status != PT_OK) {
        free(p);
        return status;
    }
    p[s->size] = 0;
    *bytes = p;
    *n = (size_t)s->size;
    return PT_OK;
}

pt_status pt_file_load_path(const char *path, size_t max, uint8_t **bytes, size_t *n)
{
    pt_file *f = NULL;
    pt_status s;

    *bytes = NULL;
    s = pt_file_open(path, &f);
    if (s == PT_OK) s = pt_file_load(f, max, bytes, n);
    pt_file_destroy(&f);
    return s;
}

char *pt_file_path(const char *dir, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

pt_status pt_file_make_dir(const char *path)
{
    struct stat st;
    int bad, why;

    pt_fscall_begin("mkdir", path);
    bad = mkdir(path, 0777);
    why = errno;
    pt_fscall_end();
    if (!bad) return pt_file_sync_parent(path);
    /* of a directory that is there, a read-only file system says its own */
    return why == EEXIST || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
               ? PT_OK
               : pt_fail(PT_ERR_IO, "%s cannot be created: %s", path, strerror(why));
}

pt_status pt_file_make_parents(const char *path)
{
    char *part = strdup(path);
    pt_status s = part ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);

    for (char *p = part && *part ? strchr(part + 1, '/') : NULL; p && s == PT_OK;
         p = strchr(p + 1, '/')) {
        *p = '\0';
        s = pt_file_make_dir(part);
        *p = '/';
    }
    free(part);
    return s;
}
