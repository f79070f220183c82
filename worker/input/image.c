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

void pt_image_fini(pt_image *im)
{
    free(im->pixels);
    *im = (pt_image){0};
}
