#include "worker/input/thumbnail.h"

#include <stdlib.h>

#include "worker/input/jpeg.h"
#include "worker/input/packed.h"
#include "worker/input/resize.h"

static int scaled(int length, int longer, int side)
{
    int to = longer > side ? length * side / longer : length;

    return to > 0 ? to : 1;
}

pt_status pt_thumbnail_create(const pt_dataset *d, size_t image, int side, int quality,
                              pt_thumbnail *out)
{
    pt_image im, small = {0};
    pt_status s = pt_packed_decode(d, image, NULL, &im);
    int longer = im.height > im.width ? im.height : im.width;

    *out = (pt_thumbnail){0};
    if (s == PT_OK)
        s = pt_resize_bilinear(&im, NULL, scaled(im.height, longer, side),
                               scaled(im.width, longer, side), &small);
    if (s == PT_OK) s = pt_jpeg_encode(&small, quality, &out->file, &out->bytes);
    out->height = small.height;
    out->width = small.width;
    pt_image_fini(&small);
    pt_image_fini(&im);
    return s;
}

void pt_thumbnail_fini(pt_thumbnail *t)
{
    free(t->file);
    *t = (pt_thumbnail){0};
}
