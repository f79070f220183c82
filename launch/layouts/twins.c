#include "launch/layouts/twins.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

enum { SHOWN = 3 }; /* pairs of a line */

typedef struct {
    const char *digest;
    uint32_t image, group; /* group: the first image with this digest */
    unsigned splits;       /* bit k: in split k */
} entry;

/* Twins of one kind. */
typedef struct {
    size_t n; /* images that have a twin */
    int shown;
    char pairs[1024];
} tally;

static void add_pair(tally *t, const pt_layout *l, const entry *a, const entry *b)
{
    size_t used = strlen(t->pairs);

    if (t->shown++ >= SHOWN) return;
    snprintf(t->pairs + used, sizeof t->pairs - used, "%s%s = %s", used ? ", " : "",
             l->images[a->image].name, l->images[b->image].name);
}

static int by_digest(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->digest, y->digest);

    return order ? order : (x->image > y->image) - (x->image < y->image);
}

static int by_group(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = (x->group > y->group) - (x->group < y->group);

    return order ? order : (x->image > y->image) - (x->image < y->image);
}

/* The first of group [n] that is in split a and not in b; NULL: none. */
static const entry *only_in(const entry *group, size_t n, int a, int b)
{
    for (size_t i = 0; i < n; i++)
        if (group[i].splits >> a & 1 && !(group[i].splits >> b & 1)) return &group[i];
    return NULL;
}

/* Images of split b that have a twin in split a. */
static void count_splits(const pt_layout *l, const entry *group, size_t n, int a, int b,
                         tally *t)
{
    const entry *twin = only_in(group, n, a, b);

    for (size_t i = 0; twin && i < n; i++)
        if (only_in(&group[i], 1, b, a)) {
            t->n++;
            add_pair(t, l, twin, &group[i]);
        }
}

static void count_classes(const pt_layout *l, const entry *group, size_t n, tally *t)
{
    int label = l->images[group[0].image].label;

    for (size_t i = 1; i < n; i++)
        if (l->images[group[i].image].label != label) {
            t->n++;
            add_pair(t, l, &group[0], &group[i]);
        }
}

/* Runs through the groups of equal files; split a < 0: classes. */
static tally count(const pt_layout *l, const entry *e, size_t n, int a, int b)
{
    tally t = {0};

    for (size_t i = 0, m; i < n; i += m) {
        for (m = 1; i + m < n && e[i + m].group == e[i].group;) m++;
        if (m > 1 && a < 0)
            count_classes(l, &e[i], m, &t);
        else if (m > 1)
            count_splits(l, &e[i], m, a, b, &t);
    }
    return t;
}

/* The good images, equal ones together. */
static size_t fill(const pt_layout *l, const pt_checked *checked, entry *e)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n_images; i++)
        e[i] = (entry){checked[i].digest, (uint32_t)i, (uint32_t)i, 0};
    for (int k = 0; k < l->n_splits; k++)
        for (size_t i = 0; i < l->splits[k].n; i++)
            e[l->splits[k].images[i]].splits |= 1u << k;
    for (size_t i = 0; i < l->n_images; i++)
        if (checked[i].status == PT_OK) e[n++] = e[i];
    qsort(e, n, sizeof *e, by_digest);
    for (size_t i = 1; i < n; i++)
        if (strcmp(e[i].digest, e[i - 1].digest) == 0) e[i].group = e[i - 1].group;
    qsort(e, n, sizeof *e, by_group); /* pairs are shown in the order of the images */
    return n;
}

/* Flower102's: its twins are reported for train and for val. */
static bool is_union(const pt_layout_split *s)
{
    return strcmp(s->name, "trainval") == 0;
}

pt_status pt_twins_report(const char *root, const pt_layout *l, const pt_checked *checked)
{
    entry *e = calloc(l->n_images + 1, sizeof *e);
    size_t n;
    tally t;

    if (!e) return pt_fail(PT_ERR_NOMEM, "%s: no memory to look for equal files", root);
    n = fill(l, checked, e);
    for (int a = 0; a < l->n_splits; a++)
        for (int b = a + 1; b < l->n_splits; b++) {
            if (is_union(&l->splits[a]) || is_union(&l->splits[b])) continue;
            t = count(l, e, n, a, b);
            if (t.n > 0)
                pt_log_warn("%s: %zu image%s of split %s %s the same file as one of "
                            "split %s (%s%s)",
                            root, t.n, t.n > 1 ? "s" : "", l->splits[b].name,
                            t.n > 1 ? "are" : "is", l->splits[a].name, t.pairs,
                            t.n > SHOWN ? ", ..." : "");
        }
    t = count(l, e, n, -1, -1);
    if (t.n > 0)
        pt_log_warn("%s: %zu image%s under two classes as the same file (%s%s)", root,
                    t.n, t.n > 1 ? "s are" : " is", t.pairs, t.n > SHOWN ? ", ..." : "");
    free(e);
    return PT_OK;
}
