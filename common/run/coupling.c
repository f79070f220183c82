#include "common/run/coupling.h"

pt_coupling pt_coupling_of(const pt_run *r)
{
    const Pt__Config__Regularizers *c = r->config->regularizers;
    pt_coupling k = {.confusion = c->confusion->weight > 0,
                     .shrinkage = c->bss->weight > 0,
                     .adarand = c->adarand->weight > 0,
                     .classes = r->graph->n_classes,
                     .dims = pt_run_rep_size(r),
                     .k = (int)c->bss->k};

    if (k.confusion || k.adarand) k.row += 1;
    if (k.confusion) k.row += (size_t)k.classes;
    k.rep_at = k.row;
    if (k.shrinkage || k.adarand) k.row += (size_t)k.dims;
    return k;
}

pt_terms pt_terms_layout(const pt_coupling *k, int n_images)
{
    size_t n = (size_t)n_images, dims = (size_t)k->dims;
    pt_terms t = {0};

    if (k->confusion) t.adarand = n * (1 + (size_t)k->classes);
    t.shrinkage = t.adarand + (k->adarand ? n * dims : 0);
    t.total = t.shrinkage + (k->shrinkage ? (size_t)k->k * (n + dims) : 0);
    if (n == 0) t.total = 0;
    return t;
}

size_t pt_terms_doubles(const pt_run *r, int n_images)
{
    pt_coupling k = pt_coupling_of(r);

    return pt_terms_layout(&k, n_images).total;
}

int pt_coupling_partner(int b, int i)
{
    int half = b / 2;

    if (i >= 2 * half) return -1;
    return i < half ? i + half : i - half;
}
