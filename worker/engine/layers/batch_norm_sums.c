/* The sums of a batch norm over each group: moments forward, two sums backward. */
#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "common/run/moments.h"
#include "worker/engine/layers/batch_norm.h"

enum {
    LINE = 64,        /* bytes of a cache line */
    MAX_BLOCK = 2048, /* channels of one item: whole rows, as memory likes it */
    MIN_BLOCK = 16,
    ROWS = 4,    /* at a time, and ... */
    PART = 32,   /* ... their channels */
    AHEAD = 1024 /* values between those at work and those that are asked for */
};

typedef struct {
    const pt_bn_shape *s;
    const float *coef;
    pt_act act;
    pt_values x, dy;
    double *out;
    size_t block; /* channels of an item */
    int n_blocks;
} sum_job;

/* One item: some channels of one group. */
typedef struct {
    size_t rows, c, first, n; /* n channels from `first` */
    pt_values x, dy;          /* at the group's first pixel and channel `first` */
    const float *coef;        /* of the group, at channel `first` */
    int group;
} sum_item;

static sum_item item_of(const sum_job *j, int item)
{
    const pt_bn_shape *s = j->s;
    size_t c = (size_t)s->channels, b = (size_t)(item % j->n_blocks);
    sum_item t = {.c = c, .group = item / j->n_blocks, .first = b * j->block};
    int begin = s->group_begin[t.group], end = s->group_begin[t.group + 1];

    t.n = c - t.first < j->block ? c - t.first : j->block;
    t.rows = (size_t)(end - begin) * s->pixels;
    t.x = pt_values_from(j->x, (size_t)begin * s->pixels * c + t.first);
    if (j->dy.at) t.dy = pt_values_from(j->dy, (size_t)begin * s->pixels * c + t.first);
    if (j->coef) {
        size_t set = s->set ? (size_t)s->set[begin] : 0;

        t.coef = j->coef + set * pt_bn_coef_len(s->channels) + t.first;
    }
    return t;
}

/* Wide blocks of channels unless that leaves threads idle. The width changes no bits. */
static void run_sums(pt_threads *p, sum_job *j, void (*work)(void *, int, int))
{
    int c = j->s->channels, wanted = 4 * pt_threads_count(p);

    if (pt_threads_count(p) == 1) wanted = 1;
    for (int block = MAX_BLOCK;; block /= 2) {
        j->block = (size_t)block;
        j->n_blocks = (c + block - 1) / block;
        if (block == MIN_BLOCK || j->s->n_groups * j->n_blocks >= wanted) break;
    }
    pt_threads_run(p, j->s->n_groups * j->n_blocks, work, j);
}

/* The rows that come next are asked for in the order of memory: a few rows read at a time
 * are no stream that the CPU foresees. In bytes. */
typedef struct {
    const char *row; /* from the item's first channel on */
    size_t step, n, at;
} ahead;

PT_INLINE ahead ahead_of(pt_values x, size_t c, size_t n)
{
    size_t value = pt_value_bytes(x.bf16);
    size_t rows = (AHEAD + ROWS * c - 1) / (ROWS * c) * ROWS;

    return (ahead){(const char *)x.at + rows * c * value, c * value, n * value, 0};
}

/* As many lines as ROWS rows of PART channels have. */
PT_INLINE void fetch(ahead *a, bool bf16)
{
    size_t lines = ROWS * PART * pt_value_bytes(bf16) / LINE;

    if (a->n == a->step) { /* whole rows: one run */
        for (size_t i = 0; i < lines; i++) __builtin_prefetch(a->row + i * LINE);
        a->row += lines * LINE;
        return;
    }
    for (size_t i = 0; i < lines; i++) {
        __builtin_prefetch(a->row + a->at);
        a->at += LINE;
        if (a->at < a->n) continue;
        a->at = 0;
        a->row += a->step;
    }
}

/* n <= PART channels of n_rows <= ROWS rows of x [..][c]: where they are, or in room;
 * then *step apart. */
PT_INLINE const float *rows_at(pt_values x, size_t c, size_t n_rows, size_t n,
                               float *room, size_t *step)
{
    *step = x.bf16 ? n : c;
    if (!x.bf16) return x.at;
    for (size_t r = 0; r < n_rows; r++)
        pt_values_widen((const uint16_t *)x.at + r * c, n, room + r * n);
    return room;
}

/* Adds n_rows rows in order, one chain per channel. A constant: the sums of a channel
 * stay in registers meanwhile. */
PT_INLINE void add_shifted(pt_values values, size_t n_rows, size_t c, size_t n,
                           const double *shift, double *sum, double *squares)
{
    float room[ROWS * PART];
    size_t step;
    const float *x = rows_at(values, c, n_rows, n, room, &step);

    for (size_t j = 0; j < n; j++) {
        double s = sum[j], q = squares[j];

        PT_UNROLL(4)
        for (size_t r = 0; r < n_rows; r++) {
            double d = (double)x[r * step + j] - shift[j];

            s += d;
            q += d * d;
        }
        sum[j] = s;
        squares[j] = q;
    }
}

