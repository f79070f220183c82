/* Convolution by the exact product: windows of a block of pixels times packed weights.
 *
 * A pass packs all weights (items: some panels), then multiplies (items: some pixels of
 * all images where the layer is plain, else a block of output rows of one image). A block
 * makes windows of as many kernel positions as fit into 128 KB, multiplies them, and
 * continues the chains with the next positions. The data pass is the same over dy, with
 * filters turned by 180 degrees; with stride s as s * s convolutions ("phases"), one for
 * the input pixels of each remainder of row and column.
 *
 * What must hold: an output pixel is written by one item, and its sum is one chain over
 * kernel positions and channels in the order of the packed weights. How pixels and
 * positions are cut changes no bit, so it may depend on the number of threads. With
 * operands in bf16 each position's channels begin a pair: an odd number of them is
 * followed by a zero. */
#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "common/gemm/pack_bf16.h"
#include "worker/engine/conv/exact.h"
#include "worker/engine/conv/im2col.h"

enum {
    BLOCK_PIXELS = 192,        /* of an item: two blocks of rows in gemm.c */
    WINDOW_FLOATS = 32 * 1024, /* of a block's windows at a time: 128 KB */
    PACK_PANELS = 4,           /* of an item */
    ROOM = 1024,               /* values of a mask at a time */
    MAX_STRIDE = PT_CONV_MAX_STRIDE
};

/* A stride-1 convolution over dy for the input pixels whose row and column leave the same
 * remainders: see phase_of(). The forward pass and strides of 1 have one of it. */
typedef struct {
    pt_conv_shape s; /* what is computed: windows of s.h x s.w x s.c_in */
    bool plain;      /* windows are the input itself */
    size_t packed_at;
    int tap0, tap1;         /* first kernel row and column in w; they step by `stride` */
    int row0, column0;      /* first output pixel; they step by `stride` */
    int rows, n_blocks;     /* output rows of a block; blocks of an image */
    size_t pixels, n_items; /* plain: pixels of an item over all images */
} phase;

typedef struct {
    pt_conv_shape s; /* of the layer */
    bool backward;
    int n_images, stride; /* of y: 1 in the forward pass */
    phase phases[MAX_STRIDE * MAX_STRIDE];
    int n_phases, first_item[MAX_STRIDE * MAX_STRIDE + 1];
    const float *w, *bias;
    pt_values x, mask, y;
    bool accumulate, relu;
    int y_h, y_w;   /* of y, with phases[0].s.c_out channels */
    float *packed;  /* [packed_floats] */
    float *scratch; /* [threads][scratch_floats]: windows, then a block of y, unless that
                       is written where it is (in_place) */
    size_t packed_floats, scratch_floats, window_floats;
} pass;

/* ---- plan ------------------------------------------------------------------------- */

/* Values of a kernel position in a window. */
static size_t tap_values(const pt_conv_shape *s)
{
    size_t c = (size_t)s->c_in;

    return pt_kernel_bf16(s->kernel) ? 2 * pt_gemm_pairs(c) : c;
}

/* Rows of a kernel position in packed weights, and of all. */
static size_t tap_terms(const pt_conv_shape *s)
{
    size_t c = (size_t)s->c_in;

    return pt_kernel_bf16(s->kernel) ? pt_gemm_pairs(c) : c;
}

static size_t all_terms(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw * tap_terms(s);
}

/* Kernel positions whose windows are made at a time. */
static int taps_at_a_time(const pt_conv_shape *s)
{
    size_t floats =
        (size_t)pt_conv_rows(s, BLOCK_PIXELS) * (size_t)s->out_w * tap_values(s);
    int taps = s->kh * s->kw;

    if (floats == 0 || taps == 0) return 1;
    size_t fit = WINDOW_FLOATS / floats;

    return fit < 1 ? 1 : fit > (size_t)taps ? taps : (int)fit;
}

/* Rows of windows begin in different cache sets. */
static size_t window_step(const pt_conv_shape *s)
{
    size_t n = (size_t)taps_at_a_time(s) * tap_values(s);

    return n % 512 == 0 ? n + 16 : n;
}

static size_t window_floats(const pt_conv_shape *s)
{
    return pt_whole_lines((size_t)pt_conv_rows(s, BLOCK_PIXELS) * (size_t)s->out_w *
                          window_step(s));
}

/* Input pixels iy with (iy + pad) % stride == p take kernel rows p, p + stride, .. from
 * output rows o0, o0 - 1, .. with o0 = (iy + pad - p) / stride: a convolution over dy
 * with stride 1 and these rows in reverse. The same for columns. */
