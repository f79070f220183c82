#include "launch/layouts/layout.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "launch/layouts/draw.h"

enum { CLUTTER = 257, TEST = 20, SHORT = 30, LONG = 60, OFFICIAL_IMAGES = 30607 };

typedef struct {
    const char *root;
    pt_layout *out;
    const pt_layout_options *o;
    pt_layout_faults faults;
    pt_left_out left_out;
} reading;

static bool digits(const char *text, int n)
{
    for (int i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i])) return false;
    return true;
}

/* "NNN.name", N from 1 on; 0: not a class. */
static int class_number(const char *name)
{
    return digits(name, 3) && name[3] == '.' && name[4] ? atoi(name) : 0;
}

/* "NNN_MMMM.jpg" of this class? */
static bool is_image(const char *name, int number)
{
    return digits(name, 3) && atoi(name) == number && name[3] == '_' &&
           digits(name + 4, 4) && name[8] == '.';
}

/* Keeps the images of the class; the rest is left out. */
static void sift(reading *r, int number, pt_listing *files)
{
    size_t kept = 0;

    for (size_t i = 0; i < files->n; i++) {
        if (is_image(files->names[i], number)) {
            files->names[kept++] = files->names[i];
            continue;
        }
        pt_leave_out(&r->left_out, files->names[i]);
        free(files->names[i]);
    }
    files->n = kept;
}

/* The split's images [from, from + n) of a class whose first image has number `first`. */
static pt_status give(reading *r, const char *split, uint32_t first, size_t from,
                      size_t n)
{
    pt_status s = PT_OK;

    for (size_t i = from; i < from + n && s == PT_OK; i++)
        s = pt_layout_split_add(pt_layout_split_named(r->out, split),
                                first + (uint32_t)i);
    return s;
}

static pt_status add_splits(reading *r, const char *class, uint32_t first, size_t n)
{
    int own = r->o->train_per_class;
    size_t train = (size_t)(own ? own : LONG);
    size_t test = (size_t)(r->o->test_per_class ? r->o->test_per_class : TEST);
    pt_status s;

    if (n < train + test) {
        pt_layout_fault(&r->faults,
                        "%s: class %s has %zu images, but %zu + %zu are needed", r->root,
                        class, n, train, test);
        return PT_OK;
    }
    if (own) {
        s = give(r, "train", first, 0, train);
    } else {
        s = give(r, "train30", first, 0, SHORT);
        if (s == PT_OK) s = give(r, "train60", first, 0, LONG);
    }
    return s == PT_OK ? give(r, "test", first, train, test) : s;
}

static pt_status add_class(reading *r, const char *class)
{
    int label = (int)r->out->n_classes;
    uint32_t first = (uint32_t)r->out->n_images;
    char *folder = NULL;
    pt_listing files = {0};
    pt_status s = pt_layout_join(r->root, class, &folder);

    if (s == PT_OK) s = pt_layout_add_class(r->out, class + 4);
    if (s == PT_OK)
        s = pt_list_folder(folder, PT_LIST_PICTURES, &r->faults, &r->left_out, &files);
    if (s == PT_OK) {
        sift(r, class_number(class), &files);
        s = pt_layout_draw(r->o, label, &files);
    }
    for (size_t i = 0; i < files.n && s == PT_OK; i++) {
        char *name = NULL;

        if (asprintf(&name, "%s/%s", class, files.names[i]) < 0)
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
        if (s == PT_OK)
            s = pt_layout_add_file(r->out, r->root, name, label, &r->faults, NULL, 0,
                                   NULL);
        free(name);
    }
    if (s == PT_OK) s = add_splits(r, class, first, files.n);
    pt_listing_fini(&files);
    free(folder);
    return s;
}

static pt_status read_all(reading *r)
{
    pt_listing folders = {0};
    int last = 0;
    pt_status s =
        pt_list_folder(r->root, PT_LIST_FOLDERS, &r->faults, &r->left_out, &folders);

    if (s == PT_OK && r->o->train_per_class == 0) {
        pt_layout_split_named(r->out, "train30");
        pt_layout_split_named(r->out, "train60");
    }
    for (size_t i = 0; i < folders.n && s == PT_OK; i++) {
        int number = class_number(folders.names[i]);

        if (number == 0 || (number == CLUTTER && r->o->no_clutter)) continue;
        if (number != last + 1)
            pt_layout_fault(&r->faults, "%s: %s follows class %d", r->root,
                            folders.names[i], last);
        last = number;
        s = add_class(r, folders.names[i]);
    }
    pt_listing_fini(&folders);
    return s == PT_OK ? pt_layout_faults_end(&r->faults) : s;
}

static void warn_left_out(const reading *r)
{
    char text[PT_LEFT_OUT_TEXT];

    if (r->left_out.n > 0)
        pt_log_warn(
            "%s: %zu entries are not images named NNN_MMMM.jpg and were left out (the "
            "first: %s)",
            r->root, r->left_out.n, pt_left_out_text(&r->left_out, text));
    pt_layout_compare(r->root, "classes", r->out->n_classes,
                      r->o->no_clutter ? CLUTTER - 1 : CLUTTER);
    if (!r->o->no_clutter)
        pt_layout_compare(r->root, "images", r->out->n_images, OFFICIAL_IMAGES);
}

pt_status pt_layout_caltech256(const char *root, const pt_layout_options *o,
                               pt_layout *out)
{
    reading r = {.root = root, .out = out, .o = o, .faults = {PT_OK, 0}};
    char *inside = NULL;
    struct stat st;
    pt_status s = pt_layout_join(root, "256_ObjectCategories", &inside);

    if (s == PT_OK && stat(inside, &st) == 0 && S_ISDIR(st.st_mode)) r.root = inside;
    if (s == PT_OK) s = read_all(&r);
    if (s == PT_OK) warn_left_out(&r);
    pt_left_out_fini(&r.left_out);
    free(inside);
    return s;
}
