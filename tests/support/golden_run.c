#include "tests/support/golden_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/golden.h"
#include "tests/support/pattern.h"

enum { IMAGES = 13, PROJECTIONS = 8, N_SUMMARY = 2 + PROJECTIONS };

static const double of_norm = GOLDEN_RUN_OF_NORM, of_move = 2e-4, of_number = 1e-5;
static double worst_of_norm, worst_of_move;

static float golden_number(const char *file, const char *name)
{
    float *v = golden_load(file, name, 1), x = v[0];

    free(v);
    return x;
}

static void assert_near(double ours, double theirs, double scale, const char *what)
{
    if (!(fabs(ours - theirs) <= of_number * scale))
        fail_msg("%s: %.9g, PyTorch %.9g", what, ours, theirs);
}

static void compare_number(const char *file, int step, const char *key, double ours)
{
    char name[64];
    double theirs;

    snprintf(name, sizeof name, "%d.%s", step, key);
    theirs = (double)golden_number(file, name);
    assert_near(ours, theirs, fabs(theirs), name);
}

/* One number of every image of the batch: `ours` points at the first image's, in
 * r->norms. Cosines are of the order of 1. */
static void compare_images(const char *file, int step, const char *key,
                           const pt_step_report *r, const double *ours, double min_scale)
{
    char name[64];
    float *theirs;

    snprintf(name, sizeof name, "%d.image_%s", step, key);
    theirs = golden_load(file, name, (size_t)r->images);
    for (int i = 0; i < r->images; i++)
        assert_near(ours[i * PT_IMAGE_DOUBLES], (double)theirs[i],
                    fmax(fabs((double)theirs[i]), min_scale), name);
    free(theirs);
}

static void compare_step(const char *file, const pt_step_report *r)
{
    int k = (int)r->step;

    compare_number(file, k, "ce", r->means.ce);
    compare_number(file, k, "accuracy", r->means.accuracy);
    compare_number(file, k, "g_ce", r->means.g_ce);
    compare_number(file, k, "g_ptr", r->means.g_ptr);
    compare_number(file, k, "l_ptr", r->means.l_ptr);
    compare_number(file, k, "ema", r->ema);
    compare_number(file, k, "gate", r->gate);
    compare_number(file, k, "w", r->w);
    compare_number(file, k, "lr", (double)r->lr);
    compare_number(file, k, "head_lr", (double)r->head_lr);
    assert_int_equal(r->probed, r->w > 0);
    if (golden_has(file, "0.penalty"))
        compare_number(file, k, "penalty", r->means.penalty);
    if (golden_has(file, "0.gradient_norm"))
        compare_number(file, k, "gradient_norm", r->gradient_norm);
    if (golden_has(file, "0.batch_ce")) {
        compare_number(file, k, "batch_ce", r->means.batch_ce);
        compare_number(file, k, "batch_ptr", r->means.batch_ptr);
    }
    if (r->probed) compare_number(file, k, "probe_ce", r->probe_ce);
    if (r->probed) compare_number(file, k, "probe_ptr", r->probe_ptr);
    compare_images(file, k, "g_ce", r, &r->norms->g_ce, 0);
    compare_images(file, k, "g_ptr", r, &r->norms->g_ptr, 0);
    compare_images(file, k, "cosine", r, &r->norms->cosine, 1);
    compare_images(file, k, "rep", r, &r->norms->rep, 0);
}

/* The projection of b - a on the signs of a pattern. */
static double project(uint64_t salt, const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)b[i] - (double)a[i];
        sum += pattern_value(salt, i) < 0 ? -d : d;
    }
    return sum;
}

/* `when` is the step, or "second": of a method's second weights, after the last step.
 * How far the tensor is from PyTorch's follows from projections of how far it has come.
 */
static void compare_tensor(const char *file, const char *when, const pt_tensor *t,
                           const float *memory)
{
    float *ours = malloc(t->count * sizeof *ours);
    float *start = malloc(t->count * sizeof *start), *g;
    double square = 0, off;
    char name[128];

    assert_true(ours && start);
    snprintf(name, sizeof name, "%s.%s", when, t->name);
    pt_tensor_to_file(t, memory, ours);
    whole_run_start_value(t, start);
    g = golden_load(file, name, N_SUMMARY);
    for (int p = 0; p < PROJECTIONS; p++) {
        double d = project((uint64_t)p + 1, start, ours, t->count) - (double)g[2 + p];
        square += d * d;
    }
    off = sqrt(square / PROJECTIONS);
    if (!(off <= of_norm * (double)g[0] && off <= of_move * (double)g[1]))
        fail_msg("%s: differs by %.3g; its norm is %.3g, it has moved by %.3g", name, off,
                 (double)g[0], (double)g[1]);
    worst_of_norm = fmax(worst_of_norm, off / (double)g[0]);
    worst_of_move = fmax(worst_of_move, off / (double)g[1]);
    free(ours);
    free(start);
    free(g);
}

whole_run *golden_run_play(const char *config, const char *file, int n_workers)
{
    whole_run_options o = {.config = config,
                           .sets = {"run.gradient_ratio_every=1"},
                           .n_servers = 1,
                           .n_workers = n_workers,
                           .threads = 1,
                           .shuffle = 1,
                           .n_train = IMAGES,
                           .n_test = 1,
                           .salt = (uint64_t)golden_number(file, "salt")};

    return whole_run_play_ok(&o);
}

int golden_run_compare(const char *file, const whole_run *r)
{
    const pt_graph *g = r->run->graph;
    int node = (int)golden_number(file, "dropout_node"), regressed = 0;

    /* a source head comes before it, and does not change its stream */
    assert_int_equal(g->nodes[node + (g->source_logits >= 0)].op, PT_OP_DROPOUT);
    assert_int_equal(r->n_steps, 5);
    worst_of_norm = worst_of_move = 0;
    for (int k = 0; k < r->n_steps; k++) {
        char when[16];

        compare_step(file, &r->steps[k].report);
        snprintf(when, sizeof when, "%d", k);
        for (int i = 0; i < g->n_tensors; i++)
            compare_tensor(file, when, &g->tensors[i],
                           r->steps[k].flat + g->tensors[i].offset);
        regressed += r->steps[k].report.w > 0;
    }
    for (int i = 0; i < g->n_params && r->second; i++)
        compare_tensor(file, "second", &g->tensors[i], r->second + g->tensors[i].offset);
    print_message("worst tensor: off by %.2g of its norm, %.2g of its move\n",
                  worst_of_norm, worst_of_move);
    return regressed;
}