static void one_dimension(int size, int stride, int pad, int kernel, int p, int *first,
                          int *count, int *taps, int *new_pad)
{
    int at = ((p - pad) % stride + stride) % stride;

    *first = at;
    *count = at < size ? (size - at + stride - 1) / stride : 0;
    *taps = p < kernel ? (kernel - p + stride - 1) / stride : 0;
    *new_pad = *taps - 1 - (at + pad - p) / stride;
}

static phase phase_of(const pt_conv_shape *s, int index)
{
    phase f = {.tap0 = index / s->stride, .tap1 = index % s->stride};
    pt_conv_shape *t = &f.s;

    t->h = s->out_h;
    t->w = s->out_w;
    t->c_in = s->c_out;
    t->c_out = s->c_in;
    t->stride = 1;
    t->kernel = s->kernel;
    one_dimension(s->h, s->stride, s->pad_top, s->kh, f.tap0, &f.row0, &t->out_h, &t->kh,
                  &t->pad_top);
    one_dimension(s->w, s->stride, s->pad_left, s->kw, f.tap1, &f.column0, &t->out_w,
                  &t->kw, &t->pad_left);
    if (t->kh == 0 || t->kw == 0) t->kh = t->kw = 0;
    f.plain = s->stride == 1 && pt_conv_is_plain(s);
    return f;
}

static void cut_phase(phase *f, int n_images, int n_threads)
{
    size_t all = (size_t)n_images * pt_conv_pixels(&f->s);
    size_t share = all / (4 * (size_t)n_threads) + 1; /* work for every thread */

    f->rows = pt_conv_rows(&f->s, BLOCK_PIXELS);
    f->n_blocks = pt_parts((size_t)f->s.out_h, (size_t)f->rows);
    f->pixels = pt_min_size(BLOCK_PIXELS, pt_max_size(share, 24));
    f->n_items = f->plain ? (all + f->pixels - 1) / f->pixels
                          : (size_t)n_images * (size_t)f->n_blocks;
}

/* Are blocks of y computed where they belong? Not those of several phases, nor what is
 * stored as bfloat16. */
static bool in_place(const pass *p)
{
    return p->stride == 1 && !p->y.bf16;
}

/* Phases, their place in the packed weights and their items. */
static void plan(pass *p, int n_threads)
{
    const pt_conv_shape *s = &p->s;

    p->stride = p->backward ? s->stride : 1;
    p->n_phases = p->stride * p->stride;
    p->y_h = p->backward ? s->h : s->out_h;
    p->y_w = p->backward ? s->w : s->out_w;
    for (int i = 0; i < p->n_phases; i++) {
        phase *f = &p->phases[i];
        const pt_conv_shape *t = &f->s;

        if (p->backward)
            *f = phase_of(s, i);
        else
            *f = (phase){.s = *s, .plain = pt_conv_is_plain(s)};
        f->packed_at = p->packed_floats;
        p->packed_floats +=
            pt_whole_lines(pt_gemm_packed_floats(all_terms(t), (size_t)t->c_out));
        if (t->out_h > 0 && t->out_w > 0) {
            cut_phase(f, p->n_images, n_threads);
            size_t windows = f->plain ? 0 : window_floats(t);
            size_t pixels = f->plain ? BLOCK_PIXELS : (size_t)f->rows * (size_t)t->out_w;
            size_t block = in_place(p) ? 0 : pt_whole_lines(pixels * (size_t)t->c_out);

            p->window_floats = pt_max_size(p->window_floats, windows);
            p->scratch_floats = pt_max_size(p->scratch_floats, block);
        }
        p->first_item[i + 1] = p->first_item[i] + (int)f->n_items;
    }
    p->scratch_floats += p->window_floats;
}

/* ---- packing ---------------------------------------------------------------------- */

/* The kernel position of w that is t-th in a window: in reverse in the data pass. */
static int position(const pass *p, const phase *f, int t)
{
    const pt_conv_shape *s = &p->s;
    int ki = f->tap0 + s->stride * (f->s.kh - 1 - t / f->s.kw);
    int kj = f->tap1 + s->stride * (f->s.kw - 1 - t % f->s.kw);

    return p->backward ? ki * s->kw + kj : t;
}

/* An item: some panels of all phases. */
static void pack_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c_out = (size_t)p->s.c_out, of_tap = (size_t)p->s.c_in * c_out;
    size_t n = (size_t)p->phases[0].s.c_out, panels = pt_gemm_panels(n);
    size_t first = (size_t)item * PACK_PANELS;
    size_t count = pt_min_size(PACK_PANELS, panels - first);

    for (int i = 0; i < p->n_phases; i++) {
        const phase *f = &p->phases[i];
        size_t step = all_terms(&f->s) * PT_PANEL;
        float *packed = p->packed + f->packed_at;

        for (int t = 0; t < f->s.kh * f->s.kw; t++, packed += tap_terms(&f->s) * PT_PANEL)
            (pt_kernel_bf16(p->s.kernel) ? pt_gemm_pack_bf16 : pt_gemm_pack)(
                p->backward ? PT_T : PT_N, (size_t)f->s.c_in, n,
                p->w + (size_t)position(p, f, t) * of_tap, c_out, first, count, step,
                packed);
    }
}

