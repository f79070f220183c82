/* Line charts as SVG inside a page: axes, lines with bands, a legend, a text for those
 * who cannot see them. page.js finds the values again in the lines' coordinates. */
#ifndef PT_LAUNCH_REPORT_SVG_H
#define PT_LAUNCH_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One line; NAN where it has a gap. low, high: its band, NULL: none. */
typedef struct {
    const char *label;
    int style; /* launch/report/styles.h */
    size_t n;
    const double *x, *y, *low, *high; /* [n] */
} pt_line;

typedef struct {
    const char *title, *x_label;
    bool log_y;  /* values of 0 and below are gaps */
    bool noisy;  /* the page offers to smooth it */
    bool marked; /* a mark at each value */
    const pt_line *lines;
    size_t n_lines;
} pt_chart;

/* A <figure> with the chart, malloc'd; empty where no line has a value, NULL without
 * memory. */
char *pt_svg_chart(const pt_chart *c);

/* The sample of a line for a legend. */
void pt_svg_key(FILE *out, int style);

/* 1, 2 or 5 times a power of ten, so that `range` has about n of it. */
double pt_svg_nice_step(double range, int n);

#endif
