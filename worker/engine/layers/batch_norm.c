#include "worker/engine/layers/batch_norm.h"

#include <math.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "common/run/moments.h"

enum {
    CHUNK = 16384, /* values of one item of an elementwise pass, and ... */
    ROOM = 1024    /* ... at a time where they are stored as bfloat16 */
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

/* ---- elementwise passes ----------------------------------------------------------- */

typedef struct {
    const pt_bn_shape *s;
    const float *coef, *means;
    pt_act act;
    pt_values x, dy, plus, out;
    bool accumulate;
    size_t rows; /* pixels of an item */
    int n_parts; /* items of an image */
} row_job;

/* Some pixels of one image, or some channels of one. */
typedef struct {
    size_t rows, c, n, at; /* n channels of c; at: the first value */
    const float *coef, *means;
} row_item;

static row_item rows_of(const row_job *j, int item)
{
    const pt_bn_shape *s = j->s;
    size_t image = (size_t)(item / j->n_parts), begin = (size_t)(item % j->n_parts);
    size_t c = (size_t)s->channels, set = s->set ? (size_t)s->set[image] : 0;
    row_item t = {.c = c, .n = c, .coef = j->coef + set * 4 * c};

    begin *= j->rows;
    t.rows = s->pixels - begin < j->rows ? s->pixels - begin : j->rows;
    t.at = (image * s->pixels + begin) * c;
    if (j->means) t.means = j->means + set * 2 * c;
    return t;
}

static bool all_floats(const row_job *j)
{
    return !j->x.bf16 && !j->dy.bf16 && !j->plus.bf16 && !j->out.bf16;
}

/* What is worked on at a time from value `at` of item t on: all of it, or as much as has
 * room, whole rows or channels of one. */
static row_item part_of(const row_item *t, size_t at, bool all)
{
    row_item p = *t;

    if (all) return p;
    p.at += at;
    p.rows = t->c < ROOM ? pt_min_size(ROOM / t->c, t->rows - at / t->c) : 1;
    if (t->c < ROOM) return p;
    at %= t->c;
    p.n = pt_min_size(ROOM, t->c - at);
    p.coef += at;
    if (p.means) p.means += at;
    return p;
}

static void run_rows(pt_threads *p, row_job *j, void (*work)(void *, int, int))
{
    size_t c = (size_t)j->s->channels;

    j->rows = c < CHUNK ? CHUNK / c : 1;
    j->n_parts = (int)((j->s->pixels + j->rows - 1) / j->rows);
    pt_threads_run(p, j->s->n_images * j->n_parts, work, j);
}

PT_INLINE void normalise(const row_item *t, pt_act act, const float *x, const float *plus,
                         float *y)
{
    const float *mean = t->coef, *scale = mean + 2 * t->c, *beta = scale + t->c;

    for (size_t r = 0; r < t->rows; r++, x += t->n, y += t->n) {
        PT_INDEPENDENT
        for (size_t j = 0; j < t->n; j++) {
            float z = (x[j] - mean[j]) * scale[j] + beta[j];

            y[j] = pt_activate(act, plus ? z + plus[j] : z);
        }
        if (plus) plus += t->n;
    }
}

PT_INLINE void normalise_by(const row_item *t, const row_job *j, pt_act act)
{
    float room_x[ROOM], room_plus[ROOM], room[ROOM];
    bool all = all_floats(j);
    row_item p;

    for (size_t at = 0; at < t->rows * t->c; at += p.rows * p.n) {
        p = part_of(t, at, all);
        size_t n = p.rows * p.n;
        pt_values out = pt_values_from(j->out, p.at);
        const float *x = pt_values_read(pt_values_from(j->x, p.at), n, room_x);
        float *y = pt_values_open(out, n, false, room);

        if (j->plus.at)
            normalise(&p, act, x,
                      pt_values_read(pt_values_from(j->plus, p.at), n, room_plus), y);
        else
            normalise(&p, act, x, NULL, y);
        pt_values_put(out, n, y);
    }
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
                     pt_values x, pt_values plus, pt_values y)
{
    row_job j = {.s = s, .coef = coef, .act = act, .x = x, .plus = plus, .out = y};

    run_rows(p, &j, normalise_item);
}

PT_INLINE void back_rows(const row_item *t, pt_act act, bool batch, bool accumulate,
                         const float *x, const float *dy, float *dx)
{
    size_t c = t->c;
    const float *mean = t->coef, *rstd = mean + c, *scale = rstd + c, *beta = scale + c;
    const float *m1 = t->means, *m2 = t->means + (batch ? c : 0);

    for (size_t r = 0; r < t->rows; r++, x += t->n, dy += t->n, dx += t->n) {
        PT_INDEPENDENT
        for (size_t j = 0; j < t->n; j++) {
            float d = x[j] - mean[j];
            float dz = pt_activate_back(act, d * scale[j] + beta[j], dy[j]);

            if (batch) dz = dz - m1[j] - d * rstd[j] * m2[j];
            dz *= scale[j];
            dx[j] = accumulate ? dx[j] + dz : dz;
        }
    }
}

PT_INLINE void back_act(const row_item *t, pt_act act, bool accumulate, const float *x,
                        const float *dy, float *dx)
{
    if (t->means && accumulate)
        back_rows(t, act, true, true, x, dy, dx);
    else if (t->means)
        back_rows(t, act, true, false, x, dy, dx);
    else if (accumulate)
        back_rows(t, act, false, true, x, dy, dx);
    else
        back_rows(t, act, false, false, x, dy, dx);
}

PT_INLINE void back_by(const row_item *t, const row_job *j, pt_act act)
{
    float room_x[ROOM], room_dy[ROOM], room[ROOM];
    bool all = all_floats(j);
    row_item p;

    for (size_t at = 0; at < t->rows * t->c; at += p.rows * p.n) {
        p = part_of(t, at, all);
        size_t n = p.rows * p.n;
        pt_values out = pt_values_from(j->out, p.at);
        float *dx = pt_values_open(out, n, j->accumulate, room);

        back_act(&p, act, j->accumulate,
                 pt_values_read(pt_values_from(j->x, p.at), n, room_x),
                 pt_values_read(pt_values_from(j->dy, p.at), n, room_dy), dx);
        pt_values_put(out, n, dx);
    }
}

PT_CLONES
static void back_item(void *context, int item, int thread)
{
    const row_job *j = context;
    row_item t = rows_of(j, item);

    if (j->act == PT_ACT_RELU)
        back_by(&t, j, PT_ACT_RELU);
    else if (j->act == PT_ACT_RELU6)
        back_by(&t, j, PT_ACT_RELU6);
    else
        back_by(&t, j, PT_ACT_NONE);
}

void pt_bn_backward_data(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         const float *means, pt_act act, pt_values x, pt_values dy,
                         bool accumulate, pt_values dx)
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
