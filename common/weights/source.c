#include "common/weights/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pt_status pt_source_open(const char *path, pt_source **out)
{
    struct stat st;
    pt_source *s = calloc(1, sizeof *s);
    pt_status status = PT_OK;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "%s: no memory to open it", path);
    s->path = strdup(path);
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
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
    pt_source_destroy(&s);
    return status;
}

void pt_source_destroy(pt_source **s)
{
    if (!s || !*s) return;
    if ((*s)->fd >= 0) close((*s)->fd);
    free((*s)->path);
    free(*s);
    *s = NULL;
}

pt_status pt_source_read(const pt_source *s, uint64_t at, void *to, size_t n)
{
    char *p = to;

    if (at > s->size || n > s->size - at)
        return pt_fail(PT_ERR_DATA, "%s: ends at byte %llu, %zu bytes are needed at %llu",
                       s->path, (unsigned long long)s->size, n, (unsigned long long)at);
    while (n > 0) {
        ssize_t got = pread(s->fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return pt_fail(PT_ERR_IO, "%s: cannot be read: %s", s->path, strerror(errno));
        if (got == 0)
            return pt_fail(PT_ERR_IO, "%s: became shorter while it was read", s->path);
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return PT_OK;
}

pt_status pt_source_load(const pt_source *s, size_t max, uint8_t **bytes, size_t *n)
{
    uint8_t *p;
    pt_status status;

    *bytes = NULL;
    if (s->size > max)
        return pt_fail(PT_ERR_DATA, "%s: has %llu bytes, at most %zu are read", s->path,
                       (unsigned long long)s->size, max);
    p = malloc((size_t)s->size + 1);
    if (!p)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its %llu bytes", s->path,
                       (unsigned long long)s->size);
    status = pt_source_read(s, 0, p, (size_t)s->size);
    if (status != PT_OK) {
        free(p);
        return status;
    }
    p[s->size] = 0;
    *bytes = p;
    *n = (size_t)s->size;
    return PT_OK;
}
