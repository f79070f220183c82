#include "launch/layouts/layout.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/utf8.h"
#include "launch/layouts/split_names.h"

void pt_layout_fini(pt_layout *l)
{
    for (size_t i = 0; i < l->n_images; i++) {
        free(l->images[i].path);
        free(l->images[i].name);
    }
    for (size_t i = 0; i < l->n_classes; i++) free(l->classes[i]);
    for (int i = 0; i < l->n_splits; i++) free(l->splits[i].images);
    free(l->images);
    free(l->classes);
    pt_left_out_fini(&l->left_out);
    *l = (pt_layout){0};
}

static bool there(const char *root, const char *name)
{
    char *path = NULL;
    bool yes = pt_layout_join(root, name, &path) == PT_OK && access(path, F_OK) == 0;

    free(path);
    return yes;
}

typedef struct {
    const char *kind;
    pt_status (*read)(const char *, const pt_layout_options *, pt_layout *);
    const char *signs[3]; /* each there: it is this one */
    bool counts;          /* takes numbers of images and classes */
} reader;

/* In the order in which they are looked for; folders: whatever is left. */
static const reader readers[] = {
    {"flower102", pt_layout_flower102, {"setid.mat"}, false},
    {"cub200", pt_layout_cub200, {"train_test_split.txt"}, false},
    {"cub200", pt_layout_cub200, {"CUB_200_2011/train_test_split.txt"}, false},
    {"mit67", pt_layout_mit67, {"TrainImages.txt", "TestImages.txt"}, false},
    {"stanford40", pt_layout_stanford40, {"ImageSplits", "JPEGImages"}, false},
    {"caltech256", pt_layout_caltech256, {"256_ObjectCategories"}, true},
    {"caltech256", pt_layout_caltech256, {"001.ak47", "002.american-flag"}, true},
    {"webface500", pt_layout_webface500, {NULL}, true},
    {"csv", pt_layout_csv, {NULL}, false},
    {"list", pt_layout_list, {"train.txt"}, false},
    {"list", pt_layout_list, {"test.txt"}, false},
    {"folders", pt_layout_folders, {NULL}, false}};
enum { N_READERS = sizeof readers / sizeof *readers };

static const reader *detect(const char *root, const pt_layout_options *o)
{
    for (size_t i = 0; i < N_READERS; i++) {
        bool all = readers[i].signs[0] != NULL;

        if (readers[i].read == pt_layout_list &&
            (o->train || o->val || o->test || pt_split_has_lists(root)))
            return &readers[i];
        for (int k = 0; k < 3 && readers[i].signs[k]; k++)
            all = all && there(root, readers[i].signs[k]);
        if (all) return &readers[i];
    }
    return &readers[N_READERS - 1];
}

static const reader *named(const char *kind)
{
    for (size_t i = 0; i < N_READERS; i++)
        if (strcmp(kind, readers[i].kind) == 0) return &readers[i];
    return NULL;
}

/* Options of another layout. */
static pt_status check_options(const reader *r, const pt_layout_options *o)
{
    bool list = r->read == pt_layout_list || r->read == pt_layout_csv;
    const char *what = NULL;

    if (!list && (o->train || o->val || o->test || o->classes))
        what = "--train, --val, --test and --classes are for list and csv";
    if (r->read != pt_layout_folders && (o->test_every > 0 || o->test_share))
        what = "--test-every and --test-share are for folders";
    if (r->read != pt_layout_folders && o->only) what = "--only is for folders";
    if (!r->counts && (o->train_per_class > 0 || o->test_per_class > 0 || o->draw))
        what = "--train-per-class, --test-per-class and --draw are for caltech256 and "
               "webface500";
    if (r->read != pt_layout_webface500 && o->n_classes > 0)
        what = "--identities is for webface500";
    if (r->read != pt_layout_caltech256 && o->no_clutter)
        what = "--no-clutter is for caltech256";
    return what ? pt_fail(PT_ERR_USAGE, "%s, not for the layout %s", what, r->kind)
                : PT_OK;
}

/* A fault where a name has bytes that no name can have: `what` name. */
static void check_name(pt_layout_faults *f, const char *what, const char *name)
{
    long at = pt_utf8_name_fault(name);
    unsigned byte = at >= 0 ? (unsigned char)name[at] : 0;
    char *shown = at >= 0 ? pt_utf8_escape(name) : NULL;

    if (at >= 0)
        pt_layout_fault(f, "%s '%s': byte %ld, %02x, is %s: rename it", what,
                        shown ? shown : "?", at + 1, byte,
                        byte < 0x80 ? "a control character" : "not UTF-8");
    free(shown);
}

/* Names go into files of text. An image's name is that of its class and its own: where
 * classes are at fault it is not reported again for every image. */
static pt_status check_names(const pt_layout *l)
{
    pt_layout_faults f = {PT_OK, 0};

    for (size_t i = 0; i < l->n_classes; i++) check_name(&f, "class", l->classes[i]);
    for (size_t i = 0, n = f.n > 0 ? 0 : l->n_images; i < n; i++)
        check_name(&f, "image", l->images[i].name);
    return pt_layout_faults_end(&f);
}

