#include "worker/input/gif.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

/* LZW: a code of 12 bits stands for at most 4096 pixels. */
enum { MAX_PIXELS_PER_BYTE = 4096 * 8 / 12 };

typedef struct {
    GifFileType *gif;
    const uint8_t *next;
    size_t left, bytes; /* of the file */
    bool ended;         /* more was asked for than there is */
    int blank;          /* index of what the frame does not cover */
    uint8_t *indices;   /* [width of the frame] a row */
    pt_image image;
} reader;

/* ---- errors and blocks ------------------------------------------------------------- */

static pt_status refuse(const reader *r, int code)
{
    const char *text = GifErrorString(code);

    if (r->ended) return pt_fail(PT_ERR_DATA, "premature end of GIF file");
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return pt_fail(PT_ERR_NOMEM, "no memory");
    if (!text) return pt_fail(PT_ERR_DATA, "corrupt GIF data");
    return pt_fail(PT_ERR_DATA, "%c%s", pt_decoder_first_letter(text), text + 1);
}

static int on_read(GifFileType *gif, GifByteType *to, int n)
{
    reader *r = gif->UserData;

    if ((size_t)n > r->left) {
        r->ended = true;
        return 0;
    }
    memcpy(to, r->next, (size_t)n);
    r->next += n;
    r->left -= (size_t)n;
    return n;
}

static pt_status read_extension(reader *r)
{
    GifByteType *block;
    int kind;

    if (DGifGetExtension(r->gif, &kind, &block) != GIF_OK)
        return refuse(r, r->gif->Error);
    if (kind == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 && block[1] & 1)
        r->blank = block[4]; /* the transparent colour */
    while (block)
        if (DGifGetExtensionNext(r->gif, &block) != GIF_OK)
            return refuse(r, r->gif->Error);
    return PT_OK;
}

/* The description of the next frame; *there: is there one? */
static pt_status next_frame(reader *r, bool *there)
{
    GifRecordType type;
    pt_status s = PT_OK;

    for (*there = false; s == PT_OK && !*there;) {
        if (DGifGetRecordType(r->gif, &type) != GIF_OK) return refuse(r, r->gif->Error);
        if (type == TERMINATE_RECORD_TYPE) return PT_OK;
        if (type == EXTENSION_RECORD_TYPE) s = read_extension(r);
        *there = type == IMAGE_DESC_RECORD_TYPE;
    }
    if (s == PT_OK && DGifGetImageDesc(r->gif) != GIF_OK) s = refuse(r, r->gif->Error);
    return s;
}

/* Up to the end mark, without decoding. */
static pt_status skip_frames(reader *r)
{
    bool there;
    pt_status s = next_frame(r, &there);

    while (s == PT_OK && there) {
        GifByteType *block;
        int bits;

        if (DGifGetCode(r->gif, &bits, &block) != GIF_OK) return refuse(r, r->gif->Error);
        while (block)
            if (DGifGetCodeNext(r->gif, &block) != GIF_OK)
                return refuse(r, r->gif->Error);
        s = next_frame(r, &there);
    }
    return s;
}

/* ---- the first frame --------------------------------------------------------------- */

static pt_status open_frame(reader *r, const void *file, size_t bytes)
{
    const GifImageDesc *f;
    int error = 0;
    bool there;
    pt_status s;

    r->next = file;
    r->left = r->bytes = bytes;
    r->gif = DGifOpen(r, on_read, &error);
    if (!r->gif) return refuse(r, error);
    s = next_frame(r, &there);
    if (s == PT_OK && !there) s = pt_fail(PT_ERR_DATA, "the file has no frame");
    if (s != PT_OK) return s;
    f = &r->gif->Image;
    if (f->Width < 1 || f->Height < 1)
        return pt_fail(PT_ERR_DATA, "the first frame has no pixel");
    r->image.width = f->Left + f->Width;
    r->image.height = f->Top + f->Height;
    if (r->image.width < r->gif->SWidth) r->image.width = r->gif->SWidth;
    if (r->image.height < r->gif->SHeight) r->image.height = r->gif->SHeight;
    return pt_image_check(r->image.height, r->image.width);
}

static const ColorMapObject *palette(const reader *r)
{
    return r->gif->Image.ColorMap ? r->gif->Image.ColorMap : r->gif->SColorMap;
}

static pt_status look_up(const reader *r, const uint8_t *indices, size_t n, uint8_t *rgb)
{
    const ColorMapObject *p = palette(r);

    for (size_t x = 0; x < n; x++, rgb += 3) {
        int i = indices[x];

        if (p && i >= p->ColorCount)
            return pt_fail(PT_ERR_DATA, "index %d is beyond the palette of %d colours", i,
                           p->ColorCount);
        rgb[0] = p ? p->Colors[i].Red : (uint8_t)i;
        rgb[1] = p ? p->Colors[i].Green : (uint8_t)i;
        rgb[2] = p ? p->Colors[i].Blue : (uint8_t)i;
    }
    return PT_OK;
}

static pt_status fill_blank(const reader *r)
{
    uint8_t index = (uint8_t)r->blank, rgb[3];
    pt_status s = look_up(r, &index, 1, rgb);
    size_t n = (size_t)r->image.height * (size_t)r->image.width;

    for (size_t i = 0; s == PT_OK && i < n; i++) memcpy(r->image.pixels + 3 * i, rgb, 3);
    return s;
}

static pt_status read_row(reader *r, int y)
{
    const GifImageDesc *f = &r->gif->Image;
    size_t at = (size_t)(f->Top + y) * (size_t)r->image.width + (size_t)f->Left;

    if (DGifGetLine(r->gif, r->indices, f->Width) != GIF_OK)
        return refuse(r, r->gif->Error);
    return look_up(r, r->indices, (size_t)f->Width, r->image.pixels + 3 * at);
}

static pt_status read_rows(reader *r)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    bool interlaced = r->gif->Image.Interlace;
    pt_status s = PT_OK;

    for (int k = 0; k < (interlaced ? 4 : 1); k++)
        for (int y = first[k]; y < r->gif->Image.Height && s == PT_OK;
             y += interlaced ? step[k] : 1)
            s = read_row(r, y);
    return s;
}

static pt_status read_pixels(reader *r)
{
    const GifImageDesc *f = &r->gif->Image;
    int height = r->image.height, width = r->image.width;
    bool covered =
        f->Left == 0 && f->Top == 0 && f->Width == width && f->Height == height;
    pt_status s;

    s = pt_decoder_check_fit(
        &r->image, (uint64_t)height * (uint64_t)width / MAX_PIXELS_PER_BYTE, r->bytes);
    if (s == PT_OK) s = pt_image_create(height, width, &r->image);
    if (s != PT_OK) return s;
    r->indices = malloc((size_t)f->Width);
    if (!r->indices) return pt_fail(PT_ERR_NOMEM, "no memory for a row");
    if (!covered) s = fill_blank(r);
    if (s == PT_OK) s = read_rows(r);
    return s == PT_OK ? skip_frames(r) : s;
}

static void close_frame(reader *r)
{
    int error;

    free(r->indices);
    if (r->gif) DGifCloseFile(r->gif, &error);
}

pt_status pt_gif_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                        char *warning)
{
    reader r = {0};
    pt_status s = open_frame(&r, file, bytes);

    if (s == PT_OK && !size_only) s = read_pixels(&r);
    close_frame(&r);
    *out = r.image;
    return s;
}
