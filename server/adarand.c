#include "server/adarand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

enum { MEAN, DEVIATION, RUNNING, FIRST, SECOND, ARRAYS };

size_t pt_adarand_floats(int classes, int dims)
{
    return ARRAYS * (size_t)classes * (size_t)dims + 1;
}

static float *array(float *state, int which, int classes, int dims)
{
    return state + (size_t)which * (size_t)classes * (size_t)dims;
}

/* Mean and deviation (with n) of dimension d over the images of class k. */
static void moments_of(const float *features, const int32_t *labels, size_t n, int dims,
                       int k, int d, float *mean, float *deviation)
{
    double sum = 0, squares = 0, m;
    size_t of_class = 0, w = (size_t)dims;

    for (size_t i = 0; i < n; i++) {
        if (labels[i] != k) continue;
        sum += features[i * w + (size_t)d];
        of_class++;
    }
    *mean = 0;
    *deviation = 1;
    if (of_class == 0) return;
    m = sum / (double)of_class;
    for (size_t i = 0; i < n; i++) {
        double e = features[i * w + (size_t)d] - m;

        if (labels[i] == k) squares += e * e;
    }
    *mean = (float)m;
    *deviation = (float)sqrt(squares / (double)of_class);
}

void pt_adarand_init(float *state, int classes, int dims, const float *features,
                     const int32_t *labels, size_t n)
{
    float *mean = array(state, MEAN, classes, dims);
    float *deviation = array(state, DEVIATION, classes, dims);
    size_t all = (size_t)classes * (size_t)dims;

    memset(state, 0, pt_adarand_floats(classes, dims) * sizeof *state);
    for (int k = 0; k < classes; k++)
        for (int d = 0; d < dims; d++) {
            size_t at = (size_t)k * (size_t)dims + (size_t)d;

            moments_of(features, labels, n, dims, k, d, &mean[at], &deviation[at]);
        }
    memcpy(array(state, RUNNING, classes, dims), mean, all * sizeof *mean);
}

void pt_adarand_target(const float *state, int classes, int dims, int label,
                       uint64_t seed, uint64_t step, int position, float *room,
                       double *out)
{
    pt_rng r = pt_rng_stream(seed, PT_RNG_ADARAND, step, (uint64_t)position);
    size_t w = (size_t)dims, at = (size_t)label * w, all = (size_t)classes * w;

    pt_rng_fill_normal(&r, room, w);
    for (size_t d = 0; d < w; d++)
        out[d] = state[MEAN * all + at + d] +
                 (double)state[DEVIATION * all + at + d] * room[d];
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

/* g += f * d cos(a, b) / d a, where a has the direction u and norm n, b the direction v.
 */
static void add_slope(double *g, double f, const double *u, double n, const double *v,
                      double cosine, int dims)
{
    for (int d = 0; d < dims; d++) g[d] += f * (v[d] - cosine * u[d]) / n;
}

static double dot(const double *a, const double *b, int dims)
{
    double sum = 0;

    for (int d = 0; d < dims; d++) sum += a[d] * b[d];
    return sum;
}

/* The loss's gradient at mean k; units [C][dims] and norms [C] of the means. */
static void slope(const float *running, const double *units, const double *norms,
                  int classes, int k, int dims, double *g, double *room)
{
    const double *u = units + (size_t)k * (size_t)dims;
    double c;

    memset(g, 0, (size_t)dims * sizeof *g);
    unit(running + (size_t)k * (size_t)dims, dims, room);
    c = dot(u, room, dims);
    add_slope(g, 2 * (c - 1) / classes, u, norms[k], room, c, dims);
    for (int j = 0; j < classes; j++) {
        const double *v = units + (size_t)j * (size_t)dims;

        if (j == k) continue;
        c = dot(u, v, dims);
        add_slope(g, 4 * c / classes / (classes - 1), u, norms[k], v, c, dims);
    }
}

/* Kingma and Ba, ICLR 2015, algorithm 1, with its defaults. */
static void adam(float *x, float *first, float *second, const double *g, int n, double t,
                 double lr)
{
    double b1 = 1, b2 = 1;

    for (double i = 0; i < t; i++) b1 *= 0.9, b2 *= 0.999;
    for (int i = 0; i < n; i++) {
        first[i] = (float)(0.9 * first[i] + (1 - 0.9) * g[i]);
        second[i] = (float)(0.999 * second[i] + (1 - 0.999) * g[i] * g[i]);
        x[i] = (float)(x[i] -
                       lr * (first[i] / (1 - b1)) / (sqrt(second[i] / (1 - b2)) + 1e-8));
    }
}

pt_status pt_adarand_move(float *state, int classes, int dims, const double *rows, int b,
                          size_t stride, size_t rep_at, double lr, double decay)
{
    size_t w = (size_t)dims, all = (size_t)classes * w;
    float *mean = state, *running = array(state, RUNNING, classes, dims);
    float *t = state + ARRAYS * all;
    double *units = pt_calloc(all, sizeof *units), *g = pt_calloc(2 * w, sizeof *g);
    double *norms = pt_calloc((size_t)classes, sizeof *norms);
    pt_status s = PT_OK;

    if (!units || !norms || !g) s = pt_fail(PT_ERR_NOMEM, "no memory for AdaRand");
    if (s == PT_OK) {
        follow(running, classes, dims, rows, b, stride, rep_at, decay);
        for (int k = 0; k < classes; k++)
            norms[k] = unit(mean + (size_t)k * w, dims, units + (size_t)k * w);
        ++*t;
    }
    for (int k = 0; k < classes && s == PT_OK; k++) {
        size_t at = (size_t)k * w;

        slope(running, units, norms, classes, k, dims, g, g + w);
        adam(mean + at, state + FIRST * all + at, state + SECOND * all + at, g, dims, *t,
             lr);
    }
    free(units);
    free(norms);
    free(g);
    return s;
}
