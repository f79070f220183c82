#include "launch/train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fscall.h"
#include "common/base/log.h"

enum { MAX_LINE = 1 << 24, MAX_KEPT = 1 << 26 };

/* ---- what stays ------------------------------------------------------------------- */

json_t *pt_metrics_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static bool stays(const json_t *line, uint64_t first_step, bool test_owed)
{
    const json_t *step = json_object_get(line, "step");
    uint64_t k = (uint64_t)json_integer_value(step);

    if (!json_is_integer(step) || k >= first_step) return false;
    return !(test_owed && k + 1 == first_step && json_object_get(line, "test_of"));
}

static pt_status cut(FILE *f, const char *path, off_t end)
{
    return ftruncate(fileno(f), end) == 0 && (fsync(fileno(f)) == 0 || errno == EINVAL)
               ? PT_OK
               : pt_fail(PT_ERR_IO, "%s: cannot be truncated at byte %lld: %s", path,
                         (long long)end, strerror(errno));
}

static void count(const json_t *line, bool stays, uint64_t first_step, pt_metrics_kept *k)
{
    const json_t *step = json_object_get(line, "step");

    if (!json_is_integer(step) || json_object_get(line, "test_of")) return;
    k->steps += stays;
    if (stays || (uint64_t)json_integer_value(step) < first_step) return;
    k->lost++;
    k->lost_s += json_number_value(json_object_get(line, "seconds"));
}

pt_status pt_metrics_keep(const char *path, uint64_t first_step, bool test_owed,
                          void (*kept)(void *context, const json_t *line), void *context,
                          pt_metrics_kept *steps)
{
    FILE *f = fopen(path, "r+e");
    char *text = malloc(MAX_LINE);
    bool more = f && text, stay = true;
    off_t end = 0;
    pt_status s = PT_OK;

    *steps = (pt_metrics_kept){0};
    if (!text)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for a line", path);
    else if (!f && errno != ENOENT)
        s = pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    while (more && fgets(text, MAX_LINE, f)) {
        size_t n = strlen(text);
        json_t *line = n > 0 && text[n - 1] == '\n' ? json_loadb(text, n, 0, NULL) : NULL;

        more = line != NULL;
        stay = stay && stays(line, first_step, test_owed);
        if (stay && kept) kept(context, line);
        if (stay) end += (off_t)n;
        count(line, stay, first_step, steps);
        json_decref(line);
    }
    if (f && ferror(f))
        s = pt_fail(PT_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    if (f && s == PT_OK) s = cut(f, path, end);
    if (f) fclose(f);
    free(text);
    return s;
}

/* ---- lines that are added --------------------------------------------------------- */

struct pt_metrics {
    int fd;
    char *path;
    off_t durable;               /* bytes of the file that are known to be on the disk */
    char *text;                  /* [n] the bytes after these */
    size_t n, capacity, written; /* written: of text, what the system took */
    bool warned;                 /* that it cannot be written */
    size_t lost;                 /* lines that there was no memory for either */
    void (*also)(void *context, const json_t *line);
    void *context; /* of also */
};

static pt_status failed(const pt_metrics *m)
{
    return pt_fail(PT_ERR_IO, "%s: cannot be written: %s", m->path, strerror(errno));
}

/* Writes as much as the system will take. */
static pt_status flush(pt_metrics *m)
{
    pt_status s = PT_OK;

    pt_fscall_begin("write", m->path);
    while (m->written < m->n && s == PT_OK) {
        ssize_t done = pwrite(m->fd, m->text + m->written, m->n - m->written,
                              m->durable + (off_t)m->written);

        if (done > 0)
            m->written += (size_t)done;
        else if (errno != EINTR)
            s = failed(m);
    }
    pt_fscall_end();
    return s;
}

pt_status pt_metrics_sync(pt_metrics *m)
{
    pt_status s = flush(m);

    if (s != PT_OK) return s;
    pt_fscall_begin("fsync", m->path);
    if (fsync(m->fd) != 0 && errno != EINVAL) s = failed(m);
    pt_fscall_end();
    m->written = 0; /* a failure may have dropped any of it */
    if (s != PT_OK) return s;
    m->durable += (off_t)m->n;
    m->n = 0;
    m->warned = false;
    return s;
}

static bool reserve(pt_metrics *m, size_t more)
{
    size_t capacity = 2 * (m->n + more);
    char *text;

    if (m->n + more <= m->capacity) return true;
    text = realloc(m->text, capacity);
    if (!text) return false;
    m->text = text;
    m->capacity = capacity;
    return true;
}

static void warn(pt_metrics *m)
{
    if (!m->warned)
        pt_log_warn("%s; its lines are kept in memory and written when possible; "
                    "training continues",
                    pt_fail_text());
    m->warned = true;
}

void pt_metrics_save(pt_metrics *m)
{
    if (pt_metrics_sync(m) != PT_OK) warn(m);
}

/* Appends a line of n bytes to those that are to be written; false: no memory for it
 * either. */
static bool keep(pt_metrics *m, const char *text, size_t n)
{
    if (m->n + n > MAX_KEPT && pt_metrics_sync(m) != PT_OK) return false;
    if (!reserve(m, n + 1)) return false;
    memcpy(m->text + m->n, text, n);
    m->text[m->n + n] = '\n';
    m->n += n + 1;
    return true;
}

pt_status pt_metrics_put(pt_metrics *m, json_t *line)
{
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    bool kept = text && keep(m, text, strlen(text));

    if (line && m->also) m->also(m->context, line);
    json_decref(line);
    if (!text) return pt_fail(PT_ERR_NOMEM, "%s: no memory for a line", m->path);
    free(text);
    if (!kept && m->lost++ == 0)
        pt_log_warn("%s: at most %d MB of lines are kept: later lines are lost until "
                    "there is space on the disk",
                    m->path, MAX_KEPT >> 20);
    if (flush(m) != PT_OK)
        warn(m);
    else
        m->warned = false;
    return PT_OK;
}

void pt_metrics_also(pt_metrics *m, void (*take)(void *context, const json_t *line),
                     void *context)
{
    m->also = take;
    m->context = context;
}

pt_status pt_metrics_open(const char *path, pt_metrics **out)
{
    pt_metrics *m = calloc(1, sizeof *m);
    pt_status s = PT_OK;

    *out = NULL;
    if (!m) return pt_fail(PT_ERR_NOMEM, "%s: no memory to open it", path);
    m->path = strdup(path);
    m->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (m->fd >= 0) m->durable = lseek(m->fd, 0, SEEK_END);
    if (!m->path)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for its name", path);
    else if (m->fd < 0 || m->durable < 0)
        s = failed(m);
    if (s == PT_OK) {
        *out = m;
        m = NULL;
    }
    pt_metrics_close(&m);
    return s;
}

static size_t lines_of(const char *text, size_t n)
{
    size_t lines = 0;

    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    return lines;
}

void pt_metrics_close(pt_metrics **pm)
{
    pt_metrics *m = pm ? *pm : NULL;

    if (!m) return;
    if (m->fd >= 0 && flush(m) != PT_OK)
        pt_log_warn("%s; its last %zu lines are lost", pt_fail_text(),
                    lines_of(m->text + m->written, m->n - m->written));
    if (m->lost > 0) pt_log_warn("%s: %zu lines are missing", m->path, m->lost);
    if (m->fd >= 0) close(m->fd);
    free(m->path);
    free(m->text);
    free(m);
    *pm = NULL;
}