pt_status pt_layout_read(const char *kind, const char *root,
                         const pt_layout_options *options, pt_layout *out)
{
    const reader *r;
    struct stat st;
    pt_status s;

    *out = (pt_layout){0};
    if (stat(root, &st) != 0)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", root, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return pt_fail(PT_ERR_IO, "%s: is not a folder", root);
    r = kind ? named(kind) : detect(root, options);
    if (!r)
        return pt_fail(
            PT_ERR_USAGE,
            "unknown layout '%s': choose folders, list, csv, flower102, cub200, "
            "mit67, stanford40, caltech256 or webface500",
            kind);
    s = check_options(r, options);
    if (s != PT_OK) return s;
    out->kind = r->kind;
    s = r->read(root, options, out);
    if (s == PT_OK) s = check_names(out);
    if (s == PT_OK && out->n_images == 0)
        s = pt_fail(PT_ERR_DATA, "%s: has no images in the layout '%s'", root, r->kind);
    if (s != PT_OK) pt_layout_fini(out);
    return s;
}

/* ---- for the readers -------------------------------------------------------------- */

/* Grows *array where it is full: one more element of `size` bytes fits. */
static pt_status grow(void **array, size_t n, size_t *capacity, size_t size)
{
    void *p = pt_grow(*array, n, capacity, size);

    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for %zu entries of an index", n + 1);
    *array = p;
    return PT_OK;
}

pt_status pt_layout_add_image(pt_layout *l, char *path, char *name, int label,
                              uint32_t *number)
{
    void *array = l->images;
    pt_status s = l->n_images < PT_LAYOUT_MAX_IMAGES
                      ? PT_OK
                      : pt_fail(PT_ERR_DATA, "%s: is image %zu, the limit is %zu", path,
                                l->n_images + 1, PT_LAYOUT_MAX_IMAGES);

    if (s == PT_OK) s = grow(&array, l->n_images, &l->images_capacity, sizeof *l->images);
    if (s != PT_OK) {
        free(path);
        free(name);
        return s;
    }
    l->images = array;
    if (number) *number = (uint32_t)l->n_images;
    l->images[l->n_images++] = (pt_layout_image){path, name, label};
    return PT_OK;
}

pt_status pt_layout_add_file(pt_layout *l, const char *root, const char *name, int label,
                             pt_layout_faults *faults, const char *file, size_t line,
                             uint32_t *number)
{
    char *path = NULL, *copy;
    struct stat st;
    pt_status s = pt_layout_join(root, name, &path);

    if (number) *number = UINT32_MAX;
    if (s != PT_OK) return s;
    errno = 0;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        const char *why = errno ? strerror(errno) : "is not a file";

        if (file)
            pt_layout_fault(faults, "%s:%zu: error: %s: %s", file, line, path, why);
        else
            pt_layout_fault(faults, "%s: %s", path, why);
        free(path);
        return PT_OK;
    }
    copy = strdup(name);
    if (!copy) {
        free(path);
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for the names", root);
    }
    return pt_layout_add_image(l, path, copy, label, number);
}

void pt_layout_compare(const char *root, const char *what, size_t n, size_t official)
{
    if (n != official)
        pt_log_warn("%s: has %zu %s, the official set has %zu", root, n, what, official);
}

pt_status pt_layout_add_class(pt_layout *l, const char *name)
{
    void *array = l->classes;
    char *copy;
    pt_status s;

    if (l->n_classes >= PT_LAYOUT_MAX_CLASSES)
        return pt_fail(PT_ERR_DATA, "class '%s' is number %zu, the limit is %d", name,
                       l->n_classes + 1, PT_LAYOUT_MAX_CLASSES);
    s = grow(&array, l->n_classes, &l->classes_capacity, sizeof *l->classes);
    if (s != PT_OK) return s;
    l->classes = array;
    copy = strdup(name);
    if (!copy) return pt_fail(PT_ERR_NOMEM, "no memory for class '%s'", name);
    l->classes[l->n_classes++] = copy;
    return PT_OK;
}

pt_layout_split *pt_layout_split_named(pt_layout *l, const char *name)
{
    pt_layout_split *s;

    for (int i = 0; i < l->n_splits; i++)
        if (strcmp(l->splits[i].name, name) == 0) return &l->splits[i];
    if (l->n_splits == PT_LAYOUT_MAX_SPLITS) return NULL;
    s = &l->splits[l->n_splits++];
    *s = (pt_layout_split){0};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

pt_status pt_layout_split_add(pt_layout_split *split, uint32_t image)
{
    void *array = split->images;
    pt_status s = grow(&array, split->n, &split->capacity, sizeof *split->images);

    if (s != PT_OK) return s;
    split->images = array;
    split->images[split->n++] = image;
    return PT_OK;
}
