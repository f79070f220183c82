#include "worker/input/jpeg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "worker/input/magic.h"

enum {
    MAX_SCANS = 500, /* a progressive file has about ten */
    /* Huffman codes have a bit at least, each component a block of 8 x 8 one code, and
     * the coarsest sampling of three is 9 blocks for 32 x 32 pixels: 910 pixels a byte.
     */
    MAX_PIXELS_PER_BYTE = 1024,
    ENCODE_START = 1 << 16
};
static const uint64_t work_limit = (uint64_t)1 << 32; /* pixels times scans */

/* Where libjpeg's errors and warnings go: no exit, nothing printed. */
struct trap {
    struct jpeg_error_mgr base; /* first: libjpeg hands back a pointer to it */
    jmp_buf jump;
    pt_status status;
    char text[JMSG_LENGTH_MAX];
    char *warning; /* NULL: an encoder's */
};

/* Everything that must survive a jump lives here, outside the function that jumps. */
struct decoder {
    struct trap trap;
    struct jpeg_decompress_struct c;
    struct jpeg_progress_mgr progress;
    unsigned seen; /* bit k: component k was in a scan */
    size_t bytes;  /* of the file */
    pt_image image;
};

struct encoder {
    struct trap trap;
    struct jpeg_compress_struct c;
    struct jpeg_destination_mgr to;
    uint8_t *file;
    size_t used, held;
};

/* ---- errors ----------------------------------------------------------------------- */

/* libjpeg's text in our style: lower case, unless the word is a name. */
static void message(j_common_ptr c, char out[JMSG_LENGTH_MAX])
{
    c->err->format_message(c, out);
    if (strncmp(out, "Huffman", 7) != 0) out[0] = pt_decoder_first_letter(out);
}

_Noreturn static void on_error(j_common_ptr c)
{
    struct trap *t = (struct trap *)c->err;

    message(c, t->text);
    t->status = c->err->msg_code == JERR_OUT_OF_MEMORY ? PT_ERR_NOMEM : PT_ERR_DATA;
    longjmp(t->jump, 1);
}

