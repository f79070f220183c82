/* Line charts as SVG inside a page: axes, lines with bands, a text for those who cannot
 * see them. Colours and dashes are the classes s0..s15 and b0..b15 of page.css. */
#ifndef PT_LAUNCH_REPORT_SVG_H
#define PT_LAUNCH_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>

/* One line; NAN where it has a gap. low, high: its band, NULL: none. */
typedef struct {
    const char *label;
    int style; /* which class */
    size_t n;
    const double *x, *y, *low, *high; /* [n] */
} pt_line;

typedef struct {
    const char *title, *x_label;
    bool log_y; /* values of 0 and below are gaps */
    const pt_line *lines;
    size_t n_lines;
} pt_chart;

/* A <figure> with the chart, malloc'd; empty where no line has a value, NULL without
 * memory. */
char *pt_svg_chart(const pt_chart *c);

#endif
