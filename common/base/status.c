#include "common/base/status.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 16 };

static _Thread_local char text[TEXT_MAX]; /* untouched pages cost nothing */

static const int exit_codes[] = {
#define X(name, code) code,
    PT_STATUS_LIST(X)
#undef X
};

int pt_status_exit_code(pt_status s)
{
    return (unsigned)s < PT_STATUS_COUNT ? exit_codes[s] : 1;
}

static void append(size_t at, const char *fmt, va_list ap)
{
    if (at < TEXT_MAX) vsnprintf(text + at, TEXT_MAX - at, fmt, ap);
}

pt_status pt_fail(pt_status s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    append(0, fmt, ap);
    va_end(ap);
    return s;
}

void pt_fail_more(pt_status *failed, pt_status s, const char *fmt, ...)
{
    va_list ap;
    size_t at = *failed != PT_OK ? strlen(text) : 0;

    if (at > 0 && at + 1 < TEXT_MAX) {
        text[at++] = '\n';
        text[at] = '\0';
    }
    va_start(ap, fmt);
    append(at, fmt, ap);
    va_end(ap);
    *failed = s;
}

const char *pt_fail_text(void)
{
    return text[0] ? text : "no reason was recorded";
}

static void (*check_handler)(const char *text);

void pt_check_set_handler(void (*handler)(const char *text))
{
    check_handler = handler;
}

void pt_check_failed(const char *file, int line, const char *fmt, ...)
{
    char words[512], all[768];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, "%s:%d: invariant broken: %s", file, line, words);
    if (check_handler) check_handler(all);
    dprintf(STDERR_FILENO, "error: %s\n", all);
    _exit(1);
}

void *pt_calloc(size_t n, size_t size)
{
    size_t bytes = pt_mul(n, size);
    void *p;

    if (bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + 64) / 64 * 64; /* at least one line, whole lines */
    p = aligned_alloc(64, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}
