#include "server/methods/adarand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "server/methods/method.h"

enum { MEAN, DEVIATION, RUNNING, FIRST, SECOND, ARRAYS };

size_t pt_adarand_floats(int classes, int dims)
{
    return ARRAYS * (size_t)classes * (size_t)dims + 1;
}

static float *array(float *state, int which, int classes, int dims)
{
    return state + (size_t)which * (size_t)classes * (size_t)dims;
}

/* Means and deviations (with n) of the features of a class, of its images alone. */
static void moments_of(const float *features, const int32_t *labels, size_t n, size_t w,
                       int k, float *mean, float *deviation, double *sums)
{
    size_t of_class = 0;

    memset(sums, 0, 2 * w * sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        if (labels[i] != k) continue;
        for (size_t d = 0; d < w; d++) sums[d] += features[i * w + d];
        of_class++;
    }
    for (size_t d = 0; d < w && of_class > 0; d++) sums[d] /= (double)of_class;
    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < w && labels[i] == k; d++) {
            double e = features[i * w + d] - sums[d];

            sums[w + d] += e * e;
        }
    for (size_t d = 0; d < w; d++) {
        mean[d] = (float)sums[d];
        deviation[d] = of_class ? (float)sqrt(sums[w + d] / (double)of_class) : 1;
    }
}

pt_status pt_adarand_init(float *state, int classes, int dims, const float *features,
                          const int32_t *labels, size_t n)
{
    float *mean = array(state, MEAN, classes, dims);
    float *deviation = array(state, DEVIATION, classes, dims);
    size_t w = (size_t)dims, all = (size_t)classes * w;
    double *sums = pt_calloc(2 * w, sizeof *sums);

    if (!sums) return pt_fail(PT_ERR_NOMEM, "no memory for AdaRand");
    memset(state, 0, pt_adarand_floats(classes, dims) * sizeof *state);
    for (int k = 0; k < classes; k++)
        moments_of(features, labels, n, w, k, mean + (size_t)k * w,
                   deviation + (size_t)k * w, sums);
    memcpy(array(state, RUNNING, classes, dims), mean, all * sizeof *mean);
    free(sums);
    return PT_OK;
}

void pt_adarand_target(const float *state, int classes, int dims, int label,
                       uint64_t seed, uint64_t step, int position, float *scratch,
                       double *out)
{
    pt_rng r = pt_rng_stream(seed, PT_RNG_CLASS_TARGET, step, (uint64_t)position);
    size_t w = (size_t)dims, at = (size_t)label * w, all = (size_t)classes * w;

    pt_rng_fill_normal(&r, scratch, w);
    for (size_t d = 0; d < w; d++)
        out[d] = state[MEAN * all + at + d] +
                 (double)state[DEVIATION * all + at + d] * scratch[d];
}

/* running_k <- decay * running_k + (1 - decay) * mean of the batch's images of class k.
 */
static void follow(float *running, int classes, int dims, const double *rows, int b,
                   size_t stride, size_t rep_at, double decay)
{
    for (int k = 0; k < classes; k++) {
        int n = 0;

        for (int i = 0; i < b; i++) n += (int)rows[(size_t)i * stride] == k;
        for (int d = 0; d < dims && n > 0; d++) {
            float *r = &running[(size_t)k * (size_t)dims + (size_t)d];
            double sum = 0;

            for (int i = 0; i < b; i++)
                if ((int)rows[(size_t)i * stride] == k)
                    sum += rows[(size_t)i * stride + rep_at + (size_t)d];
            *r = (float)(decay * *r + (1 - decay) * (sum / n));
        }
    }
}

/* x / |x|, and |x|; a zero vector stays zero, with norm 1. */
static double unit(const float *x, int dims, double *out)
{
    double sum = 0, norm;

    for (int d = 0; d < dims; d++) sum += (double)x[d] * x[d];
    norm = sum > 0 ? sqrt(sum) : 1;
    for (int d = 0; d < dims; d++) out[d] = x[d] / norm;
    return norm;
}

enum { LANES = 8, ROWS = 4, BLOCK = 512 };

typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* out [ROWS]: products of u with v[0..], each a sum in LANES chains, so that its bits are
 * those of any vector width. */
PT_CLONES static void dot(const double *u, const double *const v[ROWS], size_t n,
                          double out[ROWS])
{
    lanes sum[ROWS] = {{0}};

    for (size_t d = 0; d + LANES <= n; d += LANES)
        for (int r = 0; r < ROWS; r++)
            sum[r] += *(const lanes *)(u + d) * *(const lanes *)(v[r] + d);
    for (size_t d = n - n % LANES; d < n; d++)
        for (int r = 0; r < ROWS; r++) sum[r][d % LANES] += u[d] * v[r][d];
    for (int r = 0; r < ROWS; r++) {
        lanes s = sum[r];

        out[r] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    }
}

