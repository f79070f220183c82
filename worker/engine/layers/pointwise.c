#include "worker/engine/layers/pointwise.h"

#include <string.h>

#include "common/base/rng.h"
#include "common/base/simd.h"

enum { CHUNK = 16384, ROOM = 1024, RANDOM_CHUNK = 1024 };

/* Elements [begin, end) of something. */
typedef void (*range_work)(const void *args, size_t begin, size_t end);

typedef struct {
    size_t n, chunk;
    range_work work;
    const void *args;
} range_job;

static void range_item(void *context, int item, int thread)
{
    const range_job *j = context;
    size_t begin = (size_t)item * j->chunk, end = begin + j->chunk;

    j->work(j->args, begin, end < j->n ? end : j->n);
}

static void run_ranges(pt_threads *p, size_t n, size_t chunk, range_work work,
                       const void *args)
{
    range_job j = {n, chunk > 0 ? chunk : 1, work, args};

    pt_threads_run(p, (int)((n + j.chunk - 1) / j.chunk), range_item, &j);
}

/* ---- activations and addition ------------------------------------------------------ */

/* What a layer does to n floats: out = f(a, b), or out + f(a, b) with accumulate. Buffers
 * are equal or disjoint: ivdep states that no iteration reads what another one writes. */
typedef struct two_args two_args;
typedef void (*two_work)(const two_args *t, const float *a, const float *b, size_t n,
                         float *out);

struct two_args {
    pt_act act;
    bool accumulate;
    pt_values a, b, out;
    two_work work;
};

/* Some values at a time, where they are or in rooms. */
PT_CLONES
static void two_range(const void *args, size_t begin, size_t end)
{
    const two_args *t = args;
    float room_a[ROOM], room_b[ROOM], room[ROOM];
    bool floats = !t->a.bf16 && !t->b.bf16 && !t->out.bf16;

    for (size_t i = begin, n; i < end; i += n) {
        pt_values out = pt_values_from(t->out, i);

        n = floats || end - i < ROOM ? end - i : ROOM;

        const float *a = pt_values_read(pt_values_from(t->a, i), n, room_a);
        const float *b =
            t->b.at ? pt_values_read(pt_values_from(t->b, i), n, room_b) : NULL;
        float *to = pt_values_open(out, n, t->accumulate, room);

        t->work(t, a, b, n, to);
        pt_values_put(out, n, to);
    }
}

static void run_two(pt_threads *p, size_t n, const two_args *t)
{
    run_ranges(p, n, CHUNK, two_range, t);
}

PT_CLONES
static void relu(const two_args *t, const float *x, const float *none, size_t n, float *y)
{
    if (t->act == PT_ACT_RELU) {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = pt_activate(PT_ACT_RELU, x[i]);
    } else {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = pt_activate(PT_ACT_RELU6, x[i]);
    }
}

void pt_relu_forward(pt_threads *p, pt_act act, size_t n, pt_values x, pt_values y)
{
    run_two(p, n, &(two_args){.act = act, .a = x, .out = y, .work = relu});
}

PT_CLONES
static void relu_back(const two_args *t, const float *y, const float *dy, size_t n,
                      float *dx)
{
    if (t->act == PT_ACT_RELU) {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) dx[i] = pt_activate_back(PT_ACT_RELU, y[i], dy[i]);
    } else {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++)
            dx[i] = pt_activate_back(PT_ACT_RELU6, y[i], dy[i]);
    }
}

PT_CLONES
static void relu_back_add(const two_args *t, const float *y, const float *dy, size_t n,
                          float *dx)
{
    if (t->act == PT_ACT_RELU) {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++)
            dx[i] += pt_activate_back(PT_ACT_RELU, y[i], dy[i]);
    } else {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++)
            dx[i] += pt_activate_back(PT_ACT_RELU6, y[i], dy[i]);
    }
}

void pt_relu_backward(pt_threads *p, pt_act act, size_t n, pt_values y, pt_values dy,
                      bool accumulate, pt_values dx)
{
    run_two(p, n,
            &(two_args){.act = act,
                        .accumulate = accumulate,
                        .a = y,
                        .b = dy,
                        .out = dx,
                        .work = accumulate ? relu_back_add : relu_back});
}

PT_CLONES
static void add(const two_args *t, const float *a, const float *b, size_t n, float *y)
{
    if (t->act == PT_ACT_RELU) {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = pt_activate(PT_ACT_RELU, a[i] + b[i]);
    } else if (t->act == PT_ACT_RELU6) {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = pt_activate(PT_ACT_RELU6, a[i] + b[i]);
    } else {
        PT_INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
    }
}

void pt_add_forward(pt_threads *p, pt_act act, size_t n, pt_values a, pt_values b,
                    pt_values y)
{
    run_two(p, n, &(two_args){.act = act, .a = a, .b = b, .out = y, .work = add});
}

