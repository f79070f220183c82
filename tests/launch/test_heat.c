/* Heat maps: where the logit is linear in the map's mean, they add up to it; elsewhere
 * they are the gradient times the activation, by plain loops in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/file.h"
#include "common/graph/builder.h"
#include "launch/evaluate/heat.h"
#include "worker/input/picture.h"

enum { CLASSES = 5, SIDE = 32, PLACES = 64, HIDDEN = 12 };

static const char *name(void *context, size_t i)
{
    return PT_TEST_DATA "/jpeg/422.jpg";
}

static pt_status read_picture(void *context, size_t i, uint8_t **bytes, size_t *n)
{
    return pt_file_load_path(name(context, i), 1 << 20, bytes, n);
}

static void fill(pt_classifier *m, int side)
{
    m->augment = (pt_augment){.resize_mode = PT_RESIZE_SQUARE,
                              .resize = side,
                              .crop = side,
                              .preprocess = {.scale = 1.0 / 255, .std = {1, 1, 1}}};
    m->flat = calloc(m->graph->n_floats, sizeof *m->flat);
    assert_non_null(m->flat);
    for (size_t i = 0; i < m->graph->n_floats; i++)
        m->flat[i] = (float)((double)(i * 2654435761u % 1000) / 1000 - 0.48);
    for (int t = m->graph->n_params; t < m->graph->n_tensors; t++) /* variances above 0 */
        for (size_t i = 0; i < m->graph->tensors[t].count; i++)
            m->flat[m->graph->tensors[t].offset + i] = 1;
}

static void make(const char *network, const pt_graph_options *o, pt_classifier *m)
{
    *m = (pt_classifier){0};
    assert_int_equal(pt_graph_create(network, o, &m->graph), PT_OK);
}

static void make_small(pt_classifier *m)
{
    make("resnet_small", &(pt_graph_options){.side = SIDE, .n_classes = CLASSES}, m);
    fill(m, SIDE);
}

/* A map of 8 x 8 x 6, a hidden layer, dropout, and the head: as VGG; every other
 * hidden unit stays 0. map false: the hidden layer reads the pixels. */
static void make_hidden(bool map, pt_classifier *m)
{
    const pt_graph_options o = {.side = SIDE, .n_classes = CLASSES, .dropout = 0.5f};
    pt_builder b;
    int x = 0;

    *m = (pt_classifier){0};
    pt_builder_init(&b, "hidden", &o);
    if (map) {
        x = pt_build_conv(&b, x, pt_named("conv"), 6, pt_window_square(3, 2, 1), true);
        x = pt_build_relu(&b, x, pt_named("relu"));
        x = pt_build_max_pool(&b, x, pt_named("pool"), pt_window_square(2, 2, 0));
    }
    x = pt_build_linear(&b, x, pt_named("fc1"), HIDDEN);
    x = pt_build_relu(&b, x, pt_named("relu1"));
    x = pt_build_dropout(&b, x, pt_named("drop"));
    b.g->rep = x;
    b.in_head = true;
    pt_build_linear(&b, x, pt_named("fc2"), CLASSES);
    assert_int_equal(pt_builder_finish(&b, &m->graph), PT_OK);
    fill(m, SIDE);
    x = pt_graph_find_tensor(m->graph, "fc1.bias");
    for (size_t k = 1; k < HIDDEN; k += 2)
        m->flat[m->graph->tensors[x].offset + k] = -1e6;
}

typedef struct {
    const pt_classifier *model;
    pt_heat *heat;
    int seen, hot; /* pictures; hidden units that were not 0 */
} watched;

static pt_status add_up(void *context, size_t i, const pt_seen *seen)
{
    watched *w = context;
    const pt_graph *g = w->model->graph;
    const pt_node *n = &g->nodes[pt_heat_node(w->heat)];
    const float *bias = w->model->flat + g->tensors[g->nodes[g->logits].bias].offset;
    float heat[PLACES];

    assert_non_null(seen);
    assert_in_range(n->h * n->w, 4, PLACES);
    for (int class = 0; class < CLASSES; class ++) {
        double sum = 0, logit = (double)seen->logits[class] - bias[class];

        assert_int_equal(pt_heat_of(w->heat, seen->map, class, heat), PT_OK);
        for (int p = 0; p < n->h * n->w; p++) sum += heat[p];
        if (!(fabs(sum - logit) < 1e-4 * (1 + fabs(logit))))
            fail_msg("class %d: %g, the logit is %g", class, sum, logit);
    }
    w->seen++;
    return PT_OK;
}

/* The heat maps of a picture, seen by `done` with `w`. */
static void look(pt_classifier *m, pt_seen_done done, watched *w)
{
    const pt_pictures p = {2, NULL, name, read_picture};
    pt_looking how = {0};

    *w = (watched){.model = m};
    assert_int_equal(pt_heat_create(m, &w->heat), PT_OK);
    how.map = pt_heat_node(w->heat);
    assert_int_equal(pt_evaluate_pictures(m, &p, &how, done, w), PT_OK);
    assert_int_equal(w->seen, 2);
    pt_heat_destroy(&w->heat);
    assert_null(w->heat);
}

static void test_a_heat_map_adds_up_to_the_logit(void **state)
{
    pt_classifier m;
    watched w;

    make_small(&m);
    look(&m, add_up, &w);
    pt_classifier_fini(&m);
}

static const float *tensor(const pt_classifier *m, const char *of)
{
    return m->flat + m->graph->tensors[pt_graph_find_tensor(m->graph, of)].offset;
}

