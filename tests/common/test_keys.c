#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/digest.h"
#include "common/base/rng.h"
#include "common/run/keys.h"

enum { MAX_TENSORS = 64, MAX = PT_KEY_MAX_FLOATS };

static const int servers[] = {1, 2, 3, 7};

typedef struct {
    pt_graph g;
    pt_tensor tensors[MAX_TENSORS];
} net;

/* A graph with these parameters, followed by two running statistics. */
static void make(net *m, const size_t *counts, int n)
{
    memset(m, 0, sizeof *m);
    for (int t = 0; t < n + 2; t++) {
        pt_tensor *x = &m->tensors[t];
        x->kind = PT_TENSOR_VECTOR;
        x->running = t >= n;
        x->count = t < n ? counts[t] : 5;
        x->offset = m->g.n_floats;
        m->g.n_floats += x->count;
        if (t < n) m->g.n_param_floats = m->g.n_floats;
    }
    m->g.tensors = m->tensors;
    m->g.n_tensors = n + 2;
    m->g.n_params = n;
}

/* Large and small tensors, as in VGG-16: fc6, convolutions, biases, odd sizes. */
static void make_mixed(net *m)
{
    static const size_t counts[] = {1728, 64,      36864,       64, MAX, MAX + 1, 4096,
                                    1,    4097000, 25088 * 409, 17, 17,  2359296, 3};

    make(m, counts, sizeof counts / sizeof *counts);
}

static pt_keys *cut(const net *m, int n_servers)
{
    pt_keys *k = NULL;

    assert_int_equal(pt_keys_create(&m->g, n_servers, &k), PT_OK);
    assert_non_null(k);
    return k;
}

/* Every parameter of m is in one key, in order. */
static void expect_cover(const net *m)
{
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        pt_keys *k = cut(m, servers[i]);
        size_t at = 0;

        for (int j = 0; j < k->n; j++) {
            const pt_key *key = &k->keys[j];
            const pt_tensor *t = &m->tensors[key->tensor];
            assert_int_equal(key->offset, at);
            assert_in_range(key->count, 1, MAX);
            assert_true(key->offset >= t->offset);
            assert_true(key->offset + key->count <= t->offset + t->count);
            assert_in_range(key->server, 0, servers[i] - 1);
            at += key->count;
        }
        assert_int_equal(at, m->g.n_param_floats);
        pt_keys_destroy(&k);
        assert_null(k);
    }
}

static void test_keys_cover_every_parameter_once_and_in_order(void **state)
{
    net m;

    make_mixed(&m);
    expect_cover(&m);
}

static void test_tensors_of_more_bytes_than_an_int_counts_are_cut_as_any(void **state)
{
    const size_t counts[] = {7, ((size_t)1 << 29) + 5, 3, (size_t)5 << 30};
    net m;

    assert_null(*state);
    make(&m, counts, 4);
    expect_cover(&m);
}

static void test_the_keys_of_a_tensor_are_found_by_its_index(void **state)
{
    pt_keys *k;
    net m;

    make_mixed(&m);
    k = cut(&m, 3);
    assert_int_equal(k->n_params, m.g.n_params);
    assert_int_equal(k->first_of_tensor[0], 0);
    assert_int_equal(k->first_of_tensor[m.g.n_params], k->n);
    for (int t = 0; t < m.g.n_params; t++) {
        assert_true(k->first_of_tensor[t] < k->first_of_tensor[t + 1]);
        for (int j = k->first_of_tensor[t]; j < k->first_of_tensor[t + 1]; j++)
            assert_int_equal(k->keys[j].tensor, t);
    }
    pt_keys_destroy(&k);
}

