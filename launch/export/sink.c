#include "launch/export/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"

struct pt_sink {
    char *path, *temporary;
    FILE *file;
    pt_status failed;
};

static void end(pt_sink **k)
{
    free((*k)->path);
    free((*k)->temporary);
    free(*k);
    *k = NULL;
}

pt_status pt_sink_open(const char *path, uint64_t bytes, pt_sink **out)
{
    pt_sink *k = calloc(1, sizeof *k);
    int fd = -1;
    pt_status s = PT_OK;

    *out = NULL;
    if (k) k->path = strdup(path);
    if (!k || !k->path) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (s == PT_OK) s = pt_file_check_space(path, bytes);
    if (s == PT_OK) s = pt_file_temporary(path, &k->temporary, &fd);
    if (s == PT_OK) k->file = fdopen(fd, "wb");
    if (s == PT_OK && !k->file) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
        close(fd);
        unlink(k->temporary);
    }
    if (s != PT_OK && k) end(&k);
    *out = k;
    return s;
}

static pt_status cannot_write(pt_sink *k)
{
    k->failed = pt_fail(PT_ERR_IO, "%s: cannot be written: %s", k->path, strerror(errno));
    return k->failed;
}

pt_status pt_sink_write(pt_sink *k, const void *bytes, size_t n)
{
    if (k->failed != PT_OK) return k->failed;
    return fwrite(bytes, 1, n, k->file) == n ? PT_OK : cannot_write(k);
}

pt_status pt_sink_close(pt_sink **k, pt_status s)
{
    pt_sink *p = *k;

    if (!p) return s;
    if (s == PT_OK) s = p->failed;
    if (s == PT_OK && (fflush(p->file) != 0 || fsync(fileno(p->file)) != 0))
        s = cannot_write(p);
    if (fclose(p->file) != 0 && s == PT_OK) s = cannot_write(p);
    s = pt_file_take_name(p->temporary, p->path, s);
    end(k);
    return s;
}
