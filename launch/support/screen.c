#include "launch/support/screen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "launch/support/terminal.h"

static const double AGAIN_S = 0.1, TICK_S = 1; /* between two drawings */

/* A terminal that understands how a line is cleared. */
static bool has_bar(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

void pt_screen_init(pt_screen *s, bool bar)
{
    const char *plain = getenv("NO_COLOR");

    memset(s, 0, sizeof *s);
    s->colour = !plain || !*plain;
    if (bar && has_bar())
        s->mode = isatty(STDOUT_FILENO) ? PT_PACE_BAR_ALONE : PT_PACE_BOTH;
}

void pt_screen_clear(pt_screen *s)
{
    static const char clear[] = "\r\033[K";

    if (s->drawn) pt_log_put(STDERR_FILENO, clear, sizeof clear - 1);
    s->drawn = false;
}

void pt_screen_draw(pt_screen *s)
{
    int columns = pt_terminal_columns(STDERR_FILENO);
    char bar[PT_PACE_BAR], text[PT_PACE_BAR + 8];
    pt_pace now = s->pace;
    int n;

    if (!s->known) return;
    s->redrawn = pt_clock();
    now.elapsed_s += s->redrawn - s->came;
    now.left_s = fmax(now.left_s - (s->redrawn - s->came), 0);
    pt_pace_bar(&now, columns > 0 ? columns : 80, s->colour, bar);
    n = snprintf(text, sizeof text, "\r%s\033[K", bar);
    if (n > 0) pt_log_put(STDERR_FILENO, text, (size_t)n);
    s->drawn = true;
}

/* A line of the job, or a part of a long one. */
static void take(pt_screen *s)
{
    s->line[s->n] = '\0';
    if (pt_pace_parse(s->line, &s->pace)) {
        s->came = pt_clock();
        s->known = true;
        if (s->came - s->redrawn >= AGAIN_S || s->pace.step == s->pace.steps)
            pt_screen_draw(s);
    } else if (s->n > 0) {
        pt_screen_clear(s);
        pt_log_out(s->line, s->n);
    }
    s->n = 0;
}

void pt_screen_out(pt_screen *s, const char *bytes, size_t n)
{
    if (s->mode == PT_PACE_LINES) {
        pt_log_out(bytes, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        s->line[s->n++] = bytes[i];
        if (bytes[i] == '\n' || s->n == PT_SCREEN_LINE - 1) take(s);
    }
    if (!s->drawn) pt_screen_draw(s);
}

void pt_screen_tick(pt_screen *s)
{
    if (s->known && pt_clock() - s->redrawn >= TICK_S) pt_screen_draw(s);
}

void pt_screen_end(pt_screen *s)
{
    if (s->n > 0) take(s);
    pt_screen_clear(s);
    s->known = false;
}