static void test_only_large_tensors_are_cut_into_aligned_equal_pieces(void **state)
{
    const size_t counts[] = {MAX, MAX + 1, 3 * (size_t)MAX, 3 * (size_t)MAX + 1, 5};
    const int pieces[] = {1, 2, 3, 4, 1};
    pt_keys *k;
    net m;

    make(&m, counts, 5);
    k = cut(&m, 2);
    for (int t = 0; t < 5; t++) {
        int first = k->first_of_tensor[t], n = k->first_of_tensor[t + 1] - first;
        assert_int_equal(n, pieces[t]);
        for (int j = 0; j < n - 1; j++) {
            assert_int_equal(k->keys[first + j].count, k->keys[first].count);
            assert_int_equal(k->keys[first + j].count % PT_KEY_ALIGN, 0);
        }
        /* the last piece is shorter by the rounding of the others, at most */
        assert_true(k->keys[first + n - 1].count <= k->keys[first].count);
        assert_true(k->keys[first].count - k->keys[first + n - 1].count <=
                    (size_t)n * PT_KEY_ALIGN);
    }
    assert_int_equal(k->keys[1].count, MAX / 2 + 16);
    assert_int_equal(k->keys[2].count, MAX / 2 - 15);
    pt_keys_destroy(&k);
}

static void check_balance(const net *m, int n_servers)
{
    pt_keys *k = cut(m, n_servers);
    size_t min = SIZE_MAX, max = 0, largest = 0, sum = 0;

    for (int j = 0; j < k->n; j++)
        if (k->keys[j].count > largest) largest = k->keys[j].count;
    for (int r = 0; r < n_servers; r++) {
        size_t bytes = pt_keys_bytes(k, r);
        if (bytes < min) min = bytes;
        if (bytes > max) max = bytes;
        sum += bytes;
    }
    assert_int_equal(sum, m->g.n_param_floats * sizeof(float));
    assert_true(max - min <= largest * sizeof(float));
    pt_keys_destroy(&k);
}

static void test_servers_are_balanced_within_the_largest_key(void **state)
{
    net m;

    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        make_mixed(&m);
        check_balance(&m, servers[i]);
        for (uint64_t seed = 0; seed < 50; seed++) { /* made-up networks */
            pt_rng r = pt_rng_stream(seed, PT_RNG_TEST, 0, 0);
            size_t counts[MAX_TENSORS - 2];
            int n = 1 + (int)pt_rng_below(&r, 100, MAX_TENSORS - 2);
            for (int t = 0; t < n; t++)
                counts[t] = 1 + pt_rng_below(&r, (uint64_t)t, (uint64_t)1 << (t % 23));
            make(&m, counts, n);
            check_balance(&m, servers[i]);
        }
    }
}

/* fc6 is three quarters of VGG-16: many keys. */
static void test_the_parameters_of_vgg16_are_shared_evenly(void **state)
{
    static const struct {
        int servers;
        double most; /* times the mean */
    } cases[] = {{2, 1.001}, {3, 1.002}, {4, 1.002}, {7, 1.01}, {32, 1.13}};
    pt_graph_options o = {.side = 224, .n_classes = 102};
    pt_graph *g;

    assert_int_equal(pt_graph_create("vgg16", &o, &g), PT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = cases[i].servers;
        double mean = (double)(g->n_param_floats * sizeof(float)) / n;
        pt_keys *k;

        assert_int_equal(pt_keys_create(g, n, &k), PT_OK);
        for (int r = 0; r < n; r++)
            assert_true((double)pt_keys_bytes(k, r) <= cases[i].most * mean);
        pt_keys_destroy(&k);
    }
    pt_graph_destroy(&g);
}

static void test_keys_go_largest_first_to_the_least_loaded_lower_server(void **state)
{
    const size_t counts[] = {3, 5, 5, 1, 4};
    const int want[] = {1, 0, 1, 1, 0}; /* 5 to 0, 5 to 1, 4 to 0 (tie), 3 to 1, 1 to 1 */
    pt_keys *k;
    net m;

    make(&m, counts, 5);
    k = cut(&m, 2);
    for (int j = 0; j < 5; j++) assert_int_equal(k->keys[j].server, want[j]);
    assert_int_equal(pt_keys_bytes(k, 0), 9 * sizeof(float));
    assert_int_equal(pt_keys_bytes(k, 1), 9 * sizeof(float));
    pt_keys_destroy(&k);
}

