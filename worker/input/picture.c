#include "worker/input/picture.h"

#include "worker/input/bmp.h"
#include "worker/input/gif.h"
#include "worker/input/jpeg.h"
#include "worker/input/magic.h"
#include "worker/input/png.h"
#include "worker/input/tiff.h"
#include "worker/input/webp.h"

static pt_decoder *const decoders[PT_PICTURE_FORMATS] = {
    [PT_PICTURE_JPEG] = pt_jpeg_decode, [PT_PICTURE_PNG] = pt_png_decode,
    [PT_PICTURE_WEBP] = pt_webp_decode, [PT_PICTURE_GIF] = pt_gif_decode,
    [PT_PICTURE_BMP] = pt_bmp_decode,   [PT_PICTURE_TIFF] = pt_tiff_decode,
};

/* A file that none of them reads. */
static pt_status refuse(const void *file, size_t bytes, bool size_only, pt_image *out,
                        char *warning)
{
    return pt_magic_refuse("a JPEG, PNG, WebP, GIF, BMP or TIFF", file, bytes);
}

static pt_decoder *decoder_of(const void *file, size_t bytes)
{
    pt_decoder *d = decoders[pt_magic_format(file, bytes)];

    return d ? d : refuse;
}

pt_status pt_picture_decode(const void *file, size_t bytes, pt_image *out, char *warnings)
{
    return pt_decoder_run(decoder_of(file, bytes), file, bytes, false, out, warnings);
}

pt_status pt_picture_size(const void *file, size_t bytes, int *height, int *width)
{
    pt_image im;
    pt_status s = pt_decoder_run(decoder_of(file, bytes), file, bytes, true, &im, NULL);

    *height = im.height;
    *width = im.width;
    return s;
}
