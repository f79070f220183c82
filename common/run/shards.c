#include "common/run/shards.h"

#include <stdint.h>

#include "common/base/status.h"

int pt_shard_begin(int s, int n_shards, int b)
{
    return (int)((int64_t)s * b / n_shards);
}

int pt_shard_size(const pt_span *p, int s)
{
    return pt_node_size(p, 0, s);
}

int pt_node_size(const pt_span *p, int level, int index)
{
    return pt_shard_begin((index + 1) << level, p->n_shards, p->b) -
           pt_shard_begin(index << level, p->n_shards, p->b);
}

int pt_span_first(const pt_span *p)
{
    return pt_shard_begin(p->lo, p->n_shards, p->b);
}

int pt_span_images(const pt_span *p)
{
    return pt_shard_begin(p->hi, p->n_shards, p->b) - pt_span_first(p);
}

void pt_shard_images(const pt_span *p, int s, size_t *begin, size_t *end)
{
    int first = pt_span_first(p);

    *begin = (size_t)(pt_shard_begin(s, p->n_shards, p->b) - first);
    *end = (size_t)(pt_shard_begin(s + 1, p->n_shards, p->b) - first);
}

void pt_worker_shards(int worker, int n_workers, int n_shards, int *lo, int *hi)
{
    *lo = (int)((int64_t)worker * n_shards / n_workers);
    *hi = (int)((int64_t)(worker + 1) * n_shards / n_workers);
}

int pt_tree_cover(int lo, int hi, int n_shards, pt_subtree out[PT_MAX_COVER])
{
    int n = 0;

    PT_CHECK(lo >= 0 && hi <= n_shards && n_shards <= PT_MAX_SHARDS,
             "shards %d to %d of %d, at most %d are supported", lo, hi, n_shards,
             PT_MAX_SHARDS);
    while (lo < hi) {
        int level = 0;

        while (lo % (2 << level) == 0 && lo + (2 << level) <= hi) level++;
        out[n++] = (pt_subtree){.level = level, .index = lo >> level};
        lo += 1 << level;
    }
    return n;
}

/* What is left of the parts, in the order of the tree. */
typedef struct {
    const pt_subtree *parts;
    void *const *values;
    int n_parts, next;
    pt_tree_add add;
    void *context;
} finish;

/* The value of node (level, index), from the parts that it covers. */
static void *node(finish *f, int level, int index)
{
    const pt_subtree *p;
    void *left, *right;

    PT_CHECK(level >= 0 && f->next < f->n_parts, "part %d of %d does not tile the tree",
             f->next, f->n_parts);
    p = &f->parts[f->next];
    if (p->level == level && p->index == index) return f->values[f->next++];
    left = node(f, level - 1, 2 * index);
    right = node(f, level - 1, 2 * index + 1);
    if (!left) return right;
    if (right) f->add(f->context, left, right);
    return left;
}

int pt_tree_merge(int lo, int hi, int n_shards, const pt_subtree *parts,
                  void *const *values, int n_parts, pt_tree_add add, void *context,
                  void *out[PT_MAX_COVER])
{
    finish f = {.parts = parts,
                .values = values,
                .n_parts = n_parts,
                .add = add,
                .context = context};
    pt_subtree cover[PT_MAX_COVER];
    int n = pt_tree_cover(lo, hi, n_shards, cover);

    for (int i = 0; i < n; i++) out[i] = node(&f, cover[i].level, cover[i].index);
    PT_CHECK(f.next == n_parts, "%d of %d parts tile the tree", f.next, n_parts);
    return n;
}

void *pt_tree_finish(int n_shards, const pt_subtree *parts, void *const *values,
                     int n_parts, pt_tree_add add, void *context)
{
    void *all[PT_MAX_COVER];

    pt_tree_merge(0, n_shards, n_shards, parts, values, n_parts, add, context, all);
    return all[0];
}
