#include "worker/input/erase.h"

#include <math.h> /* sqrt, rint: exact everywhere */
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "common/base/sizes.h"

enum { TRIES = 10 };
enum { AT_ALL = 0, AT_Y = 1, AT_X = 2, AT_TRY = 3 }; /* elements of the stream */

typedef struct {
    int y, x, height, width;
} rectangle;

/* RandomErasing.get_params; false: no try fits. */
static bool draw(const pt_erasing *e, const pt_rng *r, int side, rectangle *out)
{
    double low = pt_log(e->min_aspect), high = pt_log(e->max_aspect);
    double all = (double)side * side;

    for (uint64_t t = 0; t < TRIES; t++) {
        double u = pt_rng_uniform_f64(r, AT_TRY + 2 * t);
        double v = pt_rng_uniform_f64(r, AT_TRY + 2 * t + 1);
        double area = all * (e->min_area + u * ((double)e->max_area - e->min_area));
        double aspect = pt_exp(low + v * (high - low));
        double height = rint(sqrt(area * aspect)), width = rint(sqrt(area / aspect));

        if (height >= side || width >= side) continue;
        *out = (rectangle){.height = (int)height, .width = (int)width};
        out->y = (int)pt_rng_below(r, AT_Y, (uint64_t)(side - out->height + 1));
        out->x = (int)pt_rng_below(r, AT_X, (uint64_t)(side - out->width + 1));
        return true;
    }
    return false;
}

/* rows: what the rectangle gets, row by row, or NULL: the value. */
static void fill(const pt_erasing *e, const rectangle *w, const float *rows, int side,
                 float *view)
{
    size_t n = 3 * (size_t)w->width;

    for (int i = 0; i < w->height; i++) {
        float *out = view + 3 * ((size_t)(w->y + i) * (size_t)side + (size_t)w->x);

        if (rows) memcpy(out, rows + (size_t)i * n, n * sizeof *out);
        for (size_t j = 0; j < n && !rows; j++) out[j] = e->value;
    }
}

pt_status pt_erase(const pt_erasing *e, const pt_rng *place, const pt_rng *noise,
                   int side, float *view)
{
    float *rows = NULL;
    rectangle w;
    size_t n;

    if (!(pt_rng_uniform_f64(place, AT_ALL) < e->probability)) return PT_OK;
    if (!draw(e, place, side, &w)) return PT_OK;
    n = pt_mul(3 * (size_t)w.height, (size_t)w.width);
    if (e->noise && n > 0) {
        rows = pt_calloc(n, sizeof *rows);
        if (!rows) return pt_fail(PT_ERR_NOMEM, "no memory for an erased rectangle");
        pt_rng_fill_normal(noise, rows, n);
    }
    fill(e, &w, rows, side, view);
    free(rows);
    return PT_OK;
}
