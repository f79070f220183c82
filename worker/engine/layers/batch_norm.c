#include "worker/engine/layers/batch_norm.h"

#include <math.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "common/run/moments.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LINE = 16,        /* floats of a cache line */
    MAX_BLOCK = 2048, /* channels of one item of a sum: whole rows, as memory likes it */
    MIN_BLOCK = LINE,
    ROWS = 4,     /* of a sum at a time, and ... */
    PART = 64,    /* ... their channels */
    AHEAD = 1024, /* floats between those at work and those that are asked for */
    CHUNK = 16384 /* floats of one item of an elementwise pass */
};

static void put_coef(double mean, double var, float eps, float gamma, float beta,
                     size_t c, float *coef)
{
    double rstd = 1.0 / sqrt(var + (double)eps);

    coef[0] = (float)mean;
    coef[c] = (float)rstd;
    coef[2 * c] = (float)((double)gamma * rstd);
    coef[3 * c] = beta;
}

void pt_bn_coef_of_moments(const double *moments, int channels, float eps,
                           const float *gamma, const float *beta, float *coef)
{
    size_t c = (size_t)channels;
    const double *mean = moments + 1, *m2 = mean + c;

    for (size_t j = 0; j < c; j++)
        put_coef(mean[j], m2[j] / moments[0], eps, gamma[j], beta[j], c, coef + j);
}

void pt_bn_coef_of_running(const float *mean, const float *var, int channels, float eps,
                           const float *gamma, const float *beta, float *coef)
{
    size_t c = (size_t)channels;

    for (size_t j = 0; j < c; j++)
        put_coef((double)mean[j], (double)var[j], eps, gamma[j], beta[j], c, coef + j);
}

/* ---- sums per group --------------------------------------------------------------- */

typedef struct {
    const pt_bn_shape *s;
    const float *coef;
    pt_act act;
    const float *x, *dy;
    double *out;
    size_t block; /* channels of an item */
    int n_blocks;
} sum_job;

/* One item: some channels of one group. */
typedef struct {
    size_t rows, c, first, n; /* n channels from `first` */
    const float *x;           /* at the group's first pixel and channel `first` */
    size_t offset;            /* of x in the whole array */
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
    t.offset = (size_t)begin * s->pixels * c + t.first;
    t.x = j->x + t.offset;
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
 * are no stream that the CPU foresees. */
typedef struct {
    const float *row; /* from the item's first channel on */
    size_t c, n, at;  /* n channels of c; the next one */
} ahead;

INLINE ahead ahead_of(const float *x, size_t c, size_t n)
{
    size_t rows = (AHEAD + ROWS * c - 1) / (ROWS * c) * ROWS;

    return (ahead){x + rows * c, c, n, 0};
}

/* As many lines as ROWS rows of PART channels have. */
INLINE void fetch(ahead *a)
{
    for (int i = 0; i < ROWS * PART / LINE; i++) {
        __builtin_prefetch(a->row + a->at);
        a->at += LINE;
        if (a->at < a->n) continue;
        a->at = 0;
        a->row += a->c;
    }
}

/* Adds n_rows rows in order, one chain per channel. A constant: the sums of a channel
 * stay in registers meanwhile. */
INLINE void add_shifted(const float *x, size_t n_rows, size_t c, size_t n,
                        const double *shift, double *sum, double *squares)
{
    for (size_t j = 0; j < n; j++) {
        double s = sum[j], q = squares[j];

#pragma GCC unroll 4
        for (size_t r = 0; r < n_rows; r++) {
            double d = (double)x[r * c + j] - shift[j];

            s += d;
            q += d * d;
        }
        sum[j] = s;
        squares[j] = q;
    }
}

/* Sums of d and of its square, d = x - shift in double: a single read. */
INLINE void shifted_sums(const float *x, size_t rows, size_t c, size_t n,
                         const double *shift, double *sum, double *squares)
{
    size_t r = 0;

    for (; r + ROWS <= rows; r += ROWS, x += ROWS * c) {
        ahead next = ahead_of(x, c, n);
        size_t k = 0;

        for (; k + PART <= n; k += PART) {
            fetch(&next);
            add_shifted(x + k, ROWS, c, PART, shift + k, sum + k, squares + k);
        }
        add_shifted(x + k, ROWS, c, n - k, shift + k, sum + k, squares + k);
    }
    for (; r < rows; r++, x += c) add_shifted(x, 1, c, n, shift, sum, squares);
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
        shift[j] = (double)t.x[j];
        sum[j] = squares[j] = 0;
    }
    shifted_sums(t.x, t.rows, t.c, t.n, shift, sum, squares);
    if (t.first == 0) out[0] = n;
    for (size_t j = 0; j < t.n; j++) {
        double rest = squares[j] - sum[j] * (sum[j] / n);

        mean[j] = shift[j] + sum[j] / n;
        m2[j] = rest > 0 || rest != rest ? rest : 0;
    }
}

