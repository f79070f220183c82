#include "launch/layouts/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "launch/layouts/draw.h"

enum { IDENTITIES = 500, TRAIN = 80, TEST = 20 };

/* An identity and how many images it has. */
typedef struct {
    char *name;
    size_t images;
} identity;

typedef struct {
    const char *root;
    pt_layout *out;
    const pt_layout_options *o;
    pt_layout_faults faults;
    pt_left_out left_out;
    size_t wanted, train, test;
    identity *all;
    size_t n;
} reading;

static pt_status list_identity(reading *r, const char *name, pt_listing *files)
{
    char *folder = NULL;
    pt_status s = pt_layout_join(r->root, name, &folder);

    if (s == PT_OK)
        s = pt_list_folder(folder, PT_LIST_PICTURES, &r->faults, &r->left_out, files);
    free(folder);
    return s;
}

static pt_status count_all(reading *r)
{
    pt_listing folders = {0};
    pt_status s =
        pt_list_folder(r->root, PT_LIST_FOLDERS, &r->faults, &r->left_out, &folders);

    r->all = calloc(folders.n + 1, sizeof *r->all);
    if (!r->all) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    for (size_t i = 0; i < folders.n && s == PT_OK; i++) {
        pt_listing files = {0};

        s = list_identity(r, folders.names[i], &files);
        r->all[r->n] = (identity){strdup(folders.names[i]), files.n};
        pt_listing_fini(&files);
        if (s == PT_OK && !r->all[r->n].name)
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
        r->n += r->all[r->n].name != NULL;
    }
    pt_listing_fini(&folders);
    return s;
}

static int by_images(const void *pa, const void *pb)
{
    const identity *a = pa, *b = pb;

    if (a->images != b->images) return a->images > b->images ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int by_name(const void *pa, const void *pb)
{
    return strcmp(((const identity *)pa)->name, ((const identity *)pb)->name);
}

/* The identities with most images to the front, these in the order of their names. */
static pt_status choose(reading *r)
{
    size_t enough = 0;

    qsort(r->all, r->n, sizeof *r->all, by_images);
    while (enough < r->n && r->all[enough].images >= r->train + r->test) enough++;
    if (enough < r->wanted)
        return pt_fail(PT_ERR_DATA,
                       "%s: %zu of %zu identities have the %zu + %zu images needed per "
                       "identity; %zu such identities are required",
                       r->root, enough, r->n, r->train, r->test, r->wanted);
    qsort(r->all, r->wanted, sizeof *r->all, by_name);
    return PT_OK;
}

static pt_status add_identity(reading *r, int label)
{
    const char *name = r->all[label].name;
    pt_listing files = {0};
    pt_status s = pt_layout_add_class(r->out, name);

    if (s == PT_OK) s = list_identity(r, name, &files);
    if (s == PT_OK) s = pt_layout_draw(r->o, label, &files);
    for (size_t i = 0; i < r->train + r->test && i < files.n && s == PT_OK; i++) {
        const char *split = i < r->train ? "train" : "test";
        char *path = NULL;
        uint32_t number = UINT32_MAX;

        if (asprintf(&path, "%s/%s", name, files.names[i]) < 0)
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
        if (s == PT_OK)
            s = pt_layout_add_file(r->out, r->root, path, label, &r->faults, NULL, 0,
                                   &number);
        if (s == PT_OK && number != UINT32_MAX)
            s = pt_layout_split_add(pt_layout_split_named(r->out, split), number);
        free(path);
    }
    pt_listing_fini(&files);
    return s;
}

pt_status pt_layout_webface500(const char *root, const pt_layout_options *o,
                               pt_layout *out)
{
    reading r = {.root = root,
                 .out = out,
                 .o = o,
                 .faults = {PT_OK, 0},
                 .wanted = (size_t)(o->n_classes ? o->n_classes : IDENTITIES),
                 .train = (size_t)(o->train_per_class ? o->train_per_class : TRAIN),
                 .test = (size_t)(o->test_per_class ? o->test_per_class : TEST)};
    char text[PT_LEFT_OUT_TEXT];
    pt_status s = count_all(&r);

    if (s == PT_OK) s = choose(&r);
    pt_layout_split_named(out, "train");
    pt_layout_split_named(out, "test");
    for (size_t i = 0; i < r.wanted && s == PT_OK; i++) s = add_identity(&r, (int)i);
    if (s == PT_OK) s = pt_layout_faults_end(&r.faults);
    if (s == PT_OK && r.left_out.n > 0)
        pt_log_warn("%s: %zu entries are not pictures of an identity and were left out "
                    "(the first: %s)",
                    root, r.left_out.n, pt_left_out_text(&r.left_out, text));
    for (size_t i = 0; i < r.n; i++) free(r.all[i].name);
    free(r.all);
    pt_left_out_fini(&r.left_out);
    return s;
}
