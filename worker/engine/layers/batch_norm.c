#include "worker/engine/layers/batch_norm.h"

#include <math.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/run/moments.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    MAX_BLOCK = 256, /* channels of one item of a sum: its sums stay in the L1 cache */
    MIN_BLOCK = 16,  /* one cache line */
    CHUNK = 16384    /* floats of one item of an elementwise pass */
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

/* Sums of d and of its square, d = x - shift in double: a single read. Rows in order, one
 * chain per channel; four rows at a time, for a quarter of the traffic of the sums. */
INLINE void shifted_sums(const float *x, size_t rows, size_t c, size_t n,
                         const double *shift, double *sum, double *squares)
{
    size_t r = 0;

    for (; r + 4 <= rows; r += 4, x += 4 * c)
        for (size_t j = 0; j < n; j++) {
            double a = (double)x[j] - shift[j], b = (double)x[c + j] - shift[j];
            double d = (double)x[2 * c + j] - shift[j],
                   e = (double)x[3 * c + j] - shift[j];

            sum[j] = sum[j] + a + b + d + e;
            squares[j] = squares[j] + a * a + b * b + d * d + e * e;
        }
    for (; r < rows; r++, x += c)
        for (size_t j = 0; j < n; j++) {
            double d = (double)x[j] - shift[j];

            sum[j] += d;
            squares[j] += d * d;
        }
}

/* The shift is the first pixel: within a few deviations of the mean, so that next to
 * nothing of the double's digits cancels. */
PT_CLONES
static void moments_item(void *context, int item, int thread)
{
    const sum_job *job = context;
    sum_item t = item_of(job, item);
    double *out = job->out + (size_t)t.group * pt_moments_len(t.c);
    double shift[MAX_BLOCK], sum[MAX_BLOCK] = {0}, squares[MAX_BLOCK] = {0};
    double *mean = out + 1 + t.first, *m2 = mean + t.c, n = (double)t.rows;

    for (size_t j = 0; j < t.n; j++) shift[j] = (double)t.x[j];
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

INLINE void back_sums(const sum_item *t, pt_act act, const float *dy, double *a,
                      double *b)
{
    const float *x = t->x, *mean = t->coef, *rstd = mean + t->c, *scale = rstd + t->c,
                *beta = scale + t->c;

    for (size_t r = 0; r < t->rows; r++, x += t->c, dy += t->c) {
        for (size_t j = 0; j < t->n; j++) {
            float d = x[j] - mean[j];
            double dz = (double)pt_activate_back(act, d * scale[j] + beta[j], dy[j]);

            a[j] += dz;
            b[j] += dz * (double)(d * rstd[j]);
        }
    }
}

PT_CLONES
static void back_sums_item(void *context, int item, int thread)
{
    const sum_job *job = context;
    sum_item t = item_of(job, item);
    const float *dy = job->dy + t.offset;
    double *out = job->out + (size_t)t.group * 2 * t.c;
    double a[MAX_BLOCK] = {0}, b[MAX_BLOCK] = {0};

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
