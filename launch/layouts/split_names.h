/* The names that splits may have. */
#ifndef PT_LAUNCH_SPLIT_NAMES_H
#define PT_LAUNCH_SPLIT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* The splits of folders and of lists, in this order: train, val, test. */
enum { PT_SPLIT_NAMES = 3 };
extern const char *const pt_split_names[PT_SPLIT_NAMES];

/* The split that a folder or list called name [n] is, whatever the case of its letters:
 * train, training; val, valid, validation, dev; test, testing. -1: none. */
int pt_split_of(const char *name, size_t n);

/* Is the name exactly train, val, valid or test? The others may also be a class
 * ("training" among sports) and need a second look. */
bool pt_split_is_plain(const char *name);

/* The lists in root: train.txt, or the only .txt file with an equivalent name, and so on.
 * out[k]: a file name, malloc'd, or NULL. Two candidates are PT_ERR_DATA; one beside the
 * exact name is left out with a warning. */
PT_MUST_USE pt_status pt_split_find_lists(const char *root, char *out[PT_SPLIT_NAMES]);

/* Has root a list for training or for the test, under any of these names, and
 * classes.txt? */
bool pt_split_has_lists(const char *root);

#endif
