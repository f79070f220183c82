#include "worker/input/picture.h"

#include "worker/input/bmp.h"
#include "worker/input/gif.h"
#include "worker/input/jpeg.h"
#include "worker/input/magic.h"
#include "worker/input/png.h"
#include "worker/input/tiff.h"
#include "worker/input/webp.h"

typedef struct {
    pt_status (*decode)(const void *file, size_t bytes, pt_image *out, char *warnings);
    pt_status (*size)(const void *file, size_t bytes, int *height, int *width);
} decoder;

static const decoder decoders[PT_PICTURE_FORMATS] = {
    [PT_PICTURE_JPEG] = {pt_jpeg_decode, pt_jpeg_size},
    [PT_PICTURE_PNG] = {pt_png_decode, pt_png_size},
    [PT_PICTURE_WEBP] = {pt_webp_decode, pt_webp_size},
    [PT_PICTURE_GIF] = {pt_gif_decode, pt_gif_size},
    [PT_PICTURE_BMP] = {pt_bmp_decode, pt_bmp_size},
    [PT_PICTURE_TIFF] = {pt_tiff_decode, pt_tiff_size},
};

static const char read_here[] = "a JPEG, PNG, WebP, GIF, BMP or TIFF";

pt_status pt_picture_decode(const void *file, size_t bytes, pt_image *out, char *warnings)
{
    const decoder *d = &decoders[pt_magic_format(file, bytes)];

    *out = (pt_image){0};
    if (!d->decode) return pt_magic_refuse(read_here, file, bytes);
    return d->decode(file, bytes, out, warnings);
}

pt_status pt_picture_size(const void *file, size_t bytes, int *height, int *width)
{
    const decoder *d = &decoders[pt_magic_format(file, bytes)];

    if (!d->size) return pt_magic_refuse(read_here, file, bytes);
    return d->size(file, bytes, height, width);
}
