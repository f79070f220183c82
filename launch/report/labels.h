/* What to call runs that are compared: by the settings in which they differ. */
#ifndef PT_LAUNCH_REPORT_LABELS_H
#define PT_LAUNCH_REPORT_LABELS_H

#include "launch/report/settings.h"

/* Name of the method `of` among those of its block, all [n]: "plain", "PtR-SML1",
 * "L2-SP", "PtR-L2 + FNP", followed by the settings that differ in the block: "PtR-L2
 * R=20 wd=0", "PtR-SML1 no gate". malloc'd; NULL without memory. */
char *pt_label_method(const pt_settings *of, const pt_settings *const *all, size_t n);

/* Title of the block `of` among all [n]: network, data, images per class, and the
 * settings that differ from other blocks of the same three: "resnet50 on cub.h5,
 * optimizer.lr=0.01". malloc'd; NULL without memory. */
char *pt_label_block(const pt_settings *of, const pt_settings *const *all, size_t n);

#endif
