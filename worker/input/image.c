#include "worker/input/image.h"

#include <stdlib.h>

pt_status pt_image_check(int64_t height, int64_t width)
{
    if (height < 1 || width < 1)
        return pt_fail(PT_ERR_DATA, "%lld x %lld pixels: there is no picture",
                       (long long)width, (long long)height);
    if (height > PT_IMAGE_MAX_PIXELS / width)
        return pt_fail(PT_ERR_DATA, "%lld x %lld pixels, above the limit of %d pixels",
                       (long long)width, (long long)height, PT_IMAGE_MAX_PIXELS);
    return PT_OK;
}

pt_status pt_image_create(int64_t height, int64_t width, pt_image *im)
{
    pt_status s = pt_image_check(height, width);

    *im = (pt_image){0};
    if (s != PT_OK) return s;
    im->pixels = malloc((size_t)height * (size_t)width * 3);
    if (!im->pixels) return pt_fail(PT_ERR_NOMEM, "no memory for the pixels");
    im->height = (int)height;
    im->width = (int)width;
    return PT_OK;
}

void pt_image_fini(pt_image *im)
{
    free(im->pixels);
    *im = (pt_image){0};
}
