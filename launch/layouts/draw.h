/* Which images of a class go where, for data sets without official splits. */
#ifndef PT_LAUNCH_LAYOUT_DRAW_H
#define PT_LAUNCH_LAYOUT_DRAW_H

#include "launch/layouts/layout.h"

/* Puts the names of class number `label` into the order in which they are taken: as they
 * are (sorted), or, with options->draw, a permutation drawn from draw_seed and the label
 * (Philox: the same on every machine). */
PT_MUST_USE pt_status pt_layout_draw(const pt_layout_options *options, int label,
                                     pt_listing *names);

#endif