/* ---- products --------------------------------------------------------------------- */

/* The backward pass of a ReLU with output `mask`: 0 where that is <= 0. */
PT_INLINE void apply_mask(size_t n, const float *mask, float *y)
{
    PT_INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = mask[i] <= 0.0f ? 0.0f : y[i];
}

/* Where n values of y from `at` on are computed: in their place, or in block. */
PT_CLONES static float *begin_block(const pass *p, size_t at, size_t n, float *block)
{
    return pt_values_open(pt_values_from(p->y, at), n, p->accumulate, block);
}

/* They have been: masks them, and stores them unless they are in their place. */
PT_CLONES static void end_block(const pass *p, size_t at, size_t n, float *block)
{
    pt_values y = pt_values_from(p->y, at), mask = pt_values_from(p->mask, at);
    float room[ROOM];

    for (size_t i = 0; p->mask.at && i < n; i += ROOM) {
        size_t some = pt_min_size(ROOM, n - i);

        apply_mask(some, pt_values_read(pt_values_from(mask, i), some, room), block + i);
    }
    if (y.bf16)
        pt_values_put(y, n, block);
    else if (block != y.at)
        memcpy(y.at, block, n * sizeof *block);
}

/* Pixels of all images as rows of one matrix. */
static void plain_item(const pass *p, const phase *f, size_t item, float *block)
{
    size_t k = (size_t)f->s.c_in, n = (size_t)f->s.c_out, row = item * f->pixels;
    size_t all = (size_t)p->n_images * pt_conv_pixels(&f->s);
    size_t rows = pt_min_size(f->pixels, all - row);
    pt_values x = pt_values_from(p->x, row * k);
    pt_product g = {.m = rows,
                    .n = n,
                    .k = k,
                    .a = x.bf16 ? NULL : x.at,
                    .stored = x.bf16 ? x.at : NULL,
                    .lda = k,
                    .b = p->packed + f->packed_at,
                    .panel_step = all_terms(&f->s) * PT_PANEL,
                    .bias = p->bias,
                    .accumulate = p->accumulate,
                    .relu = p->relu,
                    .bf16 = pt_kernel_bf16(p->s.kernel),
                    .c = begin_block(p, row * n, rows * n, block),
                    .ldc = n};

    pt_gemm(&g);
    end_block(p, row * n, rows * n, g.c);
}

/* Windows of positions of an odd number of channels, each followed by a zero, in place.
 * ld in values. */
static void part_positions(const pt_conv_shape *s, size_t n_windows, int n_taps,
                           pt_values windows, size_t ld)
{
    size_t value = pt_value_bytes(windows.bf16);
    size_t c = (size_t)s->c_in * value, step = tap_values(s) * value;
    char *at = windows.at;

    for (size_t i = 0; c < step && i < n_windows; i++, at += ld * value)
        for (size_t t = (size_t)n_taps; t-- > 0;) {
            memmove(at + t * step, at + t * c, c);
            memset(at + t * step + c, 0, value);
        }
}

/* y [pixels][c_out] (+)= windows of output rows row0.. of an image. */
static void multiply_windows(const pass *p, const phase *f, pt_values image, int row0,
                             int n_rows, float *scratch, float *y)
{
    const pt_conv_shape *s = &f->s;
    size_t n = (size_t)s->c_out;
    int taps = s->kh * s->kw, step = taps_at_a_time(s);
    pt_values windows = {scratch, image.bf16};

    for (int t = 0; t < taps; t += step) {
        pt_taps some = {t, taps - t < step ? taps - t : step, 0, s->c_in};
        pt_product g = {.m = (size_t)n_rows * (size_t)s->out_w,
                        .n = n,
                        .k = (size_t)some.n_taps * tap_values(s),
                        .a = windows.bf16 ? NULL : windows.at,
                        .stored = windows.bf16 ? windows.at : NULL,
                        .lda = window_step(s),
                        .b = p->packed + f->packed_at +
                             (size_t)t * tap_terms(s) * PT_PANEL,
                        .panel_step = all_terms(s) * PT_PANEL,
                        .bias = t == 0 ? p->bias : NULL,
                        .accumulate = t > 0 || p->accumulate,
                        .relu = p->relu && t + step >= taps,
                        .bf16 = pt_kernel_bf16(s->kernel),
                        .c = y,
                        .ldc = n};

        pt_im2col(s, &some, row0, n_rows, image, windows.at, g.lda);
        part_positions(s, g.m, some.n_taps, windows, g.lda);
        pt_gemm(&g);
    }
}

