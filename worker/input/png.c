#include "worker/input/png.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { MAX_BYTES_PER_BYTE = 1032 /* deflate: 258 bytes cost two bits */ };

/* Everything that must survive a jump lives here, outside the function that jumps. */
struct decoder {
    jmp_buf jump;
    pt_status status;
    char text[PT_PICTURE_WARNING];
    char *warning;
    const uint8_t *next;
    size_t left, bytes; /* of the file */
    png_structp png;
    png_infop info;
    pt_image image;
};

/* ---- errors ----------------------------------------------------------------------- */

/* Fails with a reason, libpng's or our own. */
_Noreturn static void refuse(struct decoder *d, pt_status s, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

_Noreturn static void refuse(struct decoder *d, pt_status s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, ap);
    va_end(ap);
    d->status = s;
    longjmp(d->jump, 1);
}

static void need(struct decoder *d, pt_status s)
{
    if (s != PT_OK) refuse(d, s, "%s", pt_fail_text());
}

_Noreturn static void on_error(png_structp png, png_const_charp text)
{
    refuse(png_get_error_ptr(png), PT_ERR_DATA, "%c%s", pt_decoder_first_letter(text),
           text + 1);
}

/* libpng only warns of a sum over the pixels that does not match. */
static void on_warning(png_structp png, png_const_charp text)
{
    struct decoder *d = png_get_error_ptr(png);

    if (strstr(text, "incorrect data check")) on_error(png, text);
    pt_decoder_warn(d->warning, text);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    struct decoder *d = png_get_io_ptr(png);

    if (n > d->left) refuse(d, PT_ERR_DATA, "premature end of PNG file");
    memcpy(to, d->next, n);
    d->next += n;
    d->left -= n;
}

/* ---- decoding --------------------------------------------------------------------- */

static void read_header(struct decoder *d)
{
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info) refuse(d, PT_ERR_NOMEM, "no memory to decode");
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, PT_IMAGE_MAX_PIXELS, PT_IMAGE_MAX_PIXELS);
    /* Gamma, profiles, texts: never decompressed. */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    d->image.height = (int)png_get_image_height(d->png, d->info);
    d->image.width = (int)png_get_image_width(d->png, d->info);
    need(d, pt_image_check(d->image.height, d->image.width));
}

/* Asks for rows of one byte a pixel (gray, an index), two (gray of 16 bits) or three, and
 * returns the passes over them. */
static int set_transforms(struct decoder *d)
{
    bool gray = !(png_get_color_type(d->png, d->info) & PNG_COLOR_MASK_COLOR);
    bool alpha = png_get_color_type(d->png, d->info) & PNG_COLOR_MASK_ALPHA;
    int passes = png_set_interlace_handling(d->png);

    png_set_packing(d->png);
    if (!gray || alpha) png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    png_read_update_info(d->png, d->info);
    return passes;
}

static uint8_t *row_at(const struct decoder *d, int y)
{
    return d->image.pixels + (size_t)y * (size_t)d->image.width * 3;
}

/* Rows of fewer than three bytes a pixel go to the end of their place in the image, where
 * they are out of the way of the pixels that are made of them from the left. */
static void read_rows(struct decoder *d, int passes, size_t bytes_per_pixel)
{
    size_t offset = (3 - bytes_per_pixel) * (size_t)d->image.width;

    for (int k = 0; k < passes; k++)
        for (int y = 0; y < d->image.height; y++)
            png_read_row(d->png, row_at(d, y) + offset, NULL);
    png_read_end(d->png, NULL); /* reads up to the end mark */
}

/* colours: of the n values that a byte may have. */
static void look_up(struct decoder *d, png_const_colorp colours, int n)
{
    size_t width = (size_t)d->image.width;

    for (int y = 0; y < d->image.height; y++) {
        uint8_t *rgb = row_at(d, y);
        const uint8_t *v = rgb + 2 * width;

        for (size_t x = 0; x < width; x++) {
            png_color c;

            if (v[x] >= n)
                refuse(d, PT_ERR_DATA, "index %d is beyond the palette of %d colours",
                       v[x], n);
            c = colours[v[x]];
            rgb[3 * x] = c.red;
            rgb[3 * x + 1] = c.green;
            rgb[3 * x + 2] = c.blue;
        }
    }
}

static void replicate(struct decoder *d, int bits)
{
    png_color grays[256];
    int n = 1 << bits;

    for (int i = 0; i < n; i++) {
        png_byte v = (png_byte)(i * 255 / (n - 1));
        grays[i] = (png_color){v, v, v};
    }
    look_up(d, grays, n);
}

static void cut_off(struct decoder *d)
{
    size_t width = (size_t)d->image.width;
    bool cut = false;

    for (int y = 0; y < d->image.height; y++) {
        uint8_t *rgb = row_at(d, y);
        const uint8_t *v = rgb + width;

        for (size_t x = 0; x < width; x++) {
            uint8_t gray = v[2 * x] ? 255 : v[2 * x + 1];

            cut |= v[2 * x] != 0;
            memset(rgb + 3 * x, gray, 3);
        }
    }
    if (cut) pt_decoder_warn_of_white(d->warning);
}

/* row: bytes that the file has for one, of which libpng holds two. */
static void check_cost(struct decoder *d, uint64_t row)
{
    uint64_t height = (uint64_t)d->image.height, width = (uint64_t)d->image.width;
    uint64_t memory = 3 * height * width + 2 * row;

    need(d, pt_decoder_check_fit(&d->image, row * height / MAX_BYTES_PER_BYTE, d->bytes));
    if (memory > PT_DECODER_MEMORY)
        refuse(d, PT_ERR_DATA, "rows of %d pixels need %llu bytes, above the limit of %d",
               d->image.width, (unsigned long long)memory, PT_DECODER_MEMORY);
}

static void read_pixels(struct decoder *d)
{
    png_byte bits = png_get_bit_depth(d->png, d->info);
    png_byte type = png_get_color_type(d->png, d->info);
    png_colorp palette;
    size_t bytes_per_pixel;
    int passes, n;

    check_cost(d, (uint64_t)png_get_rowbytes(d->png, d->info));
    passes = set_transforms(d);
    bytes_per_pixel = png_get_rowbytes(d->png, d->info) / (size_t)d->image.width;
    need(d, pt_image_create(d->image.height, d->image.width, &d->image));
    read_rows(d, passes, bytes_per_pixel);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        if (!png_get_PLTE(d->png, d->info, &palette, &n))
            refuse(d, PT_ERR_DATA, "there is no palette");
        look_up(d, palette, n);
    } else if (bytes_per_pixel == 1) {
        replicate(d, bits < 8 ? bits : 8);
    } else if (bytes_per_pixel == 2) {
        cut_off(d);
    }
}

/* Only the header if `size_only`. */
static pt_status decode(struct decoder *d, const void *file, size_t bytes, bool size_only)
{
    pt_status s = PT_OK;

    d->next = file;
    d->left = d->bytes = bytes;
    if (setjmp(d->jump)) {
        s = pt_fail(d->status, "%s", d->text);
    } else {
        read_header(d);
        if (!size_only) read_pixels(d);
        s = PT_OK;
    }
    png_destroy_read_struct(&d->png, &d->info, NULL);
    return s;
}

pt_status pt_png_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                        char *warning)
{
    struct decoder d;
    pt_status s;

    memset(&d, 0, sizeof d);
    d.warning = warning;
    s = decode(&d, file, bytes, size_only);
    *out = d.image;
    return s;
}
