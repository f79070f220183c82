#include "worker/input/tiff.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#define NAME "picture: " /* what libtiff calls the file, before some texts */

typedef struct {
    const uint8_t *file;
    uint64_t bytes, at;
    TIFF *tiff;
    bool in_pixels;
    char error[PT_PICTURE_WARNING];
    char *warning; /* as long */
    uint16_t bits, samples, photometric, orientation, extra;
    const uint16_t *map[3]; /* of a palette: libtiff's */
    bool cut;               /* gray of 16 bits was above 255 */
    pt_image image;
} reader;

/* ---- the file in memory ----------------------------------------------------------- */

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
    reader *r = h;
    uint64_t left = r->at < r->bytes ? r->bytes - r->at : 0;

    if ((uint64_t)n > left) n = (tmsize_t)left;
    memcpy(to, r->file + r->at, (size_t)n);
    r->at += (uint64_t)n;
    return n;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
    return 0;
}

static toff_t on_seek(thandle_t h, toff_t to, int whence)
{
    reader *r = h;

    r->at = to + (whence == SEEK_CUR ? r->at : whence == SEEK_END ? r->bytes : 0);
    return r->at;
}

static int on_close(thandle_t h)
{
    return 0;
}

static toff_t on_size(thandle_t h)
{
    return ((reader *)h)->bytes;
}

/* Where it is the first one. */
static void keep(char kept[PT_PICTURE_WARNING], const char *fmt, va_list ap)
{
    char text[PT_PICTURE_WARNING];
    size_t n = strlen(NAME);

    vsnprintf(text, sizeof text, fmt, ap);
    pt_decoder_warn(kept, strncmp(text, NAME, n) == 0 ? text + n : text);
}

static int on_error(TIFF *t, void *context, const char *module, const char *fmt,
                    va_list ap)
{
    keep(((reader *)context)->error, fmt, ap);
    return 1;
}

/* Among the pixels libtiff warns of what it makes up. */
static int on_warning(TIFF *t, void *context, const char *module, const char *fmt,
                      va_list ap)
{
    reader *r = context;

    keep(r->in_pixels ? r->error : r->warning, fmt, ap);
    return 1;
}

static pt_status refuse(const reader *r)
{
    return pt_fail(PT_ERR_DATA, "%s", r->error[0] ? r->error : "corrupt TIFF data");
}

static pt_status open_file(reader *r, const void *file, size_t bytes)
{
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();

    r->file = file;
    r->bytes = bytes;
    if (!o) return pt_fail(PT_ERR_NOMEM, "no memory to decode");
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, PT_DECODER_MEMORY);
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, r);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, r);
    r->tiff = TIFFClientOpenExt("picture", "rm", r, on_read, on_write, on_seek, on_close,
                                on_size, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    return r->tiff ? PT_OK : refuse(r);
}

/* ---- header ----------------------------------------------------------------------- */

static uint16_t tag(const reader *r, uint32_t name)
{
    uint16_t v = 0;

    TIFFGetFieldDefaulted(r->tiff, name, &v);
    return v;
}

/* The colours that are read; those that Pillow does not know are left out, too. */
static bool is_known(const reader *r)
{
    bool one_bit = r->bits == 1 || r->bits == 2 || r->bits == 4;
    bool byte = r->bits == 8, word = r->bits == 16;
    bool alone = r->samples == 1, alpha = r->extra == EXTRASAMPLE_UNASSALPHA;

    switch (r->photometric) {
    case PHOTOMETRIC_MINISWHITE:
        return alone && (one_bit || byte);
    case PHOTOMETRIC_MINISBLACK:
        return (alone && (one_bit || byte || word)) || (r->samples == 2 && byte && alpha);
    case PHOTOMETRIC_PALETTE:
        return alone && (one_bit || byte);
    case PHOTOMETRIC_YCBCR:
        return r->samples == 3 && byte && tag(r, TIFFTAG_COMPRESSION) == COMPRESSION_JPEG;
    case PHOTOMETRIC_RGB:
        if (r->extra == EXTRASAMPLE_ASSOCALPHA) return r->samples == 4 && byte;
        return (r->samples == 3 || r->samples == 4) && (byte || word);
    default:
        return false;
    }
}

