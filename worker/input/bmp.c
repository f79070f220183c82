#include "worker/input/bmp.h"

#include <stdbool.h>
#include <stdlib.h>

enum { RAW = 0, BITFIELDS = 3, FILE_HEADER = 14, MASKS_AT = 54 };

typedef struct {
    const uint8_t *file;
    size_t bytes;
    uint32_t header; /* bytes of it */
    int width, height;
    bool top_down;
    unsigned bits, coding;
    uint32_t colours, mask[3]; /* red, green, blue */
    size_t colours_at, colour_bytes, pixels_at, stride;
} bmp;

static uint32_t u16(const bmp *b, size_t at)
{
    return b->file[at] | (uint32_t)b->file[at + 1] << 8;
}

static uint32_t u32(const bmp *b, size_t at)
{
    return u16(b, at) | u16(b, at + 2) << 16;
}

static pt_status ended(void)
{
    return pt_fail(PT_ERR_DATA, "premature end of BMP file");
}

/* ---- header ------------------------------------------------------------------------ */

static bool is_known(uint32_t header)
{
    static const uint32_t known[] = {12, 40, 52, 56, 64, 108, 124};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == header) return true;
    return false;
}

static void read_old_header(bmp *b)
{
    b->width = (int)u16(b, 18);
    b->height = (int)u16(b, 20);
    b->bits = u16(b, 24);
    b->colour_bytes = 3;
}

static void read_new_header(bmp *b)
{
    int32_t height = (int32_t)u32(b, 22);

    b->width = (int32_t)u32(b, 18);
    b->top_down = height < 0 && height > INT32_MIN;
    b->height = b->top_down ? -height : height;
    b->bits = u16(b, 28);
    b->coding = u32(b, 30);
    b->colours = u32(b, 46);
    b->colour_bytes = 4;
}

/* Where bits of a pixel are not said, they are these. */
static void set_usual_masks(bmp *b)
{
    bool small = b->bits == 16;

    b->mask[0] = small ? 0x7c00 : 0xff0000;
    b->mask[1] = small ? 0x3e0 : 0xff00;
    b->mask[2] = small ? 0x1f : 0xff;
}

static pt_status read_masks(bmp *b)
{
    set_usual_masks(b);
    if (b->coding != BITFIELDS) return PT_OK;
    if (b->bits < 16)
        return pt_fail(PT_ERR_DATA, "masks of bits with %u bits a pixel", b->bits);
    if (b->bytes < MASKS_AT + 12) return ended();
    if (u32(b, MASKS_AT) == 0 && u32(b, MASKS_AT + 4) == 0 && u32(b, MASKS_AT + 8) == 0)
        return PT_OK;
    for (size_t k = 0; k < 3; k++) b->mask[k] = u32(b, MASKS_AT + 4 * k);
    return PT_OK;
}

static pt_status place_pixels(bmp *b)
{
    uint64_t row_bits = (uint64_t)b->width * b->bits;

    b->pixels_at = u32(b, 10);
    b->colours_at = FILE_HEADER + (size_t)b->header;
    if (b->bits <= 8) {
        if (b->colours == 0) b->colours = 1u << b->bits;
        if (b->colours > 256)
            return pt_fail(PT_ERR_DATA,
                           "a palette of %u colours, at most 256 are possible",
                           b->colours);
        if (b->bytes < b->colours_at + b->colours * b->colour_bytes) return ended();
    }
    b->stride = (size_t)((row_bits + 31) / 32 * 4);
    return PT_OK;
}