void pt_bn_moments(pt_threads *p, const pt_bn_shape *s, const float *x, double *moments)
{
    sum_job j = {.s = s, .x = x, .out = moments};

    run_sums(p, &j, moments_item);
}

/* Rows after the float part of their arithmetic. In memory, since a conversion to double
 * takes half as long from there as from a register. */
typedef struct {
    float dz[ROWS * PART], xhat[ROWS * PART];
} float_rows;

/* n channels of n_rows rows; coef at the first of them. */
INLINE void make_rows(const float *coef, size_t c, pt_act act, size_t n_rows, size_t n,
                      const float *x, const float *dy, float_rows *out)
{
    const float *mean = coef, *rstd = mean + c, *scale = rstd + c, *beta = scale + c;

    for (size_t r = 0; r < n_rows; r++, x += c, dy += c) {
        float *dz = out->dz + r * n, *xhat = out->xhat + r * n;

#pragma GCC ivdep
        for (size_t j = 0; j < n; j++) {
            float d = x[j] - mean[j];

            dz[j] = pt_activate_back(act, d * scale[j] + beta[j], dy[j]);
            xhat[j] = d * rstd[j];
        }
    }
}

INLINE void add_rows(const float_rows *v, size_t n_rows, size_t n, double *a, double *b)
{
    for (size_t j = 0; j < n; j++) {
        double sum_a = a[j], sum_b = b[j];

#pragma GCC unroll 4
        for (size_t r = 0; r < n_rows; r++) {
            double dz = (double)v->dz[r * n + j];

            sum_a += dz;
            sum_b += dz * (double)v->xhat[r * n + j];
        }
        a[j] = sum_a;
        b[j] = sum_b;
    }
}

/* n <= PART channels from k on. */
INLINE void back_part(const sum_item *t, pt_act act, size_t n_rows, size_t k, size_t n,
                      const float *x, const float *dy, double *a, double *b)
{
    float_rows v;

    make_rows(t->coef + k, t->c, act, n_rows, n, x + k, dy + k, &v);
    add_rows(&v, n_rows, n, a + k, b + k);
}

INLINE void back_sums(const sum_item *t, pt_act act, const float *dy, double *a,
                      double *b)
{
    const float *x = t->x;
    size_t c = t->c, r = 0, k;

    for (; r + ROWS <= t->rows; r += ROWS, x += ROWS * c, dy += ROWS * c) {
        ahead next_x = ahead_of(x, c, t->n), next_dy = ahead_of(dy, c, t->n);

        for (k = 0; k + PART <= t->n; k += PART) {
            fetch(&next_x);
            fetch(&next_dy);
            back_part(t, act, ROWS, k, PART, x, dy, a, b);
        }
        back_part(t, act, ROWS, k, t->n - k, x, dy, a, b);
    }
    for (; r < t->rows; r++, x += c, dy += c)
        for (k = 0; k < t->n; k += PART)
            back_part(t, act, 1, k, pt_min_size(PART, t->n - k), x, dy, a, b);
}

PT_CLONES
static void back_sums_item(void *context, int item, int thread)
{
    const sum_job *job = context;
    sum_item t = item_of(job, item);
    const float *dy = job->dy + t.offset;
    double *out = job->out + (size_t)t.group * 2 * t.c;
    double a[MAX_BLOCK], b[MAX_BLOCK];

    for (size_t j = 0; j < t.n; j++) a[j] = b[j] = 0;
    if (job->act == PT_ACT_RELU)
        back_sums(&t, PT_ACT_RELU, dy, a, b);
    else if (job->act == PT_ACT_RELU6)
        back_sums(&t, PT_ACT_RELU6, dy, a, b);
    else
        back_sums(&t, PT_ACT_NONE, dy, a, b);
    memcpy(out + t.first, a, t.n * sizeof *out);
    memcpy(out + t.c + t.first, b, t.n * sizeof *out);
}

void pt_bn_backward_sums(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         pt_act act, const float *x, const float *dy, double *sums)
{
    sum_job j = {.s = s, .coef = coef, .act = act, .x = x, .dy = dy, .out = sums};

    run_sums(p, &j, back_sums_item);
}

/* ---- elementwise passes ----------------------------------------------------------- */

typedef struct {
    const pt_bn_shape *s;
    const float *coef, *means;
    pt_act act;
    const float *x, *dy, *plus;
    bool accumulate;
    float *out;
    size_t rows; /* pixels of an item */
    int n_parts; /* items of an image */
} row_job;

/* Some pixels of one image. */
typedef struct {
    size_t rows, c, at; /* at: first float */
    const float *coef, *means;
} row_item;

