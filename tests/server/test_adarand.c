/* AdaRand's moves against plain loops: sizes with and without remainders, one class, a
 * mean of zero. (worker.methods has a whole run against PyTorch.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "server/methods/adarand.h"
#include "tests/support/pattern.h"

enum { IMAGES = 30, BATCH = 6, MOVES = 4, MAX_SIZE = 40 };

static const double lr = 0.02, decay = 0.5;

typedef struct {
    int c, w;
    float features[IMAGES * MAX_SIZE];
    int32_t labels[IMAGES];
    double rows[BATCH * (1 + MAX_SIZE)];
    double mean[MAX_SIZE * MAX_SIZE], deviation[MAX_SIZE * MAX_SIZE],
        running[MAX_SIZE * MAX_SIZE];
    double first[MAX_SIZE * MAX_SIZE], second[MAX_SIZE * MAX_SIZE],
        g[MAX_SIZE * MAX_SIZE];
} plain;

static void fill(plain *p, int c, int w, uint64_t salt)
{
    *p = (plain){.c = c, .w = w};
    for (int i = 0; i < IMAGES; i++) {
        p->labels[i] = (i * i + i / 5) % c;
        for (int d = 0; d < w; d++)
            p->features[i * w + d] = pattern_value(salt, (uint64_t)(i * w + d)) + 0.3F;
    }
    for (int i = 0; i < BATCH; i++) {
        double *row = p->rows + i * (1 + w);

        row[0] = p->labels[i];
        for (int d = 0; d < w; d++)
            row[1 + d] = (double)pattern_value(salt + 1, (uint64_t)(i * w + d)) + 0.2;
    }
}

/* As float, which the state is. */
static double rounded(double x)
{
    return (double)(float)x;
}

static void plain_init(plain *p)
{
    for (int k = 0; k < p->c; k++)
        for (int d = 0; d < p->w; d++) {
            double sum = 0, squares = 0;
            int n = 0, at = k * p->w + d;

            for (int i = 0; i < IMAGES; i++)
                if (p->labels[i] == k) sum += p->features[i * p->w + d], n++;
            for (int i = 0; i < IMAGES; i++)
                if (p->labels[i] == k)
                    squares += pow(p->features[i * p->w + d] - sum / n, 2);
            p->mean[at] = p->running[at] = n ? rounded(sum / n) : 0;
            p->deviation[at] = n ? rounded(sqrt(squares / n)) : 1;
        }
}

static double norm(const double *a, int w)
{
    double sum = 0;

    for (int d = 0; d < w; d++) sum += a[d] * a[d];
    return sum > 0 ? sqrt(sum) : 1;
}

/* g += f * d cos(a, b) / d a; returns the cosine. */
static double slope(double *g, double f, const double *a, const double *b, int w)
{
    double na = norm(a, w), nb = norm(b, w), cosine = 0;

    for (int d = 0; d < w; d++) cosine += a[d] * b[d] / na / nb;
    for (int d = 0; d < w && g; d++) g[d] += f * (b[d] / nb - cosine * a[d] / na) / na;
    return cosine;
}

static void plain_gradient(plain *p)
{
    int w = p->w;

    memset(p->g, 0, sizeof p->g);
    for (int k = 0; k < p->c; k++) {
        double *mine = p->mean + k * w, *run = p->running + k * w, *g = p->g + k * w;

        slope(g, 2 * (slope(NULL, 0, mine, run, w) - 1) / p->c, mine, run, w);
        for (int j = 0; j < p->c; j++) {
            double *other = p->mean + j * w;

            if (j != k)
                slope(g, 4 * slope(NULL, 0, mine, other, w) / p->c / (p->c - 1), mine,
                      other, w);
        }
    }
}

static void plain_move(plain *p, int t)
{
    int w = p->w;

    for (int k = 0; k < p->c; k++)
        for (int d = 0; d < w; d++) {
            double sum = 0;
            int n = 0;

            for (int i = 0; i < BATCH; i++)
                if (p->rows[i * (1 + w)] == k) sum += p->rows[i * (1 + w) + 1 + d], n++;
            if (n > 0)
                p->running[k * w + d] =
                    rounded(decay * p->running[k * w + d] + (1 - decay) * sum / n);
        }
    plain_gradient(p);
    for (int i = 0; i < p->c * w; i++) {
        p->first[i] = rounded(0.9 * p->first[i] + 0.1 * p->g[i]);
        p->second[i] = rounded(0.999 * p->second[i] + 0.001 * p->g[i] * p->g[i]);
        p->mean[i] =
            rounded(p->mean[i] - lr * p->first[i] / (1 - pow(0.9, t)) /
                                     (sqrt(p->second[i] / (1 - pow(0.999, t))) + 1e-8));
    }
}

static void compare(const plain *p, const float *state, const double *want, int which)
{
    const float *got = state + which * p->c * p->w;

    for (int i = 0; i < p->c * p->w; i++)
        if (!(fabs(got[i] - want[i]) <= 2e-6))
            fail_msg("%d classes, %d dims, array %d: [%d] %.9g, not %.9g", p->c, p->w,
                     which, i, (double)got[i], want[i]);
}

static void check(int c, int w)
{
    static plain p;
    float *state = calloc(pt_adarand_floats(c, w), sizeof *state);
    double *scratch = malloc(pt_adarand_scratch(c, w) * sizeof *scratch);

    assert_true(state && scratch && c <= MAX_SIZE && w <= MAX_SIZE);
    /* not zeros: nothing may rely on them */
    memset(scratch, 0xff, pt_adarand_scratch(c, w) * sizeof *scratch);
    fill(&p, c, w, (uint64_t)(c * 100 + w));
    plain_init(&p);
    assert_int_equal(pt_adarand_init(state, c, w, p.features, p.labels, IMAGES), PT_OK);
    compare(&p, state, p.deviation, 1);
    for (int t = 1; t <= MOVES; t++) {
        pt_adarand_move(state, c, w, p.rows, BATCH, (size_t)(1 + w), 1, lr, decay,
                        scratch);
        plain_move(&p, t);
        compare(&p, state, p.mean, 0);
        compare(&p, state, p.running, 2);
    }
    free(state);
    free(scratch);
}

static void test_moves_are_those_of_plain_loops(void **state)
{
    check(5, 32);
    check(8, 16);
    check(7, 13);
    check(2, 3);
    check(1, 9);
    check(MAX_SIZE, 24); /* classes without an image */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_are_those_of_plain_loops),
    };

    return cmocka_run_group_tests_name("server.adarand", tests, NULL, NULL);
}
