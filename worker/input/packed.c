#include "worker/input/packed.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/input/picture.h"

void pt_packed_file_fini(pt_packed_file *f)
{
    free(f->bytes);
    *f = (pt_packed_file){0};
}

static pt_status read_file(const pt_dataset *d, size_t image, pt_packed_file *f)
{
    size_t bytes = pt_dataset_bytes(d, image);

    if (bytes > f->held) {
        uint8_t *more = realloc(f->bytes, bytes);

        if (!more)
            return pt_fail(PT_ERR_NOMEM, "no memory for a file of %zu bytes", bytes);
        f->bytes = more;
        f->held = bytes;
    }
    return pt_dataset_read(d, image, f->bytes);
}

pt_status pt_packed_blame(const pt_dataset *d, size_t image, pt_status s)
{
    char why[512];

    snprintf(why, sizeof why, "%s", pt_fail_text());
    return pt_fail(s, "image %zu (%s): %s", image, pt_dataset_name(d, image), why);
}

pt_status pt_packed_decode(const pt_dataset *d, size_t image, pt_packed_file *file,
                           pt_image *out)
{
    pt_packed_file own = {0}, *f = file ? file : &own;
    pt_status s = read_file(d, image, f);

    *out = (pt_image){0};
    if (s == PT_OK) {
        s = pt_picture_decode(f->bytes, pt_dataset_bytes(d, image), out, NULL);
        if (s != PT_OK) s = pt_packed_blame(d, image, s);
    }
    pt_packed_file_fini(&own);
    return s;
}
