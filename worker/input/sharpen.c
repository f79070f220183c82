#include "worker/input/sharpen.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/sizes.h"
#include "worker/input/blend.h"

/* To the nearest; halves do not occur, as 13 is odd. */
static int thirteenth(int sum)
{
    return (2 * sum + 13) / 26;
}

/* Row `now` of n bytes, between what its neighbours were; its ends stay. */
static void sharpen_row(const uint8_t *above, const uint8_t *was, const uint8_t *below,
                        size_t n, float factor, uint8_t *now)
{
    for (size_t i = 3; i + 3 < n; i++) {
        int sum = above[i - 3] + above[i] + above[i + 3] + was[i - 3] + 5 * was[i] +
                  was[i + 3] + below[i - 3] + below[i] + below[i + 3];

        now[i] = pt_blend(thirteenth(sum), was[i], factor);
    }
}

pt_status pt_sharpen(pt_image *im, float factor)
{
    size_t n = 3 * (size_t)im->width;
    uint8_t *rows = pt_calloc(2, n), *above = rows, *was = rows ? rows + n : NULL;

    if (!rows) return pt_fail(PT_ERR_NOMEM, "no memory for %d pixels", 2 * im->width);
    memcpy(above, im->pixels, n);
    for (int y = 1; y + 1 < im->height; y++) {
        uint8_t *now = im->pixels + (size_t)y * n, *free_row = above;

        memcpy(was, now, n);
        sharpen_row(above, was, now + n, n, factor, now);
        above = was;
        was = free_row;
    }
    free(rows);
    return PT_OK;
}
