/* A terminal on which a job's output scrolls above a bar. Without one, output is passed
 * on as it comes. Local. */
#ifndef PT_LAUNCH_SUPPORT_SCREEN_H
#define PT_LAUNCH_SUPPORT_SCREEN_H

#include "launch/support/pace.h"

enum { PT_SCREEN_LINE = 4096 };

typedef struct {
    pt_pace_mode mode;
    bool colour, known, drawn; /* known: pace has come; drawn: the bar is on the screen */
    pt_pace pace;
    double came, redrawn;      /* when, pt_clock */
    char line[PT_SCREEN_LINE]; /* of standard output, not at its end yet */
    size_t n;
} pt_screen;

/* bar: if standard error is a terminal that can, the output gets a bar: mode tells what
 * to ask of the ranks. NO_COLOR is heeded. */
void pt_screen_init(pt_screen *s, bool bar);

/* Bytes of the job's standard output; records (launch/support/pace.h) are taken out. */
void pt_screen_out(pt_screen *s, const char *bytes, size_t n);

/* Before and after anything else is written to the terminal. */
void pt_screen_clear(pt_screen *s);
void pt_screen_draw(pt_screen *s);

/* Now and then: the clock of the bar goes on in a long step. */
void pt_screen_tick(pt_screen *s);

/* The end of the output: the last line, and no bar. */
void pt_screen_end(pt_screen *s);

#endif
