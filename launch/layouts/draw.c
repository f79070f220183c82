#include "launch/layouts/draw.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"

pt_status pt_layout_draw(const pt_layout_options *options, int label, pt_listing *names)
{
    pt_rng r = pt_rng_stream(options->draw_seed, PT_RNG_SPLIT, (uint64_t)label, 0);
    uint32_t *order;
    char **drawn;

    if (!options->draw || names->n < 2) return PT_OK;
    order = malloc(names->n * sizeof *order);
    drawn = malloc(names->capacity * sizeof *drawn);
    if (!order || !drawn) {
        free(order);
        free(drawn);
        return pt_fail(PT_ERR_NOMEM, "no memory to draw from %zu images", names->n);
    }
    pt_rng_permutation(&r, order, names->n);
    for (size_t i = 0; i < names->n; i++) drawn[i] = names->names[order[i]];
    free(names->names);
    names->names = drawn;
    free(order);
    return PT_OK;
}
