/* Layers of a network as filters, against whole passes and histograms made plainly; and
 * passes that end below the logits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/net_case.h"
#include "worker/borrow/activations.h"

enum { SIDE = 32, IMAGES = 3, BINS = 7, MAX_MAPS = 256 };

static const pt_augment view = {.resize_mode = PT_RESIZE_SHORT_SIDE,
                                .resize = SIDE,
                                .crop = SIDE,
                                .preprocess = {.scale = 1.0F / 255,
                                               .mean = {0.5F, 0.4F, 0.3F},
                                               .std = {0.2F, 0.3F, 0.25F}}};

static pt_image picture(int k)
{
    pt_image im = {.height = 40 + k, .width = 48 - 3 * k};

    im.pixels = malloc((size_t)im.height * (size_t)im.width * 3);
    assert_non_null(im.pixels);
    for (int i = 0; i < im.height * im.width * 3; i++)
        im.pixels[i] = (uint8_t)(i * (7 + k) + i / 41 * (13 - k));
    return im;
}

static pt_net *make_net(const net_case *c, pt_threads *pool, const int *maps, int n_maps)
{
    pt_net *net;

    assert_int_equal(pt_net_create(&(pt_net_options){.graph = c->graph,
                                                     .pool = pool,
                                                     .weights = c->weights,
                                                     .max_images = IMAGES,
                                                     .n_shards = 1,
                                                     .hi = 1,
                                                     .maps = maps,
                                                     .n_maps = n_maps},
                                   &net),
                     PT_OK);
    return net;
}

/* ---- passes that end early -------------------------------------------------------- */

static void check_tops(const char *network, int side)
{
    net_case c;
    pt_threads *pool;

    net_case_init(&c, network, side, 0.5F, IMAGES, 3);
    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    for (int top = 1; top < c.graph->rep; top++) {
        const pt_node *node = &c.graph->nodes[top];
        size_t bytes = IMAGES * sizeof(float) * (size_t)(node->h * node->w * node->c);
        pt_net *whole = make_net(&c, pool, &top, 1), *part = make_net(&c, pool, &top, 1);

        assert_int_equal(pt_net_evaluate(whole, IMAGES, c.input), PT_OK);
        assert_int_equal(pt_net_evaluate_to(part, IMAGES, c.input, top), PT_OK);
        if (memcmp(pt_net_output(whole, top), pt_net_output(part, top), bytes) != 0)
            fail_msg("%s up to %s", network, node->name);
        assert_null(pt_net_output(part, c.graph->logits));
        pt_net_destroy(&whole);
        pt_net_destroy(&part);
    }
    pt_threads_destroy(&pool);
    net_case_fini(&c);
}

static void test_a_pass_up_to_any_node_is_the_beginning_of_the_whole(void **state)
{
    check_tops("resnet_small", 16);
    check_tops("squeezenet1_1", 33);
    check_tops("mobilenet_v1", 32);
}

/* ---- descriptors ------------------------------------------------------------------ */

typedef struct {
    net_case c;
    pt_threads *pool;
    int nodes[2], n_maps;
    double weight[MAX_MAPS];
    float *pixels;
    pt_activations *a;
    pt_bank bank;
} filters_case;

/* The first ReLU and the last convolution below the representation, in falling order. */
static void choose_nodes(filters_case *f)
{
    const pt_graph *g = f->c.graph;

    f->nodes[0] = f->nodes[1] = 0;
    for (int i = 1; i < g->rep; i++) {
        if (g->nodes[i].op == PT_OP_CONV) f->nodes[0] = i;
        if (g->nodes[i].op == PT_OP_RELU && !f->nodes[1]) f->nodes[1] = i;
    }
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < g->nodes[f->nodes[k]].c; c++) {
            assert_true(f->n_maps < MAX_MAPS);
            f->weight[f->n_maps++] = 0.5 / g->nodes[f->nodes[k]].c;
        }
}

static void open_case(filters_case *f)
{
    *f = (filters_case){0};
    net_case_init(&f->c, "resnet_small", SIDE, 0.5F, IMAGES, 5);
    choose_nodes(f);
    assert_int_equal(pt_threads_create(1, &f->pool), PT_OK);
    f->pixels = malloc(SIDE * SIDE * 3 * sizeof *f->pixels);
    assert_non_null(f->pixels);
    assert_int_equal(
        pt_activations_create(&(pt_activations_options){.graph = f->c.graph,
                                                        .weights = f->c.weights,
                                                        .augment = &view,
                                                        .nodes = f->nodes,
                                                        .n_nodes = 2},
                              &f->a),
        PT_OK);
    f->bank = pt_activations_bank(f->a);
}

