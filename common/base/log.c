#include "common/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char rank_text[48]; /* "rank 3: " */
static int lost;           /* the errno of the first write to stdout that failed */
static bool ended;

void pt_log_set_rank(int rank, int world)
{
    if (rank < 0)
        *rank_text = '\0';
    else if (rank == world)
        snprintf(rank_text, sizeof rank_text, "rank %d: ", rank);
    else
        snprintf(rank_text, sizeof rank_text, "rank %d (world rank %d): ", rank, world);
}

int pt_log_put(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : EIO;
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

void pt_log_out(const char *bytes, size_t n)
{
    int e = pt_log_put(STDOUT_FILENO, bytes, n);

    if (!lost) lost = e;
}

int pt_log_lost(void)
{
    return lost;
}

const char *pt_log_end(void)
{
    static char text[256] = "standard output cannot be written";
    size_t n = strlen(text);
    bool failed = ferror(stdout);

    if (ended) return NULL;
    ended = true;
    if (fclose(stdout) != 0 && !lost) lost = errno;
    if (lost) snprintf(text + n, sizeof text - n, ": %s", strerror(lost));
    return lost || failed ? text : NULL;
}

static void put_marked(const char *mark, const char *line, size_t n)
{
    char out[4608];
    int len = snprintf(out, sizeof out, "%s%s%.*s\n", rank_text, mark, (int)n, line);

    if (len < 0) return;
    if ((size_t)len >= sizeof out) {
        len = (int)sizeof out - 1;
        out[len - 1] = '\n';
    }
    pt_log_put(STDERR_FILENO, out, (size_t)len);
}

void pt_log_error(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char has = 0;

        for (size_t i = 0; i + 7 <= n && !has; i++)
            has = strncmp(text + i, "error: ", 7) == 0;
        if (n > 0) put_marked(has ? "" : "error: ", text, n);
        text += n;
        if (*text == '\n') text++;
    }
}

void pt_log_warn(const char *fmt, ...)
{
    char line[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    put_marked("warn: ", line, strlen(line));
}

void pt_log_info(const char *fmt, ...)
{
    char line[4096];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    if ((size_t)n > sizeof line - 2) n = (int)sizeof line - 2;
    line[n] = '\n';
    pt_log_out(line, (size_t)n + 1);
}