PT_CLONES
static void accumulate_range(float *out, const float *in, size_t n)
{
    PT_INDEPENDENT
    for (size_t i = 0; i < n; i++) out[i] += in[i];
}

/* One run of floats: copied, or added to what is there. */
static void put(float *out, const float *in, size_t n, bool accumulate)
{
    if (accumulate)
        accumulate_range(out, in, n);
    else
        memcpy(out, in, n * sizeof *out);
}

static void pass(const two_args *t, const float *dy, const float *none, size_t n,
                 float *dx)
{
    put(dx, dy, n, t->accumulate);
}

void pt_pass_gradient(pt_threads *p, size_t n, pt_values dy, bool accumulate,
                      pt_values dx)
{
    run_two(p, n,
            &(two_args){.accumulate = accumulate, .a = dy, .out = dx, .work = pass});
}

/* ---- concatenation and shortcut ---------------------------------------------------- */

typedef struct {
    size_t c_a, c_b;
    pt_values a, b, y;
} concat_args;

/* n values from one place to another. */
PT_INLINE void copy(pt_values from, size_t n, pt_values to)
{
    float room[ROOM];

    if (from.bf16 == to.bf16) {
        memcpy(to.at, from.at, n * pt_value_bytes(to.bf16));
        return;
    }
    for (size_t i = 0; i < n; i += ROOM) {
        size_t some = n - i < ROOM ? n - i : ROOM;
        pt_values out = pt_values_from(to, i);
        const float *x = pt_values_read(pt_values_from(from, i), some, room);

        if (to.bf16)
            pt_values_put(out, some, x);
        else
            memcpy(out.at, x, some * sizeof *x);
    }
}

PT_CLONES
static void concat_range(const void *args, size_t begin, size_t end)
{
    const concat_args *t = args;
    size_t c = t->c_a + t->c_b;

    for (size_t r = begin; r < end; r++) {
        copy(pt_values_from(t->a, r * t->c_a), t->c_a, pt_values_from(t->y, r * c));
        copy(pt_values_from(t->b, r * t->c_b), t->c_b,
             pt_values_from(t->y, r * c + t->c_a));
    }
}

void pt_concat_forward(pt_threads *p, size_t pixels, int c_a, pt_values a, int c_b,
                       pt_values b, pt_values y)
{
    concat_args t = {(size_t)c_a, (size_t)c_b, a, b, y};

    run_ranges(p, pixels, CHUNK / (size_t)(c_a + c_b), concat_range, &t);
}

typedef struct {
    const pt_concat_input *in;
    pt_values dy;
} split_args;

PT_INLINE void put_masked(float *out, const float *in, size_t n, bool accumulate,
                          const float *mask)
{
    PT_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        float v = accumulate ? out[i] + in[i] : in[i];

        out[i] = pt_activate_back(PT_ACT_RELU, mask[i], v);
    }
}

/* n channels of one pixel. */
PT_INLINE void split_some(const pt_concat_input *in, pt_values dy, pt_values mask,
                          size_t n, pt_values dx)
{
    float room_dy[ROOM], room_mask[ROOM], room[ROOM];
    const float *from = pt_values_read(dy, n, room_dy);
    float *to = pt_values_open(dx, n, in->accumulate, room);

    if (mask.at)
        put_masked(to, from, n, in->accumulate, pt_values_read(mask, n, room_mask));
    else
        put(to, from, n, in->accumulate);
    pt_values_put(dx, n, to);
}

/* All of an input's channels of pixel r. */
PT_INLINE void split_pixel(const pt_concat_input *in, size_t r, pt_values dy)
{
    size_t c = (size_t)in->c;

    for (size_t i = 0; i < c; i += ROOM) {
        size_t n = c - i < ROOM ? c - i : ROOM, at = r * c + i;
        pt_values mask = in->mask.at ? pt_values_from(in->mask, at) : in->mask;

        split_some(in, pt_values_from(dy, i), mask, n, pt_values_from(in->dx, at));
    }
}

PT_CLONES
static void split_range(const void *args, size_t begin, size_t end)
{
    const split_args *t = args;
    size_t first = (size_t)t->in[0].c, c = first + (size_t)t->in[1].c;

    for (size_t r = begin; r < end; r++)
        for (size_t k = 0; k < 2; k++)
            if (t->in[k].dx.at)
                split_pixel(&t->in[k], r, pt_values_from(t->dy, r * c + k * first));
}

void pt_concat_backward(pt_threads *p, size_t pixels, const pt_concat_input in[2],
                        pt_values dy)
{
    split_args t = {in, dy};

    run_ranges(p, pixels, CHUNK / (size_t)(in[0].c + in[1].c), split_range, &t);
}

