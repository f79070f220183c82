/* What is in a folder of a data set. */
#ifndef PT_LAUNCH_LISTING_H
#define PT_LAUNCH_LISTING_H

#include <stdbool.h>

#include "launch/layouts/faults.h"
#include "launch/layouts/only.h"

/* Begin with {0}. */
typedef struct {
    char **names;
    size_t n, capacity;
} pt_listing;

void pt_listing_fini(pt_listing *l);
PT_MUST_USE pt_status pt_listing_add(pt_listing *l, const char *name);
void pt_listing_sort(pt_listing *l); /* by bytes */

/* The place of name in a sorted list, or -1. */
long pt_listing_find(const pt_listing *l, const char *name);

/* Entries that were not what was looked for: their number, and the first ones by their
 * bytes, malloc'd; apart from them the number of files that --only leaves out. Begin with
 * {0}, and `only` where there is one. */
enum { PT_LEFT_OUT_NAMED = 3, PT_LEFT_OUT_TEXT = 1024 };
typedef struct {
    size_t n;
    char *first[PT_LEFT_OUT_NAMED];
    const pt_only *only; /* borrowed; NULL: every picture is meant */
    size_t n_not_meant;
} pt_left_out;

/* path is copied. A file that is not meant is only counted. */
void pt_leave_out(pt_left_out *l, const char *path);

/* The same of a folder: it is left out like a file that is meant if one below it is. */
PT_MUST_USE pt_status pt_leave_folder_out(pt_left_out *l, const char *path);
void pt_left_out_fini(pt_left_out *l);

/* "a.txt, b.txt, c.txt, ...": the first ones. */
const char *pt_left_out_text(const pt_left_out *l, char text[PT_LEFT_OUT_TEXT]);

/* ROOT/NAME, malloc'd. */
PT_MUST_USE pt_status pt_layout_join(const char *root, const char *name, char **out);

/* Does it end in .jpg, .jpeg, .png, .webp, .gif, .bmp, .tif or .tiff, in letters of any
 * case? */
bool pt_is_picture_name(const char *name);

typedef enum { PT_LIST_FOLDERS, PT_LIST_PICTURES } pt_listing_kind;

/* Adds the sub-folders of path, or its files with the name of a picture
 * (pt_is_picture_name) that are meant, to out, then sorts all of it. Links are followed;
 * hidden names and what Windows and macOS leave in folders (Thumbs.db, desktop.ini,
 * __MACOSX) are skipped, the rest is left out. PT_ERR_IO where path cannot be read. */
PT_MUST_USE pt_status pt_list_folder(const char *path, pt_listing_kind what,
                                     pt_layout_faults *faults, pt_left_out *left_out,
                                     pt_listing *out);

#endif
