#include "launch/layouts/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/layouts/list_text.h"

enum {
    MAX_ID = 10000000,
    OFFICIAL_CLASSES = 200,
    OFFICIAL_TRAIN = 5994,
    OFFICIAL_TEST = 5794
};

/* What the lists say of image id (index id - 1). */
typedef struct {
    char *name;
    int label;         /* -1: not given yet */
    signed char train; /* -1: not given yet */
} entry;

typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    entry *entries;
    size_t n, capacity;
} reading;

/* A whole number of decimal digits, or -1. */
static long number_of(const char *text)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    return *text < '0' || *text > '9' || *end || errno ? -1 : n;
}

static pt_status entry_of(reading *r, long id, entry **out)
{
    while (r->n < (size_t)id) {
        entry *entries = pt_grow(r->entries, r->n, &r->capacity, sizeof *entries);

        if (!entries) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
        r->entries = entries;
        r->entries[r->n++] = (entry){NULL, -1, -1};
    }
    *out = &r->entries[id - 1];
    return PT_OK;
}

/* One fact about an image; a fault's text, or NULL. */
typedef const char *take_fact(reading *r, entry *e, const char *rest);

static const char *take_name(reading *r, entry *e, const char *rest)
{
    if (e->name) return "is listed twice";
    if (!rest[0]) return "has no path";
    e->name = strdup(rest);
    return e->name ? NULL : "no memory";
}

static const char *take_label(reading *r, entry *e, const char *rest)
{
    long n = number_of(rest);

    if (e->label >= 0) return "is listed twice";
    if (n < 1 || (size_t)n > r->out->n_classes) return "has no class from classes.txt";
    e->label = (int)n - 1;
    return NULL;
}

static const char *take_split(reading *r, entry *e, const char *rest)
{
    if (e->train >= 0) return "is listed twice";
    if (strcmp(rest, "0") != 0 && strcmp(rest, "1") != 0) return "is neither 0 nor 1";
    e->train = rest[0] == '1';
    return NULL;
}

/* Lines `id fact`. may_add: images.txt says which ids there are. */
static pt_status read_facts(reading *r, const char *name, take_fact *take, bool may_add)
{
    pt_list_text l = {0};
    char *path = NULL, *text;
    pt_status s = pt_layout_join(r->root, name, &path);

    if (s == PT_OK) s = pt_list_text_open(&l, path);
    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        const char *rest, *fault;
        entry *e = NULL;
        long id;

        if (text[0] == '\0') continue;
        rest = pt_list_text_cut(text);
        id = number_of(text);
        if (id < 1 || id > MAX_ID ||
            (!may_add && ((size_t)id > r->n || !r->entries[id - 1].name))) {
            pt_layout_fault(&r->faults, "%s:%zu: error: '%.40s' is not an image id%s",
                            path, l.line, text, may_add ? "" : " of images.txt");
            continue;
        }
        s = entry_of(r, id, &e);
        fault = s == PT_OK ? take(r, e, rest) : NULL;
        if (fault)
            pt_layout_fault(&r->faults, "%s:%zu: error: image %ld %s", path, l.line, id,
                            fault);
    }
    pt_list_text_close(&l);
    free(path);
    return s;
}

/* Lines `id name`, ids 1, 2, 3 ... */
static pt_status read_classes(reading *r)
{
    pt_list_text l = {0};
    char *path = NULL, *text;
    pt_status s = pt_layout_join(r->root, "classes.txt", &path);

    if (s == PT_OK) s = pt_list_text_open(&l, path);
    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        const char *name;

        if (text[0] == '\0') continue;
        name = pt_list_text_cut(text);
        if (number_of(text) != (long)r->out->n_classes + 1 || !name[0])
            pt_layout_fault(&r->faults, "%s:%zu: error: expected `%zu name`", path,
                            l.line, r->out->n_classes + 1);
        else
            s = pt_layout_add_class(r->out, name);
    }
    pt_list_text_close(&l);
    free(path);
    return s;
}

/* Images in the order of their ids. */
static pt_status add_images(reading *r)
{
    pt_layout_split *split[] = {NULL, NULL};
    char *images = NULL;
    pt_status s = pt_layout_join(r->root, "images", &images);

    pt_layout_split_named(r->out, "train");
    pt_layout_split_named(r->out, "test");
    split[1] = pt_layout_split_named(r->out, "train");
    split[0] = pt_layout_split_named(r->out, "test");
    for (size_t i = 0; i < r->n && s == PT_OK; i++) {
        const entry *e = &r->entries[i];
        uint32_t number;

        if (!e->name) continue;
        if (e->label < 0 || e->train < 0) {
            pt_layout_fault(&r->faults, "%s: image %zu (%s) has no %s", r->root, i + 1,
                            e->name,
                            e->label < 0 ? "line in image_class_labels.txt"
                                         : "line in train_test_split.txt");
            continue;
        }
        s = pt_layout_add_file(r->out, images, e->name, e->label, &r->faults, NULL, 0,
                               &number);
        if (s == PT_OK && number != UINT32_MAX)
            s = pt_layout_split_add(split[(int)e->train], number);
    }
    free(images);
    return s;
}

static pt_status read_all(reading *r)
{
    pt_status s = read_classes(r);

    if (s == PT_OK) s = read_facts(r, "images.txt", take_name, true);
    if (s == PT_OK) s = read_facts(r, "image_class_labels.txt", take_label, false);
    if (s == PT_OK) s = read_facts(r, "train_test_split.txt", take_split, false);
    if (s == PT_OK) s = add_images(r);
    return s == PT_OK ? pt_layout_faults_end(&r->faults) : s;
}

pt_status pt_layout_cub200(const char *root, const pt_layout_options *o, pt_layout *out)
{
    reading r = {.out = out, .faults = {PT_OK, 0}};
    char *inside = NULL, *list = NULL;
    pt_status s = pt_layout_join(root, "CUB_200_2011", &inside);

    if (s == PT_OK) s = pt_layout_join(inside, "images.txt", &list);
    r.root = s == PT_OK && access(list, F_OK) == 0 ? inside : root;
    if (s == PT_OK) s = read_all(&r);
    if (s == PT_OK) {
        pt_layout_compare(r.root, "classes", out->n_classes, OFFICIAL_CLASSES);
        pt_layout_compare(r.root, "training images", out->splits[0].n, OFFICIAL_TRAIN);
        pt_layout_compare(r.root, "test images", out->splits[1].n, OFFICIAL_TEST);
    }
    for (size_t i = 0; i < r.n; i++) free(r.entries[i].name);
    free(r.entries);
    free(inside);
    free(list);
    return s;
}
