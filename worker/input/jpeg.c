#include "worker/input/jpeg.h"

#include <stdlib.h>

void pt_image_fini(pt_image *im)
{
    free(im->pixels);
    *im = (pt_image){0};
}
