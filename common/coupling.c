#include "common/coupling.h"

pt_coupling pt_coupling_of(const pt_run *r)
{
    const Pt__Config__Regularizers *c = r->config->regularizers;
    pt_coupling k = {.confusion = c->confusion->weight > 0,
                     .shrinkage = c->bss->weight > 0,
                     .classes = r->graph->n_classes,
                     .dims = pt_run_rep_size(r),
                     .k = (int)c->bss->k};

    if (k.confusion) k.row += 1 + (size_t)k.classes;
    k.rep_at = k.row;
    if (k.shrinkage) k.row += (size_t)k.dims;
    return k;
}

size_t pt_terms_doubles(const pt_run *r, int n_images)
{
    pt_coupling k = pt_coupling_of(r);
    size_t n = (size_t)n_images, doubles = 0;

    if (k.confusion) doubles += n * (1 + (size_t)k.classes);
    if (k.shrinkage) doubles += (size_t)k.k * (n + (size_t)k.dims);
    return n > 0 ? doubles : 0;
}

int pt_coupling_partner(int b, int i)
{
    int half = b / 2;

    if (i >= 2 * half) return -1;
    return i < half ? i + half : i - half;
}
