/* The classes that files name: a model's head has a row for each, in this order, so that
 * a model and data whose classes differ, or come in another order, do not fit, whatever
 * their number. */
#ifndef PT_LAUNCH_SUPPORT_CLASS_NAMES_H
#define PT_LAUNCH_SUPPORT_CLASS_NAMES_H

#include "common/data/dataset.h"
#include "common/weights/info.h"

/* The same number of classes, and the same names in the same order where the weights name
 * theirs (files of ours do). PT_ERR_USAGE naming both files and the first class that is
 * another. weights: a file; n: classes of its head; data: the name of d. Local. */
PT_MUST_USE pt_status pt_class_names_check(const char *weights, pt_format format, int n,
                                           const char *data, const pt_dataset *d);

/* The same of two model files of ours with n classes each. */
PT_MUST_USE pt_status pt_class_names_check_models(const char *a, const char *b, int n);

#endif
