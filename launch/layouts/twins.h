/* Equal picture files of one data set, whatever their paths. */
#ifndef PT_LAUNCH_TWINS_H
#define PT_LAUNCH_TWINS_H

#include "launch/layouts/check.h"
#include "launch/layouts/layout.h"

/* Warns, with counts and the first pairs, of equal files in two splits (a test image that
 * was trained on tests nothing) and under two classes. An image that is itself listed in
 * both splits does not count. checked: [l->n_images]; bad images are passed over. */
PT_MUST_USE pt_status pt_twins_report(const char *root, const pt_layout *l,
                                      const pt_checked *checked);

#endif
