/* Data sets as they come: which files there are, with labels and splits, before any
 * image is opened. One reader per layout, all with the same result. */
#ifndef PT_LAUNCH_LAYOUT_H
#define PT_LAUNCH_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

typedef struct {
    char *path; /* to open */
    char *name; /* for people: relative to the root */
    int label;
} pt_layout_image;

typedef struct {
    char name[16];
    uint32_t *images; /* numbers of images, in the order of the layout's own list */
    size_t n, room;
} pt_layout_split;

enum { PT_LAYOUT_MAX_SPLITS = 4, PT_LAYOUT_MAX_CLASSES = 1 << 20 };
#define PT_LAYOUT_MAX_IMAGES ((size_t)1 << 31)

typedef struct {
    const char *kind; /* "folders", "list", "flower102" */
    pt_layout_image *images;
    size_t n_images, images_room;
    char **classes; /* [n_classes] */
    size_t n_classes, classes_room;
    pt_layout_split splits[PT_LAYOUT_MAX_SPLITS];
    int n_splits;
} pt_layout;

/* NULL: the default. Paths are used as given, they are not relative to the root. */
typedef struct {
    const char *train, *val, *test, *classes; /* list layout */
    int test_every; /* folders without splits: 0 = one split `all` */
} pt_layout_options;

/* Reads the folder `root`. kind: NULL = found by what is there (setid.mat: flower102;
 * train.txt, test.txt or a list in the options: list; else folders). All faults are
 * listed, one line each, those of a list as FILE:LINE: error: ...; then PT_ERR_DATA
 * (PT_ERR_IO if the root cannot be read). What is odd but usable is told by pt_log_warn.
 */
PT_MUST_USE pt_status pt_layout_read(const char *kind, const char *root,
                                     const pt_layout_options *options, pt_layout *out);
void pt_layout_fini(pt_layout *l);

/* ---- the layouts; *out is empty before, and to be freed after a failure too ----------
 */

/* ROOT/SPLIT/CLASS/FILE (SPLIT: train, val or valid, test) or ROOT/CLASS/FILE, FILE
 * ending in .jpg or .jpeg in any case, sorted by bytes. Classes: the sorted union of the
 * folders' names. Where there is a train split, a class without a training image is a
 * fault. */
PT_MUST_USE pt_status pt_layout_folders(const char *root,
                                        const pt_layout_options *options, pt_layout *out);

/* Lines `path label`: the label follows the last blank, the path is relative to the root.
 * Default files ROOT/train.txt, val.txt, test.txt (those that are there), classes.txt. An
 * image in two lists is kept once; its labels must agree. */
PT_MUST_USE pt_status pt_layout_list(const char *root, const pt_layout_options *options,
                                     pt_layout *out);

/* Oxford Flower102: jpg/image_NNNNN.jpg, imagelabels.mat, setid.mat. Splits train, val,
 * test, trainval; 102 classes. Other counts than the official ones are warned of. */
PT_MUST_USE pt_status pt_layout_flower102(const char *root,
                                          const pt_layout_options *options,
                                          pt_layout *out);

/* ---- for the readers ------------------------------------------------------------------
 */

/* Collects the faults of one layout: the first 500 are lines of the text, the rest a
 * number. Begin with {PT_OK, 0}. */
typedef struct {
    pt_status status;
    size_t n;
} pt_layout_faults;

void pt_layout_fault(pt_layout_faults *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
PT_MUST_USE pt_status pt_layout_faults_end(pt_layout_faults *f);

/* ROOT/NAME, malloc'd. */
PT_MUST_USE pt_status pt_layout_join(const char *root, const char *name, char **out);

/* Takes path and name, also when it fails. */
PT_MUST_USE pt_status pt_layout_add_image(pt_layout *l, char *path, char *name, int label,
                                          uint32_t *number);
PT_MUST_USE pt_status pt_layout_add_class(pt_layout *l, const char *name);
/* The split of that name, made if it is not there; NULL if there are too many. */
pt_layout_split *pt_layout_split_named(pt_layout *l, const char *name);
PT_MUST_USE pt_status pt_layout_split_add(pt_layout_split *s, uint32_t image);

#endif
