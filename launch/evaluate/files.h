/* The pictures that a person names: files, folders, lists, packed data sets. Local. */
#ifndef PT_LAUNCH_EVALUATE_FILES_H
#define PT_LAUNCH_EVALUATE_FILES_H

#include "launch/evaluate/evaluate.h"

typedef struct pt_files pt_files;

/* Adds each of names [n]: a file is a picture; a folder, all files below it with the name
 * of a picture (.jpg ...), in the order of their names; NAME.h5, all images of a packed
 * data set. list: a text file with a name a line, or NULL; after a comma a line may hold
 * anything. PT_ERR_DATA for a folder without pictures. On failure *out is NULL. */
PT_MUST_USE pt_status pt_files_create(const char *const *names, size_t n,
                                      const char *list, pt_files **out);
void pt_files_destroy(pt_files **f);

/* Borrowed. */
pt_pictures pt_files_pictures(pt_files *f);

#endif
