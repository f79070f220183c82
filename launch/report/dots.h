/* The chart of gains: a row for each method with its mean gain over plain, the 95 %
 * interval and each seed, around a line at 0. */
#ifndef PT_LAUNCH_REPORT_DOTS_H
#define PT_LAUNCH_REPORT_DOTS_H

#include "launch/report/block.h"

/* A <figure>, malloc'd; empty where no method has a seed in common with plain runs; NULL
 * without memory. */
char *pt_svg_dots(const pt_block *b);

#endif
