/* Data sets as distributed: which files there are, with labels and splits, before any
 * image is opened. One reader per layout, all with the same result. */
#ifndef PT_LAUNCH_LAYOUT_H
#define PT_LAUNCH_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "launch/layouts/faults.h"
#include "launch/layouts/listing.h"

typedef struct {
    char *path; /* to open */
    char *name; /* for people: relative to the root */
    int label;
} pt_layout_image;

typedef struct {
    char name[16];
    uint32_t *images; /* numbers of images, in the order of the layout's own list */
    size_t n, capacity;
} pt_layout_split;

enum { PT_LAYOUT_MAX_SPLITS = 8, PT_LAYOUT_MAX_CLASSES = 1 << 20 };
#define PT_LAYOUT_MAX_IMAGES ((size_t)1 << 31)

typedef struct {
    const char *kind; /* a row of the table in layout.c */
    pt_layout_image *images;
    size_t n_images, images_capacity;
    char **classes; /* [n_classes] */
    size_t n_classes, classes_capacity;
    pt_layout_split splits[PT_LAYOUT_MAX_SPLITS];
    int n_splits;
    pt_left_out left_out; /* folders: entries that are no pictures of a class */
} pt_layout;

/* NULL: the default. Paths are used as given, they are not relative to the root. */
typedef struct {
    const char *train, *val, *test, *classes; /* list and csv */
    int test_every;         /* folders without splits: 0 = one split `all` */
    const char *test_share; /* folders without a test split: see pt_layout_folders */
    uint64_t test_seed;
    const char *only; /* folders: the files that are meant (only.h) */
    /* caltech256, webface500; 0: the layout's own */
    int train_per_class, test_per_class, n_classes;
    bool no_clutter; /* caltech256: 256 classes */
    bool draw;       /* images of a class in an order drawn from draw_seed */
    uint64_t draw_seed;
} pt_layout_options;

/* Reads the folder `root`. kind: NULL = detected (by the files listed below for each
 * layout; else folders; never webface500 and csv). Options of another layout are
 * PT_ERR_USAGE. All faults are listed, one line each, those of a list as FILE:LINE:
 * error: ...; then PT_ERR_DATA (PT_ERR_IO if the root cannot be read). A name that is not
 * UTF-8 or has a control character is one. Odd but usable things are warnings.
 */
PT_MUST_USE pt_status pt_layout_read(const char *kind, const char *root,
                                     const pt_layout_options *options, pt_layout *out);
void pt_layout_fini(pt_layout *l);

/* ---- the layouts; *out is empty before, and to be freed after a failure too ------- */

/* ROOT/SPLIT/CLASS/FILE (SPLIT: see split_names.h) or ROOT/CLASS/FILE, FILE named as
 * a picture (pt_is_picture_name), sorted by bytes. Classes: the sorted union of the
 * folders' names. Where there is a train split, a class without a training image is a
 * fault. What is left out (files that are no pictures, folders beside the splits) is not:
 * it is in out->left_out, as is the number of files that `only` leaves out.
 *
 * test_share, a number in (0, 1): of the n training images of each class
 * floor(share * n + 1/2) are for the test, at least one and at most n - 1; of a single
 * one none. Which ones is drawn from test_seed and the class's number (Philox: the same
 * on every machine). */
PT_MUST_USE pt_status pt_layout_folders(const char *root,
                                        const pt_layout_options *options, pt_layout *out);

/* Lines `path label`: the label, a number from 0 or a class's name, follows the last
 * blank (or the one before the longest name that fits), the path is relative to the root.
 * Default files ROOT/train.txt, val.txt, test.txt (those that are there; other spellings:
 * see split_names.h), classes.txt. An image in two lists, or under two spellings of its
 * path (`a.jpg`, `./a.jpg`), is kept once; its labels must agree. */
PT_MUST_USE pt_status pt_layout_list(const char *root, const pt_layout_options *options,
                                     pt_layout *out);

