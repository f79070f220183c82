#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/base/rng.h"
#include "common/run/shards.h"
#include "server/algorithm1.h"

enum { V = 8, FIELDS = sizeof(pt_shard_sums) / sizeof(double) };

/* Shards of a batch of b images; empty ones hold NaN, which must not be read. */
static void fill(int b, pt_shard_sums shards[V])
{
    const pt_span p = {.n_shards = V, .lo = 0, .hi = V, .b = b};
    pt_rng r = pt_rng_stream(1, PT_RNG_TEST, (uint64_t)b, 0);
    uint64_t i = 0;

    for (int s = 0; s < V; s++) {
        double x[FIELDS];
        for (int k = 0; k < FIELDS; k++) x[k] = 1e3 * pt_rng_uniform_f64(&r, i++);
        memcpy(&shards[s], x, sizeof x);
        shards[s].n = pt_shard_size(&p, s);
        shards[s].bad = 0;
        if (shards[s].n == 0)
            shards[s] = (pt_shard_sums){.n = 0, .ce = NAN, .g_ce = NAN, .g_ptr = NAN};
    }
}

static pt_gate gate(pt_gate_kind kind, double fraction, double decay, double epoch,
                    int n_classes)
{
    Pt__Config__PseudoTask c = PT__CONFIG__PSEUDO_TASK__INIT;
    pt_gate g;

    c.gate = (Pt__Config__GateKind)kind;
    c.gate_fraction = fraction;
    c.gate_decay = decay;
    c.gate_epoch = epoch;
    pt_gate_init(&g, &c, n_classes);
    return g;
}

static double weight(bool open, double g_ce, double g_ptr, double ratio)
{
    Pt__Config__PseudoTask c = PT__CONFIG__PSEUDO_TASK__INIT;
    const pt_batch_means m = {.g_ce = g_ce, .g_ptr = g_ptr, .batch_ce = 5};

    c.ratio = ratio;
    return pt_algorithm1_weight(&c, &m, open);
}

static void test_means_by_hand_divide_by_the_images_of_the_batch(void **state)
{
    const pt_shard_sums s[3] = {{2, 3, 1, 4, 8, 16, 32, 0.5, 1, 6},
                                {0, 9, 9, 9, 9, 9, 9, 9, 0, 2},
                                {2, 5, 2, 8, 4, 4, 8, -1.5, 0, 2}};
    pt_batch_means m;

    pt_algorithm1_means(s, 3, &m);
    assert_true(m.ce == 2 && m.accuracy == 0.75 && m.g_ce == 3 && m.g_ptr == 3);
    assert_true(m.l_ptr == 5 && m.rep == 10 && m.cosine == -0.25 && m.penalty == 2.5);
    assert_int_equal(m.bad, 1);
}

/* Worker by worker, last worker first: what counts is the place in shard order. */
static void test_means_are_bit_equal_however_shards_were_distributed(void **state)
{
    for (int b = 0; b <= 40; b++) {
        pt_shard_sums all[V], got[V];
        pt_batch_means want, m;
        double sum = 0;

        fill(b, all);
        pt_algorithm1_means(all, V, &want);
        for (int s = 0; s < V; s++)
            if (all[s].n > 0) sum += all[s].g_ptr;
        assert_true(want.g_ptr == (b ? sum / b : 0));
        for (int w = 1; w <= V; w++) {
            memset(got, 0xff, sizeof got);
            for (int i = w - 1; i >= 0; i--) {
                int lo, hi;
                pt_worker_shards(i, w, V, &lo, &hi);
                memcpy(got + lo, all + lo, (size_t)(hi - lo) * sizeof *got);
            }
            pt_algorithm1_means(got, V, &m);
            assert_memory_equal(&m.ce, &want.ce, sizeof m.ce);
            assert_memory_equal(&m.accuracy, &want.accuracy, sizeof m.ce);
            assert_memory_equal(&m.g_ce, &want.g_ce, sizeof m.ce);
            assert_memory_equal(&m.g_ptr, &want.g_ptr, sizeof m.ce);
            assert_memory_equal(&m.l_ptr, &want.l_ptr, sizeof m.ce);
            assert_memory_equal(&m.rep, &want.rep, sizeof m.ce);
            assert_memory_equal(&m.cosine, &want.cosine, sizeof m.ce);
        }
    }
}

static void test_empty_shards_are_left_out(void **state)
{
    for (int b = 1; b <= 40; b++) {
        pt_shard_sums all[V], present[V];
        pt_batch_means with, without;
        int n = 0;

        fill(b, all);
        for (int s = 0; s < V; s++)
            if (all[s].n > 0) present[n++] = all[s];
        pt_algorithm1_means(all, V, &with);
        pt_algorithm1_means(present, n, &without);
        assert_true(isfinite(with.ce) && with.ce == without.ce);
        assert_true(with.g_ce == without.g_ce && with.g_ptr == without.g_ptr);
    }
}

