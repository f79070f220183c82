/* Files that a model names by their path from its own folder. */
#ifndef PT_COMMON_WEIGHTS_BESIDE_H
#define PT_COMMON_WEIGHTS_BESIDE_H

#include "common/base/status.h"

/* The whole path of `name` [malloc'd], which lies beside the file `model` or below its
 * folder: PT_ERR_DATA for an absolute path, one with `..`, an empty or a very long one.
 * what: "the shard", for the message. Looks at no file. */
PT_MUST_USE pt_status pt_beside_path(const char *model, const char *what,
                                     const char *name, char **whole);

/* Whether the file is there, links followed. PT_ERR_IO: it cannot be opened; PT_ERR_DATA:
 * a link leads out of the model's folder. */
PT_MUST_USE pt_status pt_beside_check(const char *model, const char *what,
                                      const char *whole);

#endif