static row_item rows_of(const row_job *j, int item)
{
    const pt_bn_shape *s = j->s;
    size_t image = (size_t)(item / j->n_parts), begin = (size_t)(item % j->n_parts);
    size_t c = (size_t)s->channels, set = s->set ? (size_t)s->set[image] : 0;
    row_item t = {.c = c, .coef = j->coef + set * 4 * c};

    begin *= j->rows;
    t.rows = s->pixels - begin < j->rows ? s->pixels - begin : j->rows;
    t.at = (image * s->pixels + begin) * c;
    if (j->means) t.means = j->means + set * 2 * c;
    return t;
}

static void run_rows(pt_threads *p, row_job *j, void (*work)(void *, int, int))
{
    size_t c = (size_t)j->s->channels;

    j->rows = c < CHUNK ? CHUNK / c : 1;
    j->n_parts = (int)((j->s->pixels + j->rows - 1) / j->rows);
    pt_threads_run(p, j->s->n_images * j->n_parts, work, j);
}

INLINE void normalise(const row_item *t, pt_act act, const float *x, const float *plus,
                      float *y)
{
    const float *mean = t->coef, *scale = mean + 2 * t->c, *beta = scale + t->c;

    for (size_t r = 0; r < t->rows; r++, x += t->c, y += t->c) {
#pragma GCC ivdep
        for (size_t j = 0; j < t->c; j++) {
            float z = (x[j] - mean[j]) * scale[j] + beta[j];

            y[j] = pt_activate(act, plus ? z + plus[j] : z);
        }
        if (plus) plus += t->c;
    }
}

INLINE void normalise_by(const row_item *t, const row_job *j, pt_act act)
{
    const float *x = j->x + t->at;

    if (j->plus)
        normalise(t, act, x, j->plus + t->at, j->out + t->at);
    else
        normalise(t, act, x, NULL, j->out + t->at);
}

PT_CLONES
static void normalise_item(void *context, int item, int thread)
{
    const row_job *j = context;
    row_item t = rows_of(j, item);

    if (j->act == PT_ACT_RELU)
        normalise_by(&t, j, PT_ACT_RELU);
    else if (j->act == PT_ACT_RELU6)
        normalise_by(&t, j, PT_ACT_RELU6);
    else
        normalise_by(&t, j, PT_ACT_NONE);
}

void pt_bn_normalise(pt_threads *p, const pt_bn_shape *s, const float *coef, pt_act act,
                     const float *x, const float *plus, float *y)
{
    row_job j = {.s = s, .coef = coef, .act = act, .x = x, .plus = plus, .out = y};

    run_rows(p, &j, normalise_item);
}

INLINE void back_rows(const row_item *t, pt_act act, bool batch, bool accumulate,
                      const float *x, const float *dy, float *dx)
{
    size_t c = t->c;
    const float *mean = t->coef, *rstd = mean + c, *scale = rstd + c, *beta = scale + c;
    const float *m1 = t->means, *m2 = t->means + (batch ? c : 0);

    for (size_t r = 0; r < t->rows; r++, x += c, dy += c, dx += c) {
#pragma GCC ivdep
        for (size_t j = 0; j < c; j++) {
            float d = x[j] - mean[j];
            float dz = pt_activate_back(act, d * scale[j] + beta[j], dy[j]);

            if (batch) dz = dz - m1[j] - d * rstd[j] * m2[j];
            dz *= scale[j];
            dx[j] = accumulate ? dx[j] + dz : dz;
        }
    }
}

INLINE void back_act(const row_item *t, const row_job *j, pt_act act)
{
    const float *x = j->x + t->at, *dy = j->dy + t->at;
    float *dx = j->out + t->at;

    if (t->means && j->accumulate)
        back_rows(t, act, true, true, x, dy, dx);
    else if (t->means)
        back_rows(t, act, true, false, x, dy, dx);
    else if (j->accumulate)
        back_rows(t, act, false, true, x, dy, dx);
    else
        back_rows(t, act, false, false, x, dy, dx);
}

PT_CLONES
static void back_item(void *context, int item, int thread)
{
    const row_job *j = context;
    row_item t = rows_of(j, item);

    if (j->act == PT_ACT_RELU)
        back_act(&t, j, PT_ACT_RELU);
    else if (j->act == PT_ACT_RELU6)
        back_act(&t, j, PT_ACT_RELU6);
    else
        back_act(&t, j, PT_ACT_NONE);
}

void pt_bn_backward_data(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         const float *means, pt_act act, const float *x, const float *dy,
                         bool accumulate, float *dx)
{
    row_job j = {.s = s,
                 .coef = coef,
                 .means = means,
                 .act = act,
                 .x = x,
                 .dy = dy,
                 .accumulate = accumulate,
                 .out = dx};

    run_rows(p, &j, back_item);
}
