#include "worker/input/packed.h"

#include <stdio.h>
#include <stdlib.h>

pt_status pt_packed_decode(const pt_dataset *d, size_t image, pt_image *out)
{
    size_t n = pt_dataset_bytes(d, image);
    void *bytes = malloc(n + 1);
    char why[512];
    pt_status s = bytes ? pt_dataset_read(d, image, bytes)
                        : pt_fail(PT_ERR_NOMEM, "no memory for an image");

    *out = (pt_image){0};
    if (s == PT_OK && (s = pt_jpeg_decode(bytes, n, out, NULL)) != PT_OK) {
        snprintf(why, sizeof why, "%s", pt_fail_text());
        s = pt_fail(s, "image '%s': %s", pt_dataset_name(d, image), why);
    }
    free(bytes);
    return s;
}