/* g [n] += sum over j of f[j] v[j], v [m] rows at a distance of `stride`. */
PT_CLONES static void add_rows(double *g, const double *f, const double *v, size_t stride,
                               size_t m, size_t n)
{
    for (size_t j = 0; j < m; j++)
        for (size_t d = 0; d < n; d++) g[d] += f[j] * v[j * stride + d];
}

/* cosines [C][C] of the directions units [C][w], some rows against all before them. */
static void cosines_of(const double *units, size_t c, size_t w, double *cosines)
{
    for (size_t j = 0; j < c; j += ROWS) {
        const double *v[ROWS];
        double out[ROWS];

        for (size_t r = 0; r < ROWS; r++) v[r] = units + (j + r < c ? j + r : c - 1) * w;
        for (size_t k = 0; k < j + ROWS && k < c; k++) {
            dot(units + k * w, v, w, out);
            for (size_t r = 0; r < ROWS && j + r < c; r++)
                cosines[k * c + j + r] = cosines[(j + r) * c + k] = out[r];
        }
    }
}

/* What a move works with. */
typedef struct {
    size_t classes, w;
    double *units, *norms; /* of the means: [C][w], [C] */
    double *cosines;       /* [C][C], then their slopes */
    double *g;             /* [C][w]: the loss's gradient at the means */
    double *scratch;       /* [w] */
} mover;

/* The slope of f(cos(a, b)) at a, which has the direction u and norm n, is
 * f' (v - cos u) / n with b's direction v. So with f'[k][j] for the pairs of means the
 * gradient is a product of two matrices, less a multiple of each mean. */
static void find_slopes(mover *m, const float *running)
{
    size_t c = m->classes, w = m->w;

    cosines_of(m->units, c, w, m->cosines);
    for (size_t k = 0; k < c; k++) {
        double *f = m->cosines + k * c, along = 0, cosine[ROWS];
        double *g = m->g + k * w, *u = m->units + k * w;
        const double *v[ROWS] = {m->scratch, m->scratch, m->scratch, m->scratch};

        for (size_t j = 0; j < c; j++) {
            double cos = j == k ? 0 : f[j];

            f[j] = j == k ? 0 : 4 * cos / (double)c / (double)(c - 1);
            along += f[j] * cos;
        }
        unit(running + k * w, (int)w, m->scratch);
        dot(u, v, w, cosine);
        f[k] = -along - 2 * (cosine[0] - 1) / (double)c * cosine[0];
        for (size_t d = 0; d < w; d++)
            g[d] = 2 * (cosine[0] - 1) / (double)c * m->scratch[d];
    }
    for (size_t at = 0; at < w; at += BLOCK)
        for (size_t k = 0; k < c; k++)
            add_rows(m->g + k * w + at, m->cosines + k * c, m->units + at, w, c,
                     w - at < BLOCK ? w - at : BLOCK);
    for (size_t k = 0; k < c; k++)
        for (size_t d = 0; d < w; d++) m->g[k * w + d] /= m->norms[k];
}

/* Kingma and Ba, ICLR 2015, algorithm 1, with its defaults. */
static void adam(float *x, float *first, float *second, const double *g, size_t n,
                 double t, double lr)
{
    double b1 = 1, b2 = 1;

    for (double i = 0; i < t; i++) b1 *= 0.9, b2 *= 0.999;
    for (size_t i = 0; i < n; i++) {
        first[i] = (float)(0.9 * first[i] + (1 - 0.9) * g[i]);
        second[i] = (float)(0.999 * second[i] + (1 - 0.999) * g[i] * g[i]);
        x[i] = (float)(x[i] -
                       lr * (first[i] / (1 - b1)) / (sqrt(second[i] / (1 - b2)) + 1e-8));
    }
}

size_t pt_adarand_scratch(int classes, int dims)
{
    size_t c = (size_t)classes, w = (size_t)dims;

    return 2 * pt_mul(c, w) + pt_mul(c, c) + c + w;
}

static mover mover_in(double *scratch, int classes, int dims)
{
    mover m = {.classes = (size_t)classes, .w = (size_t)dims, .units = scratch};

    m.g = m.units + m.classes * m.w;
    m.cosines = m.g + m.classes * m.w;
    m.norms = m.cosines + m.classes * m.classes;
    m.scratch = m.norms + m.classes;
    return m;
}

