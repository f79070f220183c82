/* Passes the standard error of a job through to ours. Lines of the ranks are passed on at
 * once; mpirun's own are held back: they repeat, in ten lines, what a rank reported in
 * one, and are printed only if no rank reported anything. Local. */
#ifndef PT_LAUNCH_SUPPORT_RELAY_H
#define PT_LAUNCH_SUPPORT_RELAY_H

#include <stdbool.h>
#include <stddef.h>

enum { PT_RELAY_LINE = 8192, PT_RELAY_HELD = 16384 };

typedef struct {
    int to;        /* a descriptor */
    bool reported; /* a line with `error:` came from a rank */
    bool in_block;
    char line[PT_RELAY_LINE]; /* one that is not at its end yet */
    size_t n;
    char held[PT_RELAY_HELD + 1]; /* a text; what is more is dropped */
    size_t n_held;
} pt_relay;

void pt_relay_init(pt_relay *r, int to);

/* Bytes as read. Held are lines between two lines of dashes, lines that begin with
 * "[HOST:PID]" or "mpirun: ", and empty ones. A line longer than PT_RELAY_LINE is passed
 * on in parts. */
void pt_relay_put(pt_relay *r, const char *bytes, size_t n);

/* The last line, if it has no end. */
void pt_relay_end(pt_relay *r);

/* Writes what was held. */
void pt_relay_show(const pt_relay *r);

#endif