static void close_case(filters_case *f)
{
    pt_activations_destroy(&f->a);
    pt_threads_destroy(&f->pool);
    free(f->pixels);
    net_case_fini(&f->c);
}

/* By a whole pass of a network, value by value in the order of memory. */
static void describe_plainly(filters_case *f, const pt_image *im, const uint8_t *bin_of,
                             uint16_t *out)
{
    pt_net *net = make_net(&f->c, f->pool, f->nodes, 2);
    int map = 0;

    memset(out, 0, (size_t)f->n_maps * BINS * sizeof *out);
    assert_int_equal(pt_augment_test(&view, im, f->pixels), PT_OK);
    assert_int_equal(pt_net_evaluate(net, 1, f->pixels), PT_OK);
    for (int k = 0; k < 2; k++) {
        const pt_node *node = &f->c.graph->nodes[f->nodes[k]];
        const float *y = pt_net_output(net, f->nodes[k]);

        for (int i = 0; i < node->h * node->w * node->c; i++) {
            int m = map + i % node->c;

            out[m * BINS + bin_of[m * PT_BANK_FINE + pt_activation_slice(y[i])]]++;
        }
        map += node->c;
    }
    pt_net_destroy(&net);
}

static void test_descriptors_are_histograms_of_the_layers_outputs(void **state)
{
    filters_case f;

    open_case(&f);

    uint64_t *counts = calloc((size_t)f.n_maps * PT_BANK_FINE, sizeof *counts);
    uint8_t *bin_of = malloc((size_t)f.n_maps * PT_BANK_FINE);
    size_t n = (size_t)f.n_maps * BINS;
    uint16_t *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);

    assert_true(counts && bin_of && got && want);
    assert_int_equal(f.bank.n_maps, f.n_maps);
    for (int m = 0; m < f.n_maps; m++) assert_true(f.bank.weight[m] == f.weight[m]);
    for (int i = 0; i < IMAGES; i++) {
        pt_image im = picture(i);

        assert_int_equal(pt_bank_count(&f.bank, &im, counts), PT_OK);
        pt_image_fini(&im);
    }
    pt_bank_bins(counts, f.n_maps, BINS, bin_of);
    for (int i = 0; i < IMAGES; i++) {
        pt_image im = picture(i);

        assert_int_equal(pt_bank_describe(&f.bank, &im, bin_of, BINS, got), PT_OK);
        describe_plainly(&f, &im, bin_of, want);
        assert_memory_equal(got, want, n * sizeof *got);
        pt_image_fini(&im);
    }
    free(counts);
    free(bin_of);
    free(got);
    free(want);
    close_case(&f);
}

static void test_slices_rise_with_the_number(void **state)
{
    static const float rising[] = {-3e38F, -2.5F, -2.4F, -1e-40F, 0,
                                   1e-38F, 1.5F,  1.52F, 1e20F,   3e38F};
    int n = (int)(sizeof rising / sizeof *rising);

    for (int i = 1; i < n; i++)
        assert_true(pt_activation_slice(rising[i - 1]) < pt_activation_slice(rising[i]));
    assert_int_equal(pt_activation_slice(-0.0F), pt_activation_slice(0.0F));
    assert_int_equal(pt_activation_slice(1.0F), pt_activation_slice(1.007F));
    assert_int_not_equal(pt_activation_slice(1.0F), pt_activation_slice(1.008F));
}

static void test_what_is_not_finite_is_refused(void **state)
{
    filters_case f;
    pt_image im = picture(0);
    uint64_t *counts = calloc((size_t)MAX_MAPS * PT_BANK_FINE, sizeof *counts);

    assert_non_null(counts);
    open_case(&f);
    f.c.weights[0] = 1e38F * 1e38F;
    assert_int_equal(pt_bank_count(&f.bank, &im, counts), PT_ERR_NUMERIC);
    close_case(&f);
    free(counts);
    pt_image_fini(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pass_up_to_any_node_is_the_beginning_of_the_whole),
        cmocka_unit_test(test_descriptors_are_histograms_of_the_layers_outputs),
        cmocka_unit_test(test_slices_rise_with_the_number),
        cmocka_unit_test(test_what_is_not_finite_is_refused),
    };

    return cmocka_run_group_tests_name("worker.activations", tests, NULL, NULL);
}