/* The first value of pixel (row, column) of a phase in y. */
static size_t place_in_y(const pass *p, const phase *f, size_t image, int row, int column)
{
    size_t y = (size_t)(f->row0 + row * p->stride);
    size_t x = (size_t)(f->column0 + column * p->stride);

    return ((image * (size_t)p->y_h + y) * (size_t)p->y_w + x) * (size_t)f->s.c_out;
}

/* A block of the pixels of a phase, which lie apart in y. */
static void strided_block(const pass *p, const phase *f, size_t image, pt_values x,
                          int row0, int n_rows, float *scratch)
{
    size_t c = (size_t)f->s.c_out, n = (size_t)n_rows * (size_t)f->s.out_w;
    float *block = scratch + p->window_floats;
    int w = f->s.out_w;

    if (!p->accumulate && f->s.kh == 0) memset(block, 0, n * c * sizeof *block);
    for (size_t i = 0; p->accumulate && i < n; i++) {
        size_t at = place_in_y(p, f, image, row0 + (int)i / w, (int)i % w);
        const float *y = begin_block(p, at, c, block + i * c);

        if (y != block + i * c) memcpy(block + i * c, y, c * sizeof *y);
    }
    multiply_windows(p, f, x, row0, n_rows, scratch, block);
    for (size_t i = 0; i < n; i++)
        end_block(p, place_in_y(p, f, image, row0 + (int)i / w, (int)i % w), c,
                  block + i * c);
}

/* A block of output rows of one image. */
static void block_item(const pass *p, const phase *f, size_t item, float *scratch)
{
    const pt_conv_shape *s = &f->s;
    size_t image = item / (size_t)f->n_blocks;
    int row0 = (int)(item % (size_t)f->n_blocks) * f->rows;
    int n_rows = s->out_h - row0 < f->rows ? s->out_h - row0 : f->rows;
    size_t at = place_in_y(p, f, image, row0, 0);
    size_t n = (size_t)n_rows * (size_t)s->out_w * (size_t)s->c_out;
    pt_values x =
        pt_values_from(p->x, image * (size_t)s->h * (size_t)s->w * (size_t)s->c_in);

    if (p->stride == 1) {
        float *y = begin_block(p, at, n, scratch + p->window_floats);

        multiply_windows(p, f, x, row0, n_rows, scratch, y);
        end_block(p, at, n, y);
    } else {
        strided_block(p, f, image, x, row0, n_rows, scratch);
    }
}

static void product_item(void *context, int item, int thread)
{
    const pass *p = context;
    float *scratch = p->scratch + (size_t)thread * p->scratch_floats;
    int i = 0;

    while (item >= p->first_item[i + 1]) i++;
    size_t index = (size_t)(item - p->first_item[i]);

    if (p->phases[i].plain)
        plain_item(p, &p->phases[i], index, scratch + p->window_floats);
    else
        block_item(p, &p->phases[i], index, scratch);
}

static void run(pt_threads *pool, pass *p, float *scratch)
{
    plan(p, pt_threads_count(pool));
    p->packed = scratch;
    p->scratch = scratch + p->packed_floats;
    pt_threads_run(pool, pt_parts((size_t)p->phases[0].s.c_out, PT_PANEL * PACK_PANELS),
                   pack_item, p);
    pt_threads_run(pool, p->first_item[p->n_phases], product_item, p);
}

void pt_exact_forward(pt_threads *pool, const pt_conv_shape *s, int n_images, pt_values x,
                      const float *w, const float *bias, bool relu, pt_values y,
                      float *scratch)
{
    pass p = {.s = *s,
              .n_images = n_images,
              .x = x,
              .w = w,
              .bias = bias,
              .relu = relu,
              .y = y};

    run(pool, &p, scratch);
}

void pt_exact_data(pt_threads *pool, const pt_conv_shape *s, int n_images, pt_values dy,
                   const float *w, bool accumulate, pt_values mask, pt_values dx,
                   float *scratch)
{
    pass p = {.s = *s,
              .backward = true,
              .n_images = n_images,
              .x = dy,
              .w = w,
              .mask = mask,
              .accumulate = accumulate,
              .y = dx};

    run(pool, &p, scratch);
}

size_t pt_exact_scratch(const pt_conv_shape *s, int n_threads)
{
    size_t max = 0;

    for (int backward = 0; backward < 2; backward++) {
        pass p = {.s = *s, .backward = backward, .n_images = 1};

        p.y.bf16 = pt_kernel_bf16(s->kernel); /* as it may be */

        plan(&p, n_threads);
        max = pt_max_size(max, p.packed_floats + p.scratch_floats * (size_t)n_threads);
    }
    return max;
}
