/* Numbers published elsewhere, for comparison with those measured here. */
#ifndef PT_LAUNCH_REPORT_PUBLISHED_H
#define PT_LAUNCH_REPORT_PUBLISHED_H

#include "launch/report/settings.h"

/* What the paper's tables say about this data set and network, one line per row,
 * malloc'd; NULL where they have none (or without memory). The data set is identified by
 * its number of classes and the name of its file, so that another set of 200 classes is
 * not CUB. */
char *pt_published_text(const pt_settings *s, size_t n_classes);

#endif