/* Fails with a reason of our own, through libjpeg's error exit. */
_Noreturn static void refuse(struct trap *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

_Noreturn static void refuse(struct trap *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(t->text, sizeof t->text, fmt, ap);
    va_end(ap);
    t->status = PT_ERR_DATA;
    longjmp(t->jump, 1);
}

static void need(struct trap *t, pt_status s)
{
    if (s == PT_OK) return;
    snprintf(t->text, sizeof t->text, "%s", pt_fail_text());
    t->status = s;
    longjmp(t->jump, 1);
}

/* Warnings after which every pixel still comes from the file. After any other one
 * libjpeg continues with pixels that it made up. */
static bool harmless(int code)
{
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR ||
           code == JWRN_ADOBE_XFORM || code == JWRN_NOT_SEQUENTIAL;
}

static void on_message(j_common_ptr c, int level)
{
    struct trap *t = (struct trap *)c->err;
    char text[JMSG_LENGTH_MAX];

    if (level >= 0) return; /* trace */
    if (!harmless(c->err->msg_code)) on_error(c);
    if (!t->warning) return;
    c->err->format_message(c, text);
    pt_decoder_warn(t->warning, text);
}

static void on_print(j_common_ptr c)
{
}

static struct jpeg_error_mgr *set_trap(struct trap *t)
{
    jpeg_std_error(&t->base);
    t->base.error_exit = on_error;
    t->base.emit_message = on_message;
    t->base.output_message = on_print;
    return &t->base;
}

/* ---- decoding --------------------------------------------------------------------- */

/* Called for each row of blocks while all scans of a file are read into memory. */
static void on_progress(j_common_ptr common)
{
    j_decompress_ptr c = (j_decompress_ptr)common;
    struct decoder *d = c->client_data;
    uint64_t pixels = (uint64_t)c->image_width * c->image_height;
    uint64_t scans = (uint64_t)c->input_scan_number;

    for (int i = 0; i < c->comps_in_scan; i++) {
        d->seen |= 1u << c->cur_comp_info[i]->component_index;
    }
    if (scans > MAX_SCANS || scans * pixels > work_limit) {
        refuse(&d->trap,
               "%u scans of %u x %u pixels: more than a photograph needs (at most %d)",
               (unsigned)scans, c->image_width, c->image_height, MAX_SCANS);
    }
}

/* Bytes that libjpeg holds for the coefficients of a file in several scans, and we for
 * the pixels. */
static uint64_t memory_needed(j_decompress_ptr c)
{
    uint64_t blocks = 0;

    if (jpeg_has_multiple_scans(c)) {
        for (int i = 0; i < c->num_components; i++) {
            const jpeg_component_info *p = &c->comp_info[i];

            blocks += ((uint64_t)p->width_in_blocks + p->h_samp_factor) *
                      ((uint64_t)p->height_in_blocks + p->v_samp_factor);
        }
    }
    return blocks * sizeof(JBLOCK) + (uint64_t)c->image_width * c->image_height * 3;
}

static void read_header(struct decoder *d, const void *file, size_t bytes)
{
    j_decompress_ptr c = &d->c;
    struct trap *t = &d->trap;

    c->err = set_trap(t);
    c->client_data = d;
    jpeg_CreateDecompress(c, JPEG_LIB_VERSION, sizeof *c); /* keeps both fields */
    jpeg_mem_src(c, file, bytes);
    jpeg_read_header(c, TRUE);
    d->image.height = (int)c->image_height;
    d->image.width = (int)c->image_width;
    need(&d->trap, pt_image_check(d->image.height, d->image.width));
    if (c->num_components != 1 && c->num_components != 3 && c->num_components != 4) {
        refuse(&d->trap, "%d components, only 1, 3 and 4 are supported",
               c->num_components);
    }
}

static void start(struct decoder *d)
{
    j_decompress_ptr c = &d->c;
    uint64_t pixels = (uint64_t)c->image_width * c->image_height;
    uint64_t memory = memory_needed(c);
    unsigned all = (1u << c->num_components) - 1;

    if (!c->arith_code)
        need(&d->trap,
             pt_decoder_check_fit(&d->image, pixels / MAX_PIXELS_PER_BYTE, d->bytes));
    if (memory > PT_DECODER_MEMORY) {
        refuse(&d->trap,
               "%u x %u pixels in several scans need %llu bytes, above the limit of %d",
               c->image_width, c->image_height, (unsigned long long)memory,
               PT_DECODER_MEMORY);
    }
    c->mem->max_memory_to_use = PT_DECODER_MEMORY;
    c->out_color_space = c->num_components == 4 ? JCS_CMYK : JCS_RGB;
    c->dct_method = JDCT_ISLOW;
    c->do_fancy_upsampling = TRUE;
    d->progress.progress_monitor = on_progress;
    c->progress = &d->progress;
    jpeg_start_decompress(c);
    if (jpeg_has_multiple_scans(c) && d->seen != all) {
        refuse(&d->trap, "a colour component has no scan");
    }
}

/* round(a * b / 255) as Pillow computes it. */
static int scale255(int a, int b)
{
    int t = a * b + 128;

    return ((t >> 8) + t) >> 8;
}

/* Adobe's programs store CMYK inverted, and Pillow takes every CMYK file to be so. */
static void inverted_cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, int width)
{
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        for (int k = 0; k < 3; k++) {
            rgb[k] = (uint8_t)(cmyk[3] - scale255(255 - cmyk[k], cmyk[3]));
        }
    }
}

static void read_pixels(struct decoder *d)
{
    j_decompress_ptr c = &d->c;
    size_t row_bytes = (size_t)c->output_width * 3;
    uint8_t *cmyk = NULL;

    need(&d->trap, pt_image_create(c->output_height, c->output_width, &d->image));
    if (c->num_components == 4) {
        cmyk = c->mem->alloc_large((j_common_ptr)c, JPOOL_IMAGE,
                                   (size_t)c->output_width * 4);
    }
    while (c->output_scanline < c->output_height) {
        uint8_t *rgb = d->image.pixels + c->output_scanline * row_bytes;
        JSAMPROW row = cmyk ? cmyk : rgb;

        jpeg_read_scanlines(c, &row, 1);
        if (cmyk) inverted_cmyk_to_rgb(cmyk, rgb, d->image.width);
    }
    jpeg_finish_decompress(c); /* reads up to the end mark */
}

