#include "launch/layouts/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "launch/layouts/list_text.h"
#include "launch/layouts/listing.h"

enum { N_LISTS = 2, OFFICIAL_CLASSES = 67 };

static const struct {
    const char *file, *split, *what;
    size_t official;
} lists[N_LISTS] = {{"TrainImages.txt", "train", "training images", 5360},
                    {"TestImages.txt", "test", "test images", 1340}};

/* One line: where it was, what it names. */
typedef struct {
    char *name; /* "class/file" */
    size_t line;
} line;

typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    line *lines[N_LISTS];
    size_t n[N_LISTS], room;
    pt_listing classes;
    char *files[N_LISTS]; /* paths of the lists */
} reading;

static pt_status add_line(reading *r, int k, const char *name, size_t number)
{
    line *more = r->lines[k];

    if (r->n[k] == 0 || (r->n[k] & (r->n[k] - 1)) == 0) /* at powers of two */
        more = realloc(more, (r->n[k] ? 2 * r->n[k] : 1) * sizeof *more);
    if (!more) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    r->lines[k] = more;
    more[r->n[k]] = (line){strdup(name), number};
    if (!more[r->n[k]].name) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    r->n[k]++;
    return PT_OK;
}

/* Lines `class/file`; names may hold blanks. */
static pt_status read_list(reading *r, int k)
{
    pt_list_text l = {0};
    char *text;
    pt_status s = pt_layout_join(r->root, lists[k].file, &r->files[k]);

    if (s == PT_OK) s = pt_list_text_open(&l, r->files[k]);
    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        char *slash = strchr(text, '/');

        if (text[0] == '\0') continue;
        if (!slash || slash == text || !slash[1]) {
            pt_layout_fault(&r->faults, "%s:%zu: error: '%.200s' is not `class/file`",
                            r->files[k], l.line, text);
            continue;
        }
        s = add_line(r, k, text, l.line);
        *slash = '\0';
        if (s == PT_OK) s = pt_listing_add(&r->classes, text);
    }
    pt_list_text_close(&l);
    return s;
}

/* Sorts the classes, each once. */
static pt_status sort_classes(reading *r)
{
    pt_listing *c = &r->classes;
    size_t kept = 0;
    pt_status s = PT_OK;

    pt_listing_sort(c);
    for (size_t i = 0; i < c->n; i++)
        if (kept > 0 && strcmp(c->names[kept - 1], c->names[i]) == 0)
            free(c->names[i]);
        else
            c->names[kept++] = c->names[i];
    c->n = kept;
    for (size_t i = 0; i < kept && s == PT_OK; i++)
        s = pt_layout_add_class(r->out, c->names[i]);
    return s;
}

static pt_status add_image(reading *r, int k, const line *l, const char *images)
{
    pt_layout_split *split = pt_layout_split_named(r->out, lists[k].split);
    char class[256];
    uint32_t number;
    pt_status s;

    snprintf(class, sizeof class, "%.*s", (int)strcspn(l->name, "/"), l->name);
    s = pt_layout_add_file(r->out, images, l->name,
                           (int)pt_listing_find(&r->classes, class), &r->faults,
                           r->files[k], l->line, &number);
    if (s != PT_OK || number == UINT32_MAX) return s;
    return pt_layout_split_add(split, number);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(line *const *)a)->name, (*(line *const *)b)->name);
}

/* No image may be listed twice, in one list or in both. */
static pt_status check_twice(reading *r)
{
    size_t n = r->n[0] + r->n[1];
    line **all = malloc((n + 1) * sizeof *all);

    if (!all) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    for (size_t i = 0; i < n; i++)
        all[i] = i < r->n[0] ? &r->lines[0][i] : &r->lines[1][i - r->n[0]];
    qsort(all, n, sizeof *all, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(all[i - 1]->name, all[i]->name) == 0)
            pt_layout_fault(&r->faults, "%s: %s is listed twice", r->root, all[i]->name);
    free(all);
    return PT_OK;
}

static pt_status read_all(reading *r)
{
    char *images = NULL;
    pt_status s = pt_layout_join(r->root, "Images", &images);

    for (int k = 0; k < N_LISTS && s == PT_OK; k++) s = read_list(r, k);
    if (s == PT_OK) s = sort_classes(r);
    if (s == PT_OK) s = check_twice(r);
    for (int k = 0; k < N_LISTS && s == PT_OK; k++) {
        if (!pt_layout_split_named(r->out, lists[k].split)) continue;
        for (size_t i = 0; i < r->n[k] && s == PT_OK; i++)
            s = add_image(r, k, &r->lines[k][i], images);
    }
    free(images);
    return s == PT_OK ? pt_layout_faults_end(&r->faults) : s;
}

pt_status pt_layout_mit67(const char *root, const pt_layout_options *o, pt_layout *out)
{
    reading r = {.root = root, .out = out, .faults = {PT_OK, 0}};
    pt_status s = read_all(&r);

    if (s == PT_OK) {
        pt_layout_compare(root, "classes", out->n_classes, OFFICIAL_CLASSES);
        for (int k = 0; k < N_LISTS; k++)
            pt_layout_compare(root, lists[k].what, r.n[k], lists[k].official);
    }
    for (int k = 0; k < N_LISTS; k++) {
        for (size_t i = 0; i < r.n[k]; i++) free(r.lines[k][i].name);
        free(r.lines[k]);
        free(r.files[k]);
    }
    pt_listing_fini(&r.classes);
    return s;
}