static void test_a_batch_without_images_has_zero_means(void **state)
{
    pt_shard_sums all[V];
    pt_batch_means m;

    fill(0, all);
    pt_algorithm1_means(all, V, &m);
    assert_true(m.ce == 0 && m.accuracy == 0 && m.g_ce == 0 && m.g_ptr == 0);
    assert_int_equal(m.bad, 0);
}

static void test_the_gates_average_starts_at_the_first_ce(void **state)
{
    pt_gate g;

    g = gate(PT_GATE_EMA, 0.5, 0.9, 0, 17);
    assert_true(fabs(g.threshold - 0.5 * log(17)) < 1e-15);
    assert_false(pt_gate_step(&g, 2.5, 0));
    assert_true(g.ema == 2.5);
    assert_false(pt_gate_step(&g, 1.5, 0));
    assert_true(fabs(g.ema - 2.4) < 1e-15);

    g = gate(PT_GATE_EMA, 0.5, 0.9, 0, 17);
    assert_true(pt_gate_step(&g, 1, 0)); /* a low first CE opens at once */
}

static void test_an_open_gate_stays_open(void **state)
{
    pt_gate g;
    int shut = 0;

    g = gate(PT_GATE_EMA, 0.5, 0.9, 0, 17); /* opens below 1.4166 */
    assert_false(pt_gate_step(&g, 2.8, 0));
    while (!pt_gate_step(&g, 1, 0) && shut < 100) shut++;
    assert_int_equal(shut, 13); /* 1 + 1.8 * 0.9^n < 1.4166 first for n = 14 */
    for (int i = 0; i < 50; i++) assert_true(pt_gate_step(&g, 100, 0));
    assert_true(g.ema > g.threshold);
}

static void test_a_ce_at_the_threshold_leaves_the_gate_shut(void **state)
{
    pt_gate g;

    g = gate(PT_GATE_EMA, 1, 0, 0, 5);
    assert_false(pt_gate_step(&g, g.threshold, 0));
    assert_true(pt_gate_step(&g, nextafter(g.threshold, 0), 0));
}

static void test_the_epoch_gate_opens_at_its_epoch_whatever_the_loss(void **state)
{
    pt_gate g;

    g = gate(PT_GATE_EPOCH, 0.5, 0.9, 1.5, 17);
    assert_false(pt_gate_step(&g, 0, 0));
    assert_false(pt_gate_step(&g, 0, 1.49));
    assert_true(pt_gate_step(&g, 9, 1.5));
    assert_true(pt_gate_step(&g, 9, 0)); /* and stays open */
    g = gate(PT_GATE_EPOCH, 0.5, 0.9, 0, 17);
    assert_true(pt_gate_step(&g, 9, 0));
}

static void test_the_gate_always_is_open_at_the_first_step(void **state)
{
    pt_gate g;

    g = gate(PT_GATE_ALWAYS, 0.5, 0.9, 0, 17);
    assert_true(pt_gate_step(&g, 1e9, 0));
}

static void test_the_weight_balances_the_norms_at_the_ratio(void **state)
{
    assert_true(weight(true, 3, 2, 10) == 0.15);
    assert_true(weight(true, 3, 3, 1) == 1);
    for (double r = 0.5; r < 30; r *= 1.7) {
        double w = weight(true, 0.37, 91, r);
        assert_true(fabs(0.37 / (w * 91) - r) < 1e-14 * r);
    }
}

static void test_the_weight_is_zero_where_it_cannot_be_formed(void **state)
{
    assert_true(weight(false, 3, 2, 10) == 0);
    assert_true(weight(true, 0, 2, 10) == 0);
    assert_true(weight(true, 3, 0, 10) == 0);
    assert_true(weight(true, 0, 0, 10) == 0);
    assert_true(weight(true, NAN, 2, 10) == 0);
    assert_true(weight(true, 3, NAN, 10) == 0);
    assert_true(weight(true, INFINITY, 2, 10) == 0);
    assert_true(weight(true, 3, INFINITY, 10) == 0);
    assert_true(weight(true, INFINITY, INFINITY, 10) == 0);
    assert_true(weight(true, 1e300, 1e-300, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_by_hand_divide_by_the_images_of_the_batch),
        cmocka_unit_test(test_means_are_bit_equal_however_shards_were_distributed),
        cmocka_unit_test(test_empty_shards_are_left_out),
        cmocka_unit_test(test_a_batch_without_images_has_zero_means),
        cmocka_unit_test(test_the_gates_average_starts_at_the_first_ce),
        cmocka_unit_test(test_an_open_gate_stays_open),
        cmocka_unit_test(test_a_ce_at_the_threshold_leaves_the_gate_shut),
        cmocka_unit_test(test_the_epoch_gate_opens_at_its_epoch_whatever_the_loss),
        cmocka_unit_test(test_the_gate_always_is_open_at_the_first_step),
        cmocka_unit_test(test_the_weight_balances_the_norms_at_the_ratio),
        cmocka_unit_test(test_the_weight_is_zero_where_it_cannot_be_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
