#include "launch/layouts/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/layouts/list_text.h"
#include "launch/layouts/listing.h"

enum { N_LISTS = 2, OFFICIAL_CLASSES = 40 };

static const struct {
    const char *split, *what;
    size_t official;
} lists[N_LISTS] = {{"train", "training images", 4000}, {"test", "test images", 5532}};

typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    pt_listing classes, listed[N_LISTS]; /* listed: sorted names of train.txt, test.txt */
    size_t n_missing;                    /* lists of one action that are not there */
} reading;

static char *path_of(const reading *r, const char *fmt, const char *a, const char *b)
{
    char name[512], *path = NULL;

    snprintf(name, sizeof name, fmt, a, b);
    return pt_layout_join(r->root, name, &path) == PT_OK ? path : NULL;
}

/* actions.txt: a header, then `action number`. */
static pt_status read_actions(reading *r)
{
    char *path = path_of(r, "ImageSplits/%s%s", "actions", ".txt"), *text;
    pt_list_text l = {0};
    pt_status s = path ? pt_list_text_open(&l, path)
                       : pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);

    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        if (l.line == 1 || text[0] == '\0') continue;
        pt_list_text_cut(text);
        s = pt_listing_add(&r->classes, text);
    }
    pt_list_text_close(&l);
    free(path);
    pt_listing_sort(&r->classes);
    for (size_t i = 0; i < r->classes.n && s == PT_OK; i++) {
        if (i > 0 && strcmp(r->classes.names[i - 1], r->classes.names[i]) == 0)
            pt_layout_fault(&r->faults, "%s: action '%s' is listed twice", r->root,
                            r->classes.names[i]);
        s = pt_layout_add_class(r->out, r->classes.names[i]);
    }
    return s;
}

/* The label of `action_NNN.jpg`: the part before the last underscore; -1: no class. */
static int label_of(const reading *r, const char *name)
{
    const char *end = strrchr(name, '_');
    char action[256];

    if (!end) return -1;
    snprintf(action, sizeof action, "%.*s", (int)(end - name), name);
    return (int)pt_listing_find(&r->classes, action);
}

static pt_status read_split(reading *r, int k)
{
    pt_layout_split *split = pt_layout_split_named(r->out, lists[k].split);
    char *path = path_of(r, "ImageSplits/%s%s", lists[k].split, ".txt");
    char *images = path_of(r, "%s%s", "JPEGImages", ""), *text;
    pt_list_text l = {0};
    pt_status s = path && images ? pt_list_text_open(&l, path)
                                 : pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);

    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        int label = label_of(r, text);
        uint32_t number;

        if (text[0] == '\0') continue;
        if (label < 0) {
            pt_layout_fault(
                &r->faults,
                "%s:%zu: error: '%.200s' does not begin with an action of actions.txt",
                path, l.line, text);
            continue;
        }
        s = pt_listing_add(&r->listed[k], text);
        if (s == PT_OK)
            s = pt_layout_add_file(r->out, images, text, label, &r->faults, path, l.line,
                                   &number);
        if (s == PT_OK && number != UINT32_MAX) s = pt_layout_split_add(split, number);
    }
    pt_list_text_close(&l);
    free(path);
    free(images);
    pt_listing_sort(&r->listed[k]);
    return s;
}

/* An image may be listed once. */
static void check_twice(reading *r)
{
    for (int k = 0; k < N_LISTS; k++)
        for (size_t i = 0; i < r->listed[k].n; i++) {
            const char *name = r->listed[k].names[i];

            if (i > 0 && strcmp(r->listed[k].names[i - 1], name) == 0)
                pt_layout_fault(&r->faults, "%s: %s is listed twice in %s.txt", r->root,
                                name, lists[k].split);
            if (k == 0 && pt_listing_find(&r->listed[1], name) >= 0)
                pt_layout_fault(&r->faults, "%s: %s is in both train.txt and test.txt",
                                r->root, name);
        }
}

/* The list of one action must name what the list of all names. */
static pt_status compare_action(reading *r, int k, int label)
{
    char end[32], *path, *text;
    size_t n = 0, expected = 0;
    pt_list_text l = {0};
    pt_status s;

    snprintf(end, sizeof end, "_%s.txt", lists[k].split);
    path = path_of(r, "ImageSplits/%s%s", r->classes.names[label], end);
    if (!path) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    if (access(path, F_OK) != 0) {
        r->n_missing++;
        free(path);
        return PT_OK;
    }
    s = pt_list_text_open(&l, path);
    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        if (text[0] == '\0') continue;
        n++;
        if (label_of(r, text) != label || pt_listing_find(&r->listed[k], text) < 0)
            pt_layout_fault(&r->faults, "%s:%zu: error: %.200s is not in %s.txt", path,
                            l.line, text, lists[k].split);
    }
    pt_list_text_close(&l);
    for (size_t i = 0; i < r->listed[k].n; i++)
        expected += label_of(r, r->listed[k].names[i]) == label;
    if (s == PT_OK && n != expected)
        pt_layout_fault(&r->faults,
                        "%s: names %zu images, but %s.txt has %zu of this action", path,
                        n, lists[k].split, expected);
    free(path);
    return s;
}

static pt_status read_all(reading *r)
{
    pt_status s = read_actions(r);

    for (int k = 0; k < N_LISTS && s == PT_OK; k++) s = read_split(r, k);
    if (s == PT_OK) check_twice(r);
    for (int k = 0; k < N_LISTS; k++)
        for (size_t i = 0; i < r->classes.n && s == PT_OK; i++)
            s = compare_action(r, k, (int)i);
    return s == PT_OK ? pt_layout_faults_end(&r->faults) : s;
}

pt_status pt_layout_stanford40(const char *root, const pt_layout_options *o,
                               pt_layout *out)
{
    reading r = {.root = root, .out = out, .faults = {PT_OK, 0}};
    pt_status s = read_all(&r);

    if (s == PT_OK) {
        pt_layout_compare(root, "classes", out->n_classes, OFFICIAL_CLASSES);
        for (int k = 0; k < N_LISTS; k++)
            pt_layout_compare(root, lists[k].what, out->splits[k].n, lists[k].official);
        if (r.n_missing > 0)
            pt_log_warn("%s: %zu of the %zu lists of one action are missing", root,
                        r.n_missing, N_LISTS * r.classes.n);
    }
    pt_listing_fini(&r.classes);
    for (int k = 0; k < N_LISTS; k++) pt_listing_fini(&r.listed[k]);
    return s;
}
