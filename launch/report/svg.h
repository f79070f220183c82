/* Line charts as SVG inside a page: axes, lines with bands, a text for those who do not
 * see them. Colours and dashes are the page's classes s0..s15 (launch/report/page.c). */
#ifndef PT_LAUNCH_REPORT_SVG_H
#define PT_LAUNCH_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

/* A <figure> with the chart; nothing where no line has a value. */
void pt_svg_chart(FILE *out, const pt_chart *c);

/* Text as HTML and XML want it. */
void pt_html_text(FILE *out, const char *text);

#endif
