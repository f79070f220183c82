/* Heat maps: what they add up to is the logit, as the logit is linear in the map's mean.
 */
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
#include "launch/evaluate/heat.h"
#include "worker/input/picture.h"

enum { CLASSES = 5, SIDE = 32, PLACES = 64 };

static const char *name(void *context, size_t i)
{
    return PT_TEST_DATA "/jpeg/422.jpg";
}

static pt_status read_picture(void *context, size_t i, uint8_t **bytes, size_t *n)
{
    return pt_file_load_path(name(context, i), 1 << 20, bytes, n);
}

static void make(const char *network, int side, pt_classifier *m)
{
    const pt_graph_options o = {.side = side, .n_classes = CLASSES};

    *m = (pt_classifier){
        .augment = {.resize_mode = PT_RESIZE_SQUARE,
                    .resize = side,
                    .crop = side,
                    .preprocess = {.scale = 1.0 / 255, .std = {1, 1, 1}}}};
    assert_int_equal(pt_graph_create(network, &o, &m->graph), PT_OK);
    m->flat = calloc(m->graph->n_floats, sizeof *m->flat);
    assert_non_null(m->flat);
    for (size_t i = 0; i < m->graph->n_floats; i++)
        m->flat[i] = (float)((double)(i * 2654435761u % 1000) / 1000 - 0.48);
    for (int t = m->graph->n_params; t < m->graph->n_tensors; t++) /* variances above 0 */
        for (size_t i = 0; i < m->graph->tensors[t].count; i++)
            m->flat[m->graph->tensors[t].offset + i] = 1;
}

typedef struct {
    const pt_classifier *model;
    int node, seen;
} watched;

static pt_status add_up(void *context, size_t i, const pt_seen *seen)
{
    watched *w = context;
    const pt_graph *g = w->model->graph;
    const pt_node *n = &g->nodes[w->node];
    const float *bias = w->model->flat + g->tensors[g->nodes[g->logits].bias].offset;
    float heat[PLACES];

    assert_non_null(seen);
    assert_in_range(n->h * n->w, 4, PLACES);
    for (int class = 0; class < CLASSES; class ++) {
        double sum = 0, logit = (double)seen->logits[class] - bias[class];

        pt_heat_of(w->model, w->node, seen->map, class, heat);
        for (int p = 0; p < n->h * n->w; p++) sum += heat[p];
        if (!(fabs(sum - logit) < 1e-4 * (1 + fabs(logit))))
            fail_msg("class %d: %g, the logit is %g", class, sum, logit);
    }
    w->seen++;
    return PT_OK;
}

static void test_a_heat_map_adds_up_to_the_logit(void **state)
{
    const pt_pictures p = {2, NULL, name, read_picture};
    pt_classifier m;
    watched w = {.model = &m};

    make("resnet_small", SIDE, &m);
    assert_int_equal(pt_heat_node(m.graph, &w.node), PT_OK);
    assert_int_equal(pt_evaluate_pictures(&m, &p, PT_VIEWS_CENTRE, w.node, add_up, &w),
                     PT_OK);
    assert_int_equal(w.seen, 2);
    pt_classifier_fini(&m);
}

static void test_a_network_without_such_a_map_is_refused(void **state)
{
    pt_classifier m;
    int node;

    make("vgg16", 224, &m);
    assert_int_equal(pt_heat_node(m.graph, &node), PT_ERR_USAGE);
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
    make("resnet_small", SIDE, &m);
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
        cmocka_unit_test(test_a_network_without_such_a_map_is_refused),
        cmocka_unit_test(test_the_picture_is_red_where_the_heat_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
