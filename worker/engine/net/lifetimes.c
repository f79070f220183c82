#include "worker/engine/net/lifetimes.h"

#include <stdlib.h>

#include "common/base/sizes.h"

static int by_first(const void *a, const void *b)
{
    const pt_lifetime *x = a, *y = b;

    return x->first != y->first ? x->first - y->first : x->root - y->root;
}

size_t pt_lifetimes_place(pt_lifetime *l, size_t n, pt_lifetime **placed)
{
    size_t end = 0;

    qsort(l, n, sizeof *l, by_first);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0, k = 0;

        for (; k < i; k++) { /* placed[0..i-1] by rising place */
            const pt_lifetime *o = placed[k];

            if (o->last < l[i].first || o->first > l[i].last) continue;
            if (o->at >= pt_add_sizes(at, l[i].size)) break;
            if (at < pt_add_sizes(o->at, o->size)) at = pt_add_sizes(o->at, o->size);
        }
        l[i].at = at;
        for (k = i; k > 0 && placed[k - 1]->at > at; k--) placed[k] = placed[k - 1];
        placed[k] = &l[i];
        if (end < pt_add_sizes(at, l[i].size)) end = pt_add_sizes(at, l[i].size);
    }
    return end;
}

void pt_lifetime_add(pt_lifetime *l, int root, int first, int last, size_t size)
{
    pt_lifetime *b = &l[root];

    if (b->size == 0) *b = (pt_lifetime){first, last, root, size, 0};
    if (first < b->first) b->first = first;
    if (last > b->last) b->last = last;
}

size_t pt_lifetimes_compact(pt_lifetime *l, int n)
{
    size_t k = 0;

    for (int i = 0; i < n; i++)
        if (l[i].size > 0) l[k++] = l[i];
    return k;
}