static void test_the_value_does_not_depend_on_earlier_calls(void **state)
{
    net m, other;
    pt_keys *first, *again;

    make_mixed(&m);
    make(&other, (const size_t[]){9, 8, 7}, 3);
    first = cut(&m, 3);
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        pt_keys *k = cut(i % 2 ? &m : &other, servers[i]);
        pt_keys_destroy(&k);
    }
    again = cut(&m, 3);
    assert_int_equal(first->n, again->n);
    for (int j = 0; j < first->n; j++) {
        const pt_key *a = &first->keys[j], *b = &again->keys[j];
        assert_true(a->tensor == b->tensor && a->offset == b->offset &&
                    a->count == b->count && a->server == b->server);
    }
    pt_keys_destroy(&first);
    pt_keys_destroy(&again);
}

/* What the servers hold, put back by the keys, hashes to the same for every S; and no key
 * starts or ends elsewhere. */
static void test_the_cut_and_the_hash_do_not_depend_on_the_number_of_servers(void **state)
{
    const size_t counts[] = {900, 1, MAX + 77, 33, 250000, 7};
    net m;
    pt_keys *one;
    char want[PT_DIGEST_HEX], got[PT_DIGEST_HEX];
    float *flat, *back;

    make(&m, counts, 6);
    one = cut(&m, 1);
    flat = pt_calloc(m.g.n_param_floats, sizeof *flat);
    back = pt_calloc(m.g.n_param_floats, sizeof *back);
    assert_true(flat && back);
    for (size_t i = 0; i < m.g.n_param_floats; i++) flat[i] = (float)(i % 65521);
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        pt_keys *k = cut(&m, servers[i]);
        pt_digest *d = NULL;

        assert_int_equal(k->n, one->n);
        memset(back, 0, m.g.n_param_floats * sizeof *back);
        for (int r = 0; r < servers[i]; r++)
            for (int j = 0; j < k->n; j++)
                if (k->keys[j].server == r)
                    memcpy(back + k->keys[j].offset, flat + one->keys[j].offset,
                           one->keys[j].count * sizeof *flat);
        assert_int_equal(pt_digest_create(&d), PT_OK);
        pt_digest_add(d, back, m.g.n_param_floats * sizeof *back);
        pt_digest_finish(&d, i == 0 ? want : got);
        if (i > 0) assert_string_equal(got, want);
        pt_keys_destroy(&k);
    }
    free(flat);
    free(back);
    pt_keys_destroy(&one);
}

static void test_more_servers_than_keys_leave_some_without(void **state)
{
    pt_keys *k;
    net m;

    make(&m, (const size_t[]){2, 1}, 2);
    k = cut(&m, 7);
    assert_int_equal(pt_keys_bytes(k, 0), 8);
    assert_int_equal(pt_keys_bytes(k, 1), 4);
    for (int r = 2; r < 7; r++) assert_int_equal(pt_keys_bytes(k, r), 0);
    pt_keys_destroy(&k);
}

static void test_no_servers_and_empty_parameters_are_refused(void **state)
{
    pt_keys *k = NULL;
    net m;

    make(&m, (const size_t[]){2, 0}, 2);
    strcpy(m.tensors[1].name, "fc.bias");
    assert_int_equal(pt_keys_create(&m.g, 0, &k), PT_ERR_CONFIG);
    assert_null(k);
    assert_int_equal(pt_keys_create(&m.g, 1, &k), PT_ERR_SHAPE);
    assert_null(k);
    assert_string_equal(pt_fail_text(), "fc.bias: a parameter has 0 values");
    pt_keys_destroy(&k);
    pt_keys_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_cover_every_parameter_once_and_in_order),
        cmocka_unit_test(test_tensors_of_more_bytes_than_an_int_counts_are_cut_as_any),
        cmocka_unit_test(test_the_keys_of_a_tensor_are_found_by_its_index),
        cmocka_unit_test(test_only_large_tensors_are_cut_into_aligned_equal_pieces),
        cmocka_unit_test(test_servers_are_balanced_within_the_largest_key),
        cmocka_unit_test(test_the_parameters_of_vgg16_are_shared_evenly),
        cmocka_unit_test(test_keys_go_largest_first_to_the_least_loaded_lower_server),
        cmocka_unit_test(test_the_value_does_not_depend_on_earlier_calls),
        cmocka_unit_test(
            test_the_cut_and_the_hash_do_not_depend_on_the_number_of_servers),
        cmocka_unit_test(test_more_servers_than_keys_leave_some_without),
        cmocka_unit_test(test_no_servers_and_empty_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