/* Sums of d and of its square, d = x - shift in double: a single read. */
PT_INLINE void shifted_sums(const sum_item *t, const double *shift, double *sum,
                            double *squares)
{
    size_t c = t->c, r = 0, k;

    for (; r + ROWS <= t->rows; r += ROWS) {
        pt_values x = pt_values_from(t->x, r * c);
        ahead next = ahead_of(x, c, t->n);

        for (k = 0; k + PART <= t->n; k += PART) {
            fetch(&next, x.bf16);
            add_shifted(pt_values_from(x, k), ROWS, c, PART, shift + k, sum + k,
                        squares + k);
        }
        add_shifted(pt_values_from(x, k), ROWS, c, t->n - k, shift + k, sum + k,
                    squares + k);
    }
    for (; r < t->rows; r++)
        for (k = 0; k < t->n; k += PART)
            add_shifted(pt_values_from(t->x, r * c + k), 1, c,
                        pt_min_size(PART, t->n - k), shift + k, sum + k, squares + k);
}

/* The shift is the first pixel: within a few deviations of the mean, so that next to
 * nothing of the double's digits cancels. */
PT_CLONES
static void moments_item(void *context, int item, int thread)
{
    const sum_job *job = context;
    sum_item t = item_of(job, item);
    double *out = job->out + (size_t)t.group * pt_moments_len(t.c);
    double shift[MAX_BLOCK], sum[MAX_BLOCK], squares[MAX_BLOCK];
    double *mean = out + 1 + t.first, *m2 = mean + t.c, n = (double)t.rows;

    for (size_t j = 0; j < t.n; j++) {
        float first;

        shift[j] = (double)*pt_values_read(pt_values_from(t.x, j), 1, &first);
        sum[j] = squares[j] = 0;
    }
    if (t.x.bf16) {
        shifted_sums(&t, shift, sum, squares);
    } else {
        t.x.bf16 = false; /* known from here on: a copy that asks for no value's kind */
        shifted_sums(&t, shift, sum, squares);
    }
    if (t.first == 0) out[0] = n;
    for (size_t j = 0; j < t.n; j++) {
        double rest = squares[j] - sum[j] * (sum[j] / n);

        mean[j] = shift[j] + sum[j] / n;
        m2[j] = rest > 0 || rest != rest ? rest : 0;
    }
}

void pt_bn_moments(pt_threads *p, const pt_bn_shape *s, pt_values x, double *moments)
{
    sum_job j = {.s = s, .x = x, .out = moments};

    run_sums(p, &j, moments_item);
}

/* Rows after the float part of their arithmetic. In memory, since a conversion to double
 * takes half as long from there as from a register. */
typedef struct {
    float dz[ROWS * PART], xhat[ROWS * PART];
} float_rows;

/* n channels of n_rows rows; coef at the first of them. A constant for act. */
PT_INLINE void make_some(const float *coef, size_t c, pt_act act, size_t n_rows, size_t n,
                         pt_values values, pt_values gradient, float_rows *out)
{
    const float *mean = coef, *rstd = mean + c, *scale = rstd + c, *beta = scale + c;
    float room_x[ROWS * PART], room_dy[ROWS * PART];
    size_t step_x, step_dy;
    const float *x = rows_at(values, c, n_rows, n, room_x, &step_x);
    const float *dy = rows_at(gradient, c, n_rows, n, room_dy, &step_dy);

    for (size_t r = 0; r < n_rows; r++, x += step_x, dy += step_dy) {
        float *dz = out->dz + r * n, *xhat = out->xhat + r * n;

        PT_INDEPENDENT
        for (size_t j = 0; j < n; j++) {
            float d = x[j] - mean[j];

            dz[j] = pt_activate_back(act, d * scale[j] + beta[j], dy[j]);
            xhat[j] = d * rstd[j];
        }
    }
}

PT_INLINE void make_rows(const float *coef, size_t c, pt_act act, size_t n_rows, size_t n,
                         pt_values x, pt_values dy, float_rows *out)
{
    if (act == PT_ACT_RELU)
        make_some(coef, c, PT_ACT_RELU, n_rows, n, x, dy, out);
    else if (act == PT_ACT_RELU6)
        make_some(coef, c, PT_ACT_RELU6, n_rows, n, x, dy, out);
    else
        make_some(coef, c, PT_ACT_NONE, n_rows, n, x, dy, out);
}

PT_INLINE void add_rows(const float_rows *v, size_t n_rows, size_t n, double *a,
                        double *b)
{
    for (size_t j = 0; j < n; j++) {
        double sum_a = a[j], sum_b = b[j];

        PT_UNROLL(4)
        for (size_t r = 0; r < n_rows; r++) {
            double dz = (double)v->dz[r * n + j];

            sum_a += dz;
            sum_b += dz * (double)v->xhat[r * n + j];
        }
        a[j] = sum_a;
        b[j] = sum_b;
    }
}