static pt_status read_header(bmp *b, const void *file, size_t bytes)
{
    pt_status s;

    b->file = file;
    b->bytes = bytes;
    if (bytes < FILE_HEADER + 4) return ended();
    b->header = u32(b, FILE_HEADER);
    if (!is_known(b->header))
        return pt_fail(PT_ERR_DATA, "a BMP header of %u bytes is not known", b->header);
    if (bytes < FILE_HEADER + b->header) return ended();
    if (b->header == 12)
        read_old_header(b);
    else
        read_new_header(b);
    if (b->coding != RAW && b->coding != BITFIELDS)
        return pt_fail(PT_ERR_DATA,
                       "BMP compression %u (1, 2: runs, 4: JPEG, 5: PNG) is not read: "
                       "save it without",
                       b->coding);
    if (b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 &&
        b->bits != 32)
        return pt_fail(PT_ERR_DATA, "%u bits a pixel are not possible in a BMP", b->bits);
    s = pt_image_check(b->height, b->width);
    if (s == PT_OK) s = read_masks(b);
    return s == PT_OK ? place_pixels(b) : s;
}

/* ---- pixels ------------------------------------------------------------------------ */

static pt_status look_up(const bmp *b, const uint8_t *row, uint8_t *rgb)
{
    unsigned per_byte = 8 / b->bits, all = (1u << b->bits) - 1;

    for (unsigned x = 0; x < (unsigned)b->width; x++, rgb += 3) {
        unsigned shift = (per_byte - 1 - x % per_byte) * b->bits;
        unsigned i = row[x / per_byte] >> shift & all;
        const uint8_t *bgr = b->file + b->colours_at + i * b->colour_bytes;

        if (i >= b->colours)
            return pt_fail(PT_ERR_DATA, "index %u is beyond the palette of %u colours", i,
                           b->colours);
        for (int k = 0; k < 3; k++) rgb[k] = bgr[2 - k];
    }
    return PT_OK;
}

/* How a channel lies in a pixel. */
typedef struct {
    unsigned shift, largest;
} channel;

/* Channels of 8 bits at any byte; of 16 bits 5-5-5 and 5-6-5. */
static pt_status find_channels(const bmp *b, channel out[3])
{
    for (int k = 0; k < 3; k++) {
        uint32_t m = b->mask[k];
        bool good;

        out[k].shift = m ? (unsigned)__builtin_ctz(m) : 0;
        out[k].largest = m >> out[k].shift;
        good = b->bits == 16 ? out[k].largest == 31 || (k == 1 && out[k].largest == 63)
                             : out[k].largest == 255 && out[k].shift % 8 == 0;
        if (!good || out[k].shift >= b->bits)
            return pt_fail(PT_ERR_DATA,
                           "channels of the bits %08x %08x %08x in %u are not read",
                           b->mask[0], b->mask[1], b->mask[2], b->bits);
    }
    return PT_OK;
}

static void take_channels(const bmp *b, const channel c[3], const uint8_t *row,
                          uint8_t *rgb)
{
    unsigned n = b->bits / 8;

    for (int x = 0; x < b->width; x++, row += n, rgb += 3) {
        uint32_t v = 0;

        for (unsigned i = 0; i < n; i++) v |= (uint32_t)row[i] << 8 * i;
        for (int k = 0; k < 3; k++)
            rgb[k] = (uint8_t)((v >> c[k].shift & c[k].largest) * 255 / c[k].largest);
    }
}

static pt_status read_pixels(const bmp *b, pt_image *im)
{
    channel c[3];
    pt_status s = b->bits > 8 ? find_channels(b, c) : PT_OK;

    if (s != PT_OK) return s;
    if (b->pixels_at > b->bytes ||
        b->stride * (size_t)b->height > b->bytes - b->pixels_at)
        return ended();
    s = pt_image_create(b->height, b->width, im);
    for (int y = 0; y < b->height && s == PT_OK; y++) {
        int from = b->top_down ? y : b->height - 1 - y;
        const uint8_t *row = b->file + b->pixels_at + b->stride * (size_t)from;
        uint8_t *rgb = im->pixels + (size_t)y * (size_t)b->width * 3;

        if (b->bits > 8)
            take_channels(b, c, row, rgb);
        else
            s = look_up(b, row, rgb);
    }
    return s;
}

pt_status pt_bmp_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                        char *warning)
{
    bmp b = {0};
    pt_status s = read_header(&b, file, bytes);

    out->height = b.height;
    out->width = b.width;
    return s == PT_OK && !size_only ? read_pixels(&b, out) : s;
}
