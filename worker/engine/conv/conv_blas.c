#include "worker/engine/conv/internal.h"

#include <string.h>

#include "worker/engine/conv/conv_blas_plan.h"
#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/conv/im2col.h"

/* Filters up to this many floats are turned for the backward pass once and kept in the
 * front of the first thread's scratch; larger ones are read in place, tap by tap. */
enum { TURN_FLOATS = 64 * 1024 };

typedef enum {
    STRAIGHT, /* a product of x or dy itself */
    TURNED,   /* a convolution of dy with turned filters */
    BY_TAPS,  /* windows of dy, one product per kernel position */
    SCATTERED /* products back to windows, added to the image; strides */
} backward_way;

/* What the items of one pass share. */
typedef struct {
    pt_conv_shape s; /* of the convolution that is computed */
    pt_conv_blocks blocks;
    bool plain, accumulate;
    const float *x, *w, *bias;
    float *y;
    float *turned;  /* TURNED: filters, at the front of the scratch */
    float *windows; /* [threads][window_floats] */
    size_t window_floats;
} pass;

/* Floats for the windows of one block. */
static size_t window_floats(const pt_conv_shape *s)
{
    if (pt_conv_is_plain(s)) return 0;
    return pt_round_up((size_t)pt_conv_blocks_of(s).rows * (size_t)s->out_w *
                       pt_conv_depth(s));
}

static size_t turned_floats(const pt_conv_shape *s)
{
    return pt_round_up(pt_conv_depth(s) * (size_t)s->c_out);
}

/* An item is a block of output rows of one image. */
typedef struct {
    int row0, n_rows;
    size_t n_pixels;
    const float *image;
    float *y; /* of the block */
} block;

static block block_of(const pass *p, int item)
{
    const pt_conv_shape *s = &p->s;
    size_t image = (size_t)(item / p->blocks.n_blocks);
    block b = {.row0 = item % p->blocks.n_blocks * p->blocks.rows,
               .n_rows = p->blocks.rows};

    if (b.row0 + b.n_rows > s->out_h) b.n_rows = s->out_h - b.row0;
    b.n_pixels = (size_t)b.n_rows * (size_t)s->out_w;
    b.image = p->x + image * (size_t)s->h * (size_t)s->w * (size_t)s->c_in;
    b.y = p->y + (image * (size_t)s->out_h + (size_t)b.row0) * (size_t)s->out_w *
                     (size_t)s->c_out;
    return b;
}

/* The windows of a block as a matrix [n_pixels][depth]. */
static const float *windows(const pass *p, const block *b, int thread)
{
    if (p->plain) {
        return b->image + (size_t)b->row0 * (size_t)p->s.w * (size_t)p->s.c_in;
    }
    pt_taps all = pt_taps_all(&p->s);
    float *col = p->windows + (size_t)thread * p->window_floats;

    pt_im2col(&p->s, &all, b->row0, b->n_rows, b->image, col, pt_conv_depth(&p->s));
    return col;
}

static void forward_item(void *context, int item, int thread)
{
    const pass *p = context;
    block b = block_of(p, item);
    size_t depth = pt_conv_depth(&p->s), c_out = (size_t)p->s.c_out;
    const float *col = windows(p, &b, thread);

    if (p->bias) {
        for (size_t i = 0; i < b.n_pixels; i++) {
            memcpy(b.y + i * c_out, p->bias, c_out * sizeof *b.y);
        }
    }
    pt_blas_gemm(PT_N, PT_N, b.n_pixels, c_out, depth, col, depth, p->w, c_out,
                 p->accumulate || p->bias, b.y, c_out);
}

void pt_blas_forward(pt_threads *pool, const pt_conv_shape *s, int n_images,
                     const float *x, const float *w, const float *bias, float *y,
                     float *scratch)
{
    pass p = {.s = *s,
              .blocks = pt_conv_blocks_of(s),
              .plain = pt_conv_is_plain(s),
              .x = x,
              .w = w,
              .bias = bias,
              .y = y,
              .windows = scratch,
              .window_floats = window_floats(s)};

    pt_threads_run(pool, n_images * p.blocks.n_blocks, forward_item, &p);
}

static backward_way way_of(const pt_conv_shape *s)
{
    if (pt_conv_is_plain(s)) return STRAIGHT;
    if (s->stride > 1) return SCATTERED;
    return pt_conv_depth(s) * (size_t)s->c_out <= TURN_FLOATS ? TURNED : BY_TAPS;
}