/* CSV files with a header that names the columns `file` (filename, path, image), `label`
 * (class) and perhaps `split`: ROOT/train.csv, val.csv, test.csv, else ROOT/labels.csv,
 * whose images are the split `all` where no column says otherwise. Separated by commas,
 * semicolons or tabs; cells may be quoted, without line breaks. Paths are relative to the
 * root. Labels are names or, where there is a classes.txt, also numbers of its lines from
 * 0; without one the classes are the labels, sorted. A file in two rows is a fault. */
PT_MUST_USE pt_status pt_layout_csv(const char *root, const pt_layout_options *options,
                                    pt_layout *out);

/* Oxford Flower102: jpg/image_NNNNN.jpg, imagelabels.mat, setid.mat. Splits train, val,
 * test, trainval; 102 classes. Counts that differ from the official ones give a warning.
 */
PT_MUST_USE pt_status pt_layout_flower102(const char *root,
                                          const pt_layout_options *options,
                                          pt_layout *out);

/* CUB-200-2011: images.txt, image_class_labels.txt, train_test_split.txt, classes.txt, in
 * root or in its CUB_200_2011. Splits train, test. */
PT_MUST_USE pt_status pt_layout_cub200(const char *root, const pt_layout_options *options,
                                       pt_layout *out);

/* MIT Indoor 67: Images/CLASS/FILE, TrainImages.txt, TestImages.txt. Classes in the order
 * of their names. 28 files of the official set are GIF, PNG or BMP under names of JPEG.
 */
PT_MUST_USE pt_status pt_layout_mit67(const char *root, const pt_layout_options *options,
                                      pt_layout *out);

/* Stanford 40 Actions: JPEGImages/ACTION_NNN.jpg, ImageSplits/actions.txt, train.txt,
 * test.txt, and ACTION_train.txt, ACTION_test.txt, which are compared with these two if
 * present. Classes in the order of their names. */
PT_MUST_USE pt_status pt_layout_stanford40(const char *root,
                                           const pt_layout_options *options,
                                           pt_layout *out);

/* Caltech-256: NNN.name/NNN_MMMM.jpg, in root or in its 256_ObjectCategories. Of each
 * class, in the order of the names or drawn: splits train30 and train60 (or `train` of
 * train_per_class), then the next 20 images (test_per_class) are `test`. */
PT_MUST_USE pt_status pt_layout_caltech256(const char *root,
                                           const pt_layout_options *options,
                                           pt_layout *out);

/* WebFace500: a folder per identity, as CASIA-WebFace. The 500 (n_classes) identities
 * with the most images, ties broken by name; of each, in the order of the names or drawn,
 * 80 (train_per_class) images are `train` and the next 20 (test_per_class) `test`. */
PT_MUST_USE pt_status pt_layout_webface500(const char *root,
                                           const pt_layout_options *options,
                                           pt_layout *out);

/* ---- for the readers -------------------------------------------------------------- */

/* Adds ROOT/NAME (name copied); a fault, at FILE:LINE where file is not NULL, if it is
 * not a file. *number: NULL, or the image's number; UINT32_MAX after a fault. */
PT_MUST_USE pt_status pt_layout_add_file(pt_layout *l, const char *root, const char *name,
                                         int label, pt_layout_faults *faults,
                                         const char *file, size_t line, uint32_t *number);

/* Warns where a count differs from the official one. */
void pt_layout_compare(const char *root, const char *what, size_t n, size_t official);

/* Takes ownership of path and name, also on failure. */
PT_MUST_USE pt_status pt_layout_add_image(pt_layout *l, char *path, char *name, int label,
                                          uint32_t *number);
PT_MUST_USE pt_status pt_layout_add_class(pt_layout *l, const char *name);
/* The split of that name, created if absent; NULL if there are too many. */
pt_layout_split *pt_layout_split_named(pt_layout *l, const char *name);
PT_MUST_USE pt_status pt_layout_split_add(pt_layout_split *s, uint32_t image);

#endif