/* Only the header if `size_only`. */
static pt_status decode(struct decoder *d, const void *file, size_t bytes, bool size_only)
{
    pt_status s;

    if (pt_magic_format(file, bytes) != PT_PICTURE_JPEG)
        return pt_magic_refuse("a JPEG", file, bytes);
    if (setjmp(d->trap.jump)) {
        s = pt_fail(d->trap.status, "%s", d->trap.text);
    } else {
        d->bytes = bytes;
        read_header(d, file, bytes);
        if (!size_only) {
            start(d);
            read_pixels(d);
        }
        s = PT_OK;
    }
    jpeg_destroy_decompress(&d->c);
    return s;
}

pt_status pt_jpeg_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                         char *warning)
{
    struct decoder d;
    pt_status s;

    memset(&d, 0, sizeof d);
    d.trap.warning = warning;
    s = decode(&d, file, bytes, size_only);
    *out = d.image;
    return s;
}

/* ---- encoding --------------------------------------------------------------------- */

static void grow(struct encoder *e)
{
    size_t held = e->held ? pt_mul(e->held, 2) : ENCODE_START;
    uint8_t *more = realloc(e->file, held);

    if (!more) ERREXIT1(&e->c, JERR_OUT_OF_MEMORY, 0);
    e->file = more;
    e->to.next_output_byte = more + e->held;
    e->to.free_in_buffer = held - e->held;
    e->held = held;
}

static void on_start(j_compress_ptr c)
{
    grow(c->client_data);
}

static boolean on_full(j_compress_ptr c)
{
    grow(c->client_data); /* libjpeg calls this when the whole buffer is full */
    return TRUE;
}

static void on_end(j_compress_ptr c)
{
    struct encoder *e = c->client_data;

    e->used = e->held - e->to.free_in_buffer;
}

static void write_pixels(struct encoder *e, const pt_image *im, int quality)
{
    j_compress_ptr c = &e->c;

    c->err = set_trap(&e->trap);
    c->client_data = e;
    jpeg_CreateCompress(c, JPEG_LIB_VERSION, sizeof *c);
    e->to.init_destination = on_start;
    e->to.empty_output_buffer = on_full;
    e->to.term_destination = on_end;
    c->dest = &e->to;
    c->image_height = (JDIMENSION)im->height;
    c->image_width = (JDIMENSION)im->width;
    c->input_components = 3;
    c->in_color_space = JCS_RGB;
    jpeg_set_defaults(c); /* YCbCr, 2x2 chroma, Huffman tables of the standard */
    jpeg_set_quality(c, quality, TRUE);
    c->dct_method = JDCT_ISLOW;
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = im->pixels + (size_t)c->next_scanline * c->image_width * 3;

        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static pt_status encode(struct encoder *e, const pt_image *im, int quality)
{
    pt_status s = PT_OK;

    if (setjmp(e->trap.jump)) {
        s = pt_fail(e->trap.status, "%s", e->trap.text);
        free(e->file);
        e->file = NULL;
        e->used = 0;
    } else {
        write_pixels(e, im, quality);
        s = PT_OK;
    }
    jpeg_destroy_compress(&e->c);
    return s;
}

pt_status pt_jpeg_encode(const pt_image *im, int quality, uint8_t **file, size_t *bytes)
{
    struct encoder e;
    pt_status s;

    *file = NULL;
    *bytes = 0;
    if (quality < 1 || quality > 100) {
        return pt_fail(PT_ERR_SHAPE, "JPEG quality %d is outside 1 to 100", quality);
    }
    if (im->height < 1 || im->width < 1 || im->height > JPEG_MAX_DIMENSION ||
        im->width > JPEG_MAX_DIMENSION) {
        return pt_fail(PT_ERR_SHAPE, "an image of %d x %d does not fit into a JPEG",
                       im->width, im->height);
    }
    memset(&e, 0, sizeof e);
    s = encode(&e, im, quality);
    *file = e.file;
    *bytes = e.used;
    return s;
}