/* to [taps][c_out][c_in], taps in reverse, from w [taps][c_in][c_out]; an item is a tap.
 */
static void turn_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t n_in = (size_t)p->s.c_out, n_out = (size_t)p->s.c_in; /* of the forward pass */
    size_t taps = (size_t)p->s.kh * (size_t)p->s.kw;
    const float *from = p->w + (size_t)item * n_in * n_out;
    float *to = p->turned + (taps - 1 - (size_t)item) * n_in * n_out;

    (void)thread;
    for (size_t o = 0; o < n_out; o++) {
        for (size_t i = 0; i < n_in; i++) to[o * n_in + i] = from[i * n_out + o];
    }
}

static void by_taps_item(void *context, int item, int thread)
{
    const pass *p = context;
    block b = block_of(p, item);
    size_t depth = pt_conv_depth(&p->s);
    size_t n_in = (size_t)p->s.c_out, n_out = (size_t)p->s.c_in; /* of the forward pass */
    size_t taps = (size_t)p->s.kh * (size_t)p->s.kw;
    const float *col = windows(p, &b, thread);

    for (size_t t = 0; t < taps; t++) {
        pt_blas_gemm(PT_N, PT_T, b.n_pixels, n_in, n_out, col + t * n_out, depth,
                     p->w + (taps - 1 - t) * n_in * n_out, n_out, p->accumulate || t > 0,
                     b.y, n_in);
    }
}

/* An item is an image: windows of neighbouring blocks overlap. Here s is the forward
 * shape, x is dy and y is dx. */
static void scattered_item(void *context, int item, int thread)
{
    const pass *p = context;
    const pt_conv_shape *s = &p->s;
    size_t depth = pt_conv_depth(s), c_out = (size_t)s->c_out;
    size_t in_floats = (size_t)s->h * (size_t)s->w * (size_t)s->c_in;
    const float *dy = p->x + (size_t)item * (size_t)s->out_h * (size_t)s->out_w * c_out;
    float *dx = p->y + (size_t)item * in_floats,
          *col = p->windows + (size_t)thread * p->window_floats;

    if (!p->accumulate) memset(dx, 0, in_floats * sizeof *dx);
    for (int row = 0; row < s->out_h; row += p->blocks.rows) {
        int n = row + p->blocks.rows > s->out_h ? s->out_h - row : p->blocks.rows;
        size_t pixels = (size_t)n * (size_t)s->out_w;

        pt_blas_gemm(PT_N, PT_T, pixels, depth, c_out,
                     dy + (size_t)row * (size_t)s->out_w * c_out, c_out, p->w, c_out,
                     false, col, depth);
        pt_col2im_add(s, row, n, col, dx);
    }
}

void pt_blas_data(pt_threads *pool, const pt_conv_shape *s, int n_images, const float *dy,
                  const float *w, bool accumulate, float *dx, float *scratch)
{
    backward_way way = way_of(s);
    pass p = {.s = way == SCATTERED ? *s : pt_conv_turned(s),
              .plain = way == STRAIGHT,
              .accumulate = accumulate,
              .x = dy,
              .w = w,
              .y = dx,
              .windows = scratch};

    p.window_floats = window_floats(&p.s);
    p.blocks = pt_conv_blocks_of(&p.s);
    if (way == SCATTERED) {
        pt_threads_run(pool, n_images, scattered_item, &p);
        return;
    }
    if (way == TURNED) {
        p.turned = scratch;
        p.windows += turned_floats(s);
        pt_threads_run(pool, s->kh * s->kw, turn_item, &p);
        p.w = p.turned;
    }
    pt_threads_run(pool, n_images * p.blocks.n_blocks,
                   way == TURNED ? forward_item : by_taps_item, &p);
}

size_t pt_blas_scratch(const pt_conv_shape *s, int n_shards, int n_threads)
{
    backward_way way = way_of(s);
    pt_conv_shape back = way == SCATTERED ? *s : pt_conv_turned(s);
    size_t backward = window_floats(&back) + (way == TURNED ? turned_floats(s) : 0);
    size_t n = pt_max_size(pt_max_size(window_floats(s), backward),
                           pt_blas_weights_scratch(s, n_shards));

    return n * (size_t)n_threads;
}