static pt_status read_header(reader *r)
{
    uint32_t height = 0, width = 0;
    uint16_t n = 0, *extra = NULL;
    pt_status s;

    TIFFGetField(r->tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(r->tiff, TIFFTAG_IMAGEWIDTH, &width);
    s = pt_image_check(height, width);
    if (s != PT_OK) return s;
    r->image.height = (int)height;
    r->image.width = (int)width;
    r->bits = tag(r, TIFFTAG_BITSPERSAMPLE);
    r->samples = tag(r, TIFFTAG_SAMPLESPERPIXEL);
    r->photometric = tag(r, TIFFTAG_PHOTOMETRIC);
    r->orientation = tag(r, TIFFTAG_ORIENTATION);
    if (TIFFGetField(r->tiff, TIFFTAG_EXTRASAMPLES, &n, &extra) && n > 0)
        r->extra = extra[0];
    if (!is_known(r) || tag(r, TIFFTAG_SAMPLEFORMAT) != SAMPLEFORMAT_UINT ||
        tag(r, TIFFTAG_PLANARCONFIG) != PLANARCONFIG_CONTIG)
        return pt_fail(PT_ERR_DATA,
                       "a TIFF of colours %u with %u samples of %u bits (format %u, "
                       "planes %u) is not read",
                       r->photometric, r->samples, r->bits, tag(r, TIFFTAG_SAMPLEFORMAT),
                       tag(r, TIFFTAG_PLANARCONFIG));
    if (r->photometric == PHOTOMETRIC_PALETTE &&
        !TIFFGetField(r->tiff, TIFFTAG_COLORMAP, &r->map[0], &r->map[1], &r->map[2]))
        return pt_fail(PT_ERR_DATA, "there is no palette");
    if (r->photometric == PHOTOMETRIC_YCBCR)
        TIFFSetField(r->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    return PT_OK;
}

/* ---- pixels ----------------------------------------------------------------------- */

/* Sample i of a row; of 16 bits in the machine's order. */
static unsigned sample(const reader *r, const uint8_t *row, size_t i)
{
    uint16_t word;

    if (r->bits == 16) {
        memcpy(&word, row + 2 * i, 2);
        return word;
    }
    return row[i * r->bits / 8] >> (8 - r->bits - i * r->bits % 8) &
           ((1u << r->bits) - 1);
}

static uint8_t gray_of(reader *r, unsigned v)
{
    unsigned most = (1u << r->bits) - 1;

    if (r->bits == 16) {
        r->cut |= v > 255;
        return v > 255 ? 255 : (uint8_t)v;
    }
    if (r->photometric == PHOTOMETRIC_MINISWHITE) v = most - v;
    return (uint8_t)(v * 255 / most);
}

static uint8_t colour_of(const reader *r, unsigned v, unsigned alpha)
{
    if (r->bits == 16) return (uint8_t)(v >> 8);
    if (r->extra != EXTRASAMPLE_ASSOCALPHA || alpha == 255) return (uint8_t)v;
    if (alpha == 0) return 0;
    v = v * 255 / alpha;
    return v > 255 ? 255 : (uint8_t)v;
}

/* n pixels of a row. */
static void unpack(reader *r, const uint8_t *row, size_t n, uint8_t *rgb)
{
    for (size_t x = 0; x < n; x++, rgb += 3) {
        unsigned v = sample(r, row, x * r->samples);

        for (size_t k = 0; k < 3; k++)
            if (r->photometric == PHOTOMETRIC_PALETTE)
                rgb[k] = (uint8_t)(r->map[k][v] >> 8);
            else if (r->samples < 3)
                rgb[k] = gray_of(r, v);
            else
                rgb[k] = colour_of(r, sample(r, row, x * r->samples + k),
                                   r->samples == 4 ? sample(r, row, x * 4 + 3) : 255);
    }
}

static uint8_t *pixel(const reader *r, size_t y, size_t x)
{
    return r->image.pixels + (y * (size_t)r->image.width + x) * 3;
}

static void read_strips(reader *r, uint8_t *row)
{
    for (int y = 0; y < r->image.height && !r->error[0]; y++)
        if (TIFFReadScanline(r->tiff, row, (uint32_t)y, 0) == 1)
            unpack(r, row, (size_t)r->image.width, pixel(r, (size_t)y, 0));
        else if (!r->error[0])
            snprintf(r->error, sizeof r->error, "row %d cannot be read", y);
}

static void read_tiles(reader *r, uint8_t *tile)
{
    uint32_t width = 0, height = 0;
    size_t row = (size_t)TIFFTileRowSize(r->tiff);
    size_t w = (size_t)r->image.width, h = (size_t)r->image.height;

    TIFFGetField(r->tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(r->tiff, TIFFTAG_TILELENGTH, &height);
    for (size_t y = 0; y < h && height > 0; y += height)
        for (size_t x = 0; x < w && width > 0; x += width) {
            size_t n = w - x < width ? w - x : width;

            if (TIFFReadTile(r->tiff, tile, (uint32_t)x, (uint32_t)y, 0, 0) < 0 ||
                r->error[0])
                return;
            for (size_t i = 0; i < height && y + i < h; i++)
                unpack(r, tile + i * row, n, pixel(r, y + i, x));
        }
}

static bool swaps_axes(const reader *r)
{
    return r->orientation >= 5 && r->orientation <= 8;
}

/* As the orientation says: 2 to 4 mirror and turn by 180 degrees, 5 to 8 swap the axes.
 */
static pt_status turn(reader *r)
{
    unsigned o = r->orientation;
    bool swap = swaps_axes(r), right = o == 2 || o == 3 || o == 6 || o == 7,
         bottom = o == 3 || o == 4 || o == 7 || o == 8;
    int h = r->image.height, w = r->image.width;
    pt_image to;
    pt_status s;

    if (o < 2 || o > 8) return PT_OK;
    s = pt_image_create(swap ? w : h, swap ? h : w, &to);
    for (int y = 0; y < to.height && s == PT_OK; y++)
        for (int x = 0; x < to.width; x++) {
            int a = bottom ? to.height - 1 - y : y, b = right ? to.width - 1 - x : x;

            memcpy(to.pixels + 3 * ((size_t)y * (size_t)to.width + (size_t)x),
                   pixel(r, (size_t)(swap ? b : a), (size_t)(swap ? a : b)), 3);
        }
    if (s != PT_OK) return s;
    pt_image_fini(&r->image);
    r->image = to;
    return PT_OK;
}

static pt_status read_pixels(reader *r)
{
    bool tiled = TIFFIsTiled(r->tiff);
    tmsize_t n = tiled ? TIFFTileSize(r->tiff) : TIFFScanlineSize(r->tiff);
    uint8_t *buffer;
    pt_status s;

    if (n <= 0 || n > PT_DECODER_MEMORY) return refuse(r);
    s = pt_image_create(r->image.height, r->image.width, &r->image);
    if (s != PT_OK) return s;
    buffer = calloc(1, (size_t)n);
    if (!buffer) return pt_fail(PT_ERR_NOMEM, "no memory for the pixels");
    r->in_pixels = true;
    if (tiled)
        read_tiles(r, buffer);
    else
        read_strips(r, buffer);
    free(buffer);
    return r->error[0] ? refuse(r) : turn(r);
}

pt_status pt_tiff_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                         char *warning)
{
    reader r = {.warning = warning};
    pt_status s = open_file(&r, file, bytes);

    if (s == PT_OK) s = read_header(&r);
    if (s == PT_OK && !size_only) s = read_pixels(&r);
    if (r.tiff) TIFFClose(r.tiff);
    if (r.cut) pt_decoder_warn_of_white(warning);
    *out = r.image;
    if (size_only && swaps_axes(&r))
        *out = (pt_image){.height = r.image.width, .width = r.image.height};
    return s;
}