/* The gradient at the map [n] of the logit: through the hidden units above 0. */
static int plain_gradient(const pt_classifier *m, const float *map, size_t n, int class,
                          double *gradient)
{
    const float *w1 = tensor(m, "fc1.weight"), *b1 = tensor(m, "fc1.bias");
    const float *w2 = tensor(m, "fc2.weight");
    int hot = 0;

    for (size_t i = 0; i < n; i++) gradient[i] = 0;
    for (int k = 0; k < HIDDEN; k++) {
        double sum = b1[k];

        for (size_t i = 0; i < n; i++) sum += (double)map[i] * w1[i * HIDDEN + (size_t)k];
        if (sum <= 0) continue;
        hot++;
        for (size_t i = 0; i < n; i++)
            gradient[i] += (double)w1[i * HIDDEN + (size_t)k] * w2[k * CLASSES + class];
    }
    return hot;
}

static pt_status compare(void *context, size_t i, const pt_seen *seen)
{
    watched *w = context;
    const pt_node *n = &w->model->graph->nodes[pt_heat_node(w->heat)];
    size_t c = (size_t)n->c, floats = pt_node_floats(n);
    double *gradient = calloc(floats, sizeof *gradient);
    float heat[PLACES];

    assert_non_null(gradient);
    assert_int_equal(n->h * n->w, PLACES);
    for (int class = 0; class < CLASSES; class ++) {
        w->hot = plain_gradient(w->model, seen->map, floats, class, gradient);
        assert_int_equal(pt_heat_of(w->heat, seen->map, class, heat), PT_OK);
        for (size_t p = 0; p < PLACES; p++) {
            double sum = 0, size = 0;

            for (size_t k = p * c; k < (p + 1) * c; k++) {
                sum += gradient[k] * seen->map[k];
                size += fabs(gradient[k] * seen->map[k]);
            }
            if (!(fabs(heat[p] - sum) <= 1e-5 * size)) /* rounding of a dozen products */
                fail_msg("class %d, place %zu: %g, not %g", class, p, heat[p], sum);
        }
    }
    free(gradient);
    w->seen++;
    return PT_OK;
}

static void test_heat_is_gradient_times_activation_below_hidden_layers(void **state)
{
    pt_classifier m;
    watched w;

    make_hidden(true, &m);
    look(&m, compare, &w);
    assert_int_equal(w.hot, HIDDEN / 2);
    pt_classifier_fini(&m);
}

static void expect_node(const char *network, const pt_graph_options *o, const char *node)
{
    pt_heat *heat;
    pt_classifier m;

    make(network, o, &m);
    assert_int_equal(pt_heat_create(&m, &heat), PT_OK);
    assert_string_equal(m.graph->nodes[pt_heat_node(heat)].name, node);
    pt_heat_destroy(&heat);
    pt_classifier_fini(&m);
}

/* Not the average of VGG-16's map at other sizes. */
static void test_the_map_is_the_last_one_below_the_representation(void **state)
{
    const pt_graph_options own = {.side = 224, .n_classes = CLASSES};
    const pt_graph_options large = {.side = 288, .n_classes = CLASSES};
    const pt_graph_options original = {
        .side = 224, .n_classes = 1000, .original_head = true};
    const pt_graph_options source = {
        .side = 224, .n_classes = CLASSES, .n_source_classes = 1000};

    expect_node("vgg16", &own, "features.30");
    expect_node("vgg16", &large, "features.30");
    expect_node("vgg16", &source, "features.30");
    expect_node("squeezenet1_1", &original, "features.12");
}

static void test_a_network_without_a_map_is_refused(void **state)
{
    pt_heat *heat;
    pt_classifier m;

    make_hidden(false, &m);
    assert_int_equal(pt_heat_create(&m, &heat), PT_ERR_USAGE);
    assert_null(heat);
    assert_non_null(strstr(pt_fail_text(), "no map between its input"));
    pt_classifier_fini(&m);
}

/* Grey where nothing is hot, red where it is hottest. */
static void test_the_picture_is_red_where_the_heat_is(void **state)
{
    char path[] = "/tmp/pt_test_heat_XXXXXX";
    float pixels[SIDE * SIDE * 3], heat[4] = {-3, 0, 0, 2};
    uint8_t *bytes;
    size_t n;
    pt_image image = {0};
    pt_classifier m;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    make_small(&m);
    for (int i = 0; i < SIDE * SIDE * 3; i++) pixels[i] = 101.0f / 255;
    assert_int_equal(pt_heat_write(&m, pixels, heat, 2, 2, path), PT_OK);
    assert_int_equal(pt_file_load_path(path, 1 << 20, &bytes, &n), PT_OK);
    assert_int_equal(pt_picture_decode(bytes, n, &image, NULL), PT_OK);
    assert_int_equal(image.width, SIDE);
    assert_int_equal(image.height, SIDE);
    for (int c = 0; c < 3; c++) assert_int_equal(image.pixels[c], 101);
    assert_int_equal(image.pixels[3 * (SIDE * SIDE - 1)],
                     209); /* 0.3 * 101 + 0.7 * 255 */
    assert_int_equal(image.pixels[3 * (SIDE * SIDE - 1) + 1], 30);
    assert_int_equal(pt_heat_write(&m, pixels, heat, 2, 2, "/no/where.png"), PT_ERR_IO);
    unlink(path);
    free(bytes);
    pt_image_fini(&image);
    pt_classifier_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_heat_map_adds_up_to_the_logit),
        cmocka_unit_test(test_heat_is_gradient_times_activation_below_hidden_layers),
        cmocka_unit_test(test_the_map_is_the_last_one_below_the_representation),
        cmocka_unit_test(test_a_network_without_a_map_is_refused),
        cmocka_unit_test(test_the_picture_is_red_where_the_heat_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