void pt_adarand_move(float *state, int classes, int dims, const double *rows, int b,
                     size_t stride, size_t rep_at, double lr, double decay,
                     double *scratch)
{
    mover m = mover_in(scratch, classes, dims);
    size_t all = m.classes * m.w;
    float *mean = state, *running = array(state, RUNNING, classes, dims);
    float *t = state + ARRAYS * all;

    follow(running, classes, dims, rows, b, stride, rep_at, decay);
    for (size_t k = 0; k < m.classes; k++)
        m.norms[k] = unit(mean + k * m.w, dims, m.units + k * m.w);
    find_slopes(&m, running);
    ++*t;
    adam(mean, state + FIRST * all, state + SECOND * all, m.g, all, *t, lr);
}

/* ---- the method's hooks ------------------------------------------------------------ */

typedef struct {
    const pt_run *run;
    int classes, dims;
    float *state;
    double *targets; /* [b][dims] of the batch under way */
    float *draw;     /* [dims] */
    double *moving;  /* [pt_adarand_scratch] */
} adarand;

static void destroy(void *self)
{
    adarand *a = self;

    free(a->state);
    free(a->targets);
    free(a->draw);
    free(a->moving);
    free(a);
}

static size_t floats(const pt_run *run)
{
    return pt_adarand_floats(run->graph->n_classes, pt_run_rep_size(run));
}

static pt_status create(const pt_run *run, int rank, void **self)
{
    int classes = run->graph->n_classes, dims = pt_run_rep_size(run);
    adarand *a;

    if (rank > 0) return PT_OK;
    a = pt_calloc(1, sizeof *a);
    if (a) {
        *a = (adarand){.run = run, .classes = classes, .dims = dims};
        a->state = pt_calloc(floats(run), sizeof *a->state);
        a->targets =
            pt_calloc(pt_mul((size_t)run->plan->batch, (size_t)dims), sizeof *a->targets);
        a->draw = pt_calloc((size_t)dims, sizeof *a->draw);
        a->moving = pt_calloc(pt_adarand_scratch(classes, dims), sizeof *a->moving);
    }
    *self = a;
    return a && a->state && a->targets && a->draw && a->moving
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for the targets of classes");
}

static size_t bytes(const pt_run *run, int rank)
{
    size_t targets = (size_t)run->plan->batch * (size_t)pt_run_rep_size(run);

    return rank > 0 ? 0 : floats(run) * sizeof(float) + targets * sizeof(double);
}

static float *state(void *self)
{
    return ((adarand *)self)->state;
}

static pt_status start(void *self, const float *features, const int32_t *labels, size_t n)
{
    adarand *a = self;

    return pt_adarand_init(a->state, a->classes, a->dims, features, labels, n);
}

/* The targets of all images; weight * the mean squared error against them. */
static pt_status take(void *self, const pt_rows *rows, double *penalty)
{
    adarand *a = self;
    const pt_config *c = a->run->config;
    size_t dims = (size_t)a->dims;
    double sum = 0;

    for (int i = 0; i < rows->b; i++) {
        const double *row = rows->rows + (size_t)i * rows->layout.total;
        const double *rep = row + rows->layout.rep;
        double *t = a->targets + (size_t)i * dims;

        pt_adarand_target(a->state, a->classes, a->dims, (int)row[rows->layout.label],
                          c->seed, rows->step, i, a->draw, t);
        for (size_t d = 0; d < dims; d++) sum += (rep[d] - t[d]) * (rep[d] - t[d]);
    }
    *penalty = c->regularizers->adarand->weight * sum / rows->b / a->dims;
    return PT_OK;
}

static void terms(const void *self, int first, int n, double *out)
{
    const adarand *a = self;
    size_t dims = (size_t)a->dims;

    memcpy(out, a->targets + (size_t)first * dims, (size_t)n * dims * sizeof *out);
}

static void moved(void *self, const pt_rows *rows)
{
    adarand *a = self;
    const Pt__Config__AdaRand *c;
    double t, lr;

    if (!a) return;
    c = a->run->config->regularizers->adarand;
    t = (double)rows->step / (double)a->run->plan->total_steps;
    lr = c->lr * 0.5 * (1 + pt_cos_turns(0.5 * t));
    pt_adarand_move(a->state, a->classes, a->dims, rows->rows, rows->b,
                    rows->layout.total, rows->layout.rep, lr, c->decay, a->moving);
}

const pt_server_method pt_server_adarand = {.create = create,
                                            .destroy = destroy,
                                            .bytes = bytes,
                                            .floats = floats,
                                            .state = state,
                                            .start = start,
                                            .take = take,
                                            .terms = terms,
                                            .moved = moved};