typedef struct {
    const pt_shortcut *s;
    const float *in;
    bool accumulate;
    float *out;
} shortcut_args;

/* Rows of the output, counted over all images. */
static void shortcut_rows(const void *args, size_t begin, size_t end)
{
    const shortcut_args *t = args;
    const pt_shortcut *s = t->s;
    size_t c = (size_t)s->c_in, c_out = (size_t)s->c_out, before = (c_out - c) / 2;

    for (size_t r = begin; r < end; r++) {
        size_t image = r / (size_t)s->out_h, row = r % (size_t)s->out_h;
        const float *x =
            t->in + (image * (size_t)s->h + row * (size_t)s->stride) * (size_t)s->w * c;
        float *y = t->out + r * (size_t)s->out_w * c_out;

        for (int i = 0; i < s->out_w; i++, x += (size_t)s->stride * c, y += c_out) {
            memset(y, 0, before * sizeof *y);
            memcpy(y + before, x, c * sizeof *y);
            memset(y + before + c, 0, (c_out - before - c) * sizeof *y);
        }
    }
}

void pt_shortcut_forward(pt_threads *p, const pt_shortcut *s, int n_images,
                         const float *x, float *y)
{
    shortcut_args t = {.s = s, .in = x, .out = y};
    size_t row = (size_t)s->out_w * (size_t)s->c_out;

    run_ranges(p, (size_t)n_images * (size_t)s->out_h, CHUNK / row, shortcut_rows, &t);
}

/* Rows of the input's gradient, counted over all images. */
static void shortcut_back_rows(const void *args, size_t begin, size_t end)
{
    const shortcut_args *t = args;
    const pt_shortcut *s = t->s;
    size_t c = (size_t)s->c_in, c_out = (size_t)s->c_out, stride = (size_t)s->stride;

    for (size_t r = begin; r < end; r++) {
        size_t image = r / (size_t)s->h, row = r % (size_t)s->h;
        const float *dy = t->in + (c_out - c) / 2;
        float *dx = t->out + r * (size_t)s->w * c;

        if (!t->accumulate) memset(dx, 0, (size_t)s->w * c * sizeof *dx);
        if (row % stride != 0 || row / stride >= (size_t)s->out_h) continue;
        dy += (image * (size_t)s->out_h + row / stride) * (size_t)s->out_w * c_out;
        for (int i = 0; i < s->out_w; i++, dx += stride * c, dy += c_out)
            put(dx, dy, c, t->accumulate);
    }
}

void pt_shortcut_backward(pt_threads *p, const pt_shortcut *s, int n_images,
                          const float *dy, bool accumulate, float *dx)
{
    shortcut_args t = {.s = s, .in = dy, .out = dx, .accumulate = accumulate};
    size_t row = (size_t)s->w * (size_t)s->c_in;

    run_ranges(p, (size_t)n_images * (size_t)s->h, CHUNK / row, shortcut_back_rows, &t);
}

/* ---- dropout ---------------------------------------------------------------------- */

typedef struct {
    const pt_dropout *d;
    size_t blocks; /* of one image */
    const float *x;
    bool accumulate;
    float *y;
} dropout_job;

PT_CLONES
static void dropout_block(const uint32_t *words, size_t n, float prob, const float *x,
                          bool accumulate, float *y)
{
    float scale = 1.0f / (1.0f - prob);

    PT_INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        float u = (float)(words[i] >> 8) * 0x1p-24f;
        float v = u >= prob ? x[i] * scale : 0.0f;

        y[i] = accumulate ? y[i] + v : v;
    }
}

static void dropout_item(void *context, int item, int thread)
{
    const dropout_job *j = context;
    const pt_dropout *d = j->d;
    size_t image = (size_t)item / j->blocks,
           begin = (size_t)item % j->blocks * RANDOM_CHUNK;
    size_t n = d->size - begin < RANDOM_CHUNK ? d->size - begin : RANDOM_CHUNK;
    uint64_t position = (uint64_t)d->first + image;
    pt_rng r = pt_rng_stream(d->seed, PT_RNG_DROPOUT, d->step,
                             (uint64_t)d->node << 32 | position);
    uint32_t words[RANDOM_CHUNK];

    pt_rng_fill_u32(&r, begin, words, n);
    begin += image * d->size;
    dropout_block(words, n, d->prob, j->x + begin, j->accumulate, j->y + begin);
}

void pt_dropout_apply(pt_threads *p, const pt_dropout *d, int n_images, const float *x,
                      bool accumulate, float *y)
{
    size_t blocks = (d->size + RANDOM_CHUNK - 1) / RANDOM_CHUNK;
    dropout_job j = {d, blocks, x, accumulate, y};

    pt_threads_run(p, n_images * (int)blocks, dropout_item, &j);
}
