/* Which files of a folder are meant: `ptrain pack --only '*.jpg,*.png'`. Local. */
#ifndef PT_LAUNCH_LAYOUTS_ONLY_H
#define PT_LAUNCH_LAYOUTS_ONLY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

typedef struct pt_only pt_only;

/* text: patterns of the shell, separated by commas; letters of any case are the same. A
 * file is meant where one fits its name or, if it has a slash, its path from `root` on
 * (borrowed), in which `*` stands for slashes too. PT_ERR_USAGE for one that is empty, or
 * is no pattern and no name of a file: `jpg`. */
PT_MUST_USE pt_status pt_only_create(const char *text, const char *root, pt_only **out);
void pt_only_destroy(pt_only **o);

/* path: begins with root. */
bool pt_only_wants(const pt_only *o, const char *path);

/* The files below a folder that are meant, and all of them, without hidden ones.
 * PT_ERR_IO where it cannot be read. */
PT_MUST_USE pt_status pt_only_count(const pt_only *o, const char *folder, size_t *meant,
                                    size_t *all);

#endif
