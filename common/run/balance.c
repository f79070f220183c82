#include "common/run/balance.h"

#include <stdlib.h>

#include "common/base/rng.h"

struct pt_balance {
    size_t n, n_classes; /* places; classes that have any */
    uint32_t *places;    /* [n]: by class, in their order */
    size_t *begin;       /* [n_classes + 1]: of each class in `places` */
    uint32_t *drawn;     /* [n]: a permutation of one class */
    uint32_t *slots;     /* [n]: a permutation of the epoch */
};

void pt_balance_destroy(pt_balance **b)
{
    if (!b || !*b) return;
    free((*b)->places);
    free((*b)->begin);
    free((*b)->drawn);
    free((*b)->slots);
    free(*b);
    *b = NULL;
}

/* Places by class. */
static void sort(pt_balance *b, const int32_t *labels, int n_classes)
{
    size_t at = 0;

    for (int c = 0; c < n_classes; c++) {
        size_t first = at;

        for (size_t i = 0; i < b->n; i++)
            if (labels[i] == c) b->places[at++] = (uint32_t)i;
        if (at > first) b->begin[++b->n_classes] = at;
    }
}

pt_status pt_balance_create(const int32_t *labels, size_t n, int n_classes,
                            pt_balance **out)
{
    pt_balance *b = pt_calloc(1, sizeof *b);

    *out = NULL;
    if (b) {
        b->n = n;
        b->places = pt_calloc(n, sizeof *b->places);
        b->begin = pt_calloc((size_t)n_classes + 1, sizeof *b->begin);
        b->drawn = pt_calloc(n, sizeof *b->drawn);
        b->slots = pt_calloc(n, sizeof *b->slots);
    }
    if (!b || !b->places || !b->begin || !b->drawn || !b->slots) {
        pt_balance_destroy(&b);
        return pt_fail(PT_ERR_NOMEM, "no memory to balance %zu images", n);
    }
    sort(b, labels, n_classes);
    *out = b;
    return PT_OK;
}

/* Streams (seed, PT_RNG_ORDER, epoch, k): the plan has k = 0 and 1, the epoch's slots 2,
 * pass p over class c the number below. */
static uint64_t stream_of(size_t c, size_t pass)
{
    return ((uint64_t)(pass + 1) << 32) + c;
}

/* The images of class c for the slots c', c' + C, ... of the epoch. */
static void draw_class(pt_balance *b, uint64_t seed, uint64_t epoch, size_t c,
                       size_t first, uint32_t *order)
{
    const uint32_t *places = b->places + b->begin[c];
    size_t of_class = b->begin[c + 1] - b->begin[c], k = 0;

    for (size_t slot = first; slot < b->n; slot += b->n_classes, k++) {
        if (k % of_class == 0) {
            pt_rng r =
                pt_rng_stream(seed, PT_RNG_ORDER, epoch, stream_of(c, k / of_class));

            pt_rng_permutation(&r, b->drawn, of_class);
        }
        order[b->slots[slot]] = places[b->drawn[k % of_class]];
    }
}

void pt_balance_order(pt_balance *b, uint64_t seed, uint64_t epoch, uint32_t *order)
{
    pt_rng r = pt_rng_stream(seed, PT_RNG_ORDER, epoch, 2);
    size_t more = b->n % b->n_classes; /* classes with one more */
    size_t turn = (size_t)(epoch % b->n_classes) * more % b->n_classes;

    pt_rng_permutation(&r, b->slots, b->n);
    for (size_t c = 0; c < b->n_classes; c++)
        draw_class(b, seed, epoch, c, (c + b->n_classes - turn) % b->n_classes, order);
}
