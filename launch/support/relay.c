#include "launch/support/relay.h"

#include <ctype.h>
#include <string.h>

#include "common/base/log.h"

void pt_relay_init(pt_relay *r, int to)
{
    memset(r, 0, sizeof *r);
    r->to = to;
}

static bool is_rule(const char *line, size_t n)
{
    while (n > 0 && isspace((unsigned char)line[n - 1])) n--;
    for (size_t i = 0; i < n; i++)
        if (line[i] != '-') return false;
    return n >= 60;
}

/* "[HOST:PID] ..." */
static bool has_process(const char *line, size_t n)
{
    const char *end = memchr(line, ']', n), *colon = NULL;

    if (line[0] != '[' || !end) return false;
    for (const char *at = line; at < end; at++)
        if (*at == ':') colon = at;
    if (!colon || colon + 1 == end) return false;
    for (const char *at = colon + 1; at < end; at++)
        if (!isdigit((unsigned char)*at)) return false;
    return true;
}

static bool is_mpirun(pt_relay *r, const char *line, size_t n)
{
    if (is_rule(line, n)) {
        r->in_block = !r->in_block;
        return true;
    }
    return r->in_block || line[0] == '\n' || has_process(line, n) ||
           (n >= 8 && memcmp(line, "mpirun: ", 8) == 0);
}

/* One line, or a part of a long one. */
static void take(pt_relay *r)
{
    if (r->n == 0) return;
    if (!is_mpirun(r, r->line, r->n)) {
        r->reported = r->reported || memmem(r->line, r->n, "error:", 6);
        pt_log_put(r->to, r->line, r->n);
    } else if (r->n_held + r->n <= PT_RELAY_HELD) {
        memcpy(r->held + r->n_held, r->line, r->n);
        r->n_held += r->n;
    }
    r->n = 0;
}

void pt_relay_put(pt_relay *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->line[r->n++] = bytes[i];
        if (bytes[i] == '\n' || r->n == PT_RELAY_LINE) take(r);
    }
}

void pt_relay_end(pt_relay *r)
{
    take(r);
}

void pt_relay_show(const pt_relay *r)
{
    pt_log_put(r->to, r->held, r->n_held);
}