/* PART channels from k on of the ROWS rows from r on. */
PT_INLINE void add_part(const sum_item *t, pt_act act, size_t r, size_t k, double *a,
                        double *b)
{
    size_t at = r * t->c + k;
    float_rows v;

    make_rows(t->coef + k, t->c, act, ROWS, PART, pt_values_from(t->x, at),
              pt_values_from(t->dy, at), &v);
    add_rows(&v, ROWS, PART, a + k, b + k);
}

/* n <= PART channels, which are too few for a buffer to pay. */
PT_INLINE void add_few(const sum_item *t, pt_act act, size_t r, size_t n_rows, size_t k,
                       size_t n, double *a, double *b)
{
    const float *mean = t->coef + k, *rstd = mean + t->c, *scale = rstd + t->c,
                *beta = scale + t->c;
    float room_x[ROWS * PART], room_dy[ROWS * PART];
    size_t at = r * t->c + k, step_x, step_dy;
    const float *x = rows_at(pt_values_from(t->x, at), t->c, n_rows, n, room_x, &step_x);
    const float *dy =
        rows_at(pt_values_from(t->dy, at), t->c, n_rows, n, room_dy, &step_dy);

    for (size_t i = 0; i < n_rows; i++, x += step_x, dy += step_dy)
        for (size_t j = 0; j < n; j++) {
            float d = x[j] - mean[j];
            double dz = (double)pt_activate_back(act, d * scale[j] + beta[j], dy[j]);

            a[k + j] += dz;
            b[k + j] += dz * (double)(d * rstd[j]);
        }
}

PT_INLINE void add_rest(const sum_item *t, pt_act act, size_t r, size_t n_rows, size_t k,
                        size_t n, double *a, double *b)
{
    if (act == PT_ACT_RELU)
        add_few(t, PT_ACT_RELU, r, n_rows, k, n, a, b);
    else if (act == PT_ACT_RELU6)
        add_few(t, PT_ACT_RELU6, r, n_rows, k, n, a, b);
    else
        add_few(t, PT_ACT_NONE, r, n_rows, k, n, a, b);
}

/* Narrow maps: a plain loop over the rows, or (bfloat16) over as many as there is room
 * for. */
PT_INLINE void back_narrow_sums(const sum_item *t, pt_act act, double *a, double *b)
{
    size_t some = t->x.bf16 || t->dy.bf16 ? ROWS : t->rows;

    for (size_t r = 0; r < t->rows; r += some)
        add_rest(t, act, r, pt_min_size(some, t->rows - r), 0, t->n, a, b);
}

/* The rows from r on, too few to be worth a copy for every kind of value. */
PT_CLONES
static void last_rows(const sum_item *t, pt_act act, size_t r, double *a, double *b)
{
    for (; r < t->rows; r++)
        for (size_t k = 0; k < t->n; k += PART)
            add_rest(t, act, r, 1, k, pt_min_size(PART, t->n - k), a, b);
}

PT_INLINE void back_sums(const sum_item *t, pt_act act, double *a, double *b)
{
    size_t c = t->c, r = 0, k;

    if (t->n < PART) {
        back_narrow_sums(t, act, a, b);
        return;
    }
    for (; r + ROWS <= t->rows; r += ROWS) {
        ahead next_x = ahead_of(pt_values_from(t->x, r * c), c, t->n);
        ahead next_dy = ahead_of(pt_values_from(t->dy, r * c), c, t->n);

        for (k = 0; k + PART <= t->n; k += PART) {
            fetch(&next_x, t->x.bf16);
            fetch(&next_dy, t->dy.bf16);
            add_part(t, act, r, k, a, b);
        }
        if (k < t->n) add_rest(t, act, r, ROWS, k, t->n - k, a, b);
    }
    last_rows(t, act, r, a, b);
}

PT_CLONES
static void back_sums_item(void *context, int item, int thread)
{
    const sum_job *job = context;
    sum_item t = item_of(job, item);
    double *out = job->out + (size_t)t.group * 2 * t.c;
    double a[MAX_BLOCK], b[MAX_BLOCK];

    for (size_t j = 0; j < t.n; j++) a[j] = b[j] = 0;
    if (t.x.bf16 || t.dy.bf16) {
        back_sums(&t, job->act, a, b);
    } else {
        t.x.bf16 = t.dy.bf16 = false; /* as above */
        back_sums(&t, job->act, a, b);
    }
    memcpy(out + t.first, a, t.n * sizeof *out);
    memcpy(out + t.c + t.first, b, t.n * sizeof *out);
}

void pt_bn_backward_sums(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         pt_act act, pt_values x, pt_values dy, double *sums)
{
    sum_job j = {.s = s, .coef = coef, .act = act, .x = x, .dy = dy, .out = sums};

    run_sums(p, &j, back_sums_item);
}
