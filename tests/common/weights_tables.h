/* What the tests of common/weights share: opening any reader, the values that
 * tests/oracle/weights_fixtures.py writes, and files of given bytes. */
#ifndef PT_TESTS_COMMON_WEIGHTS_TABLES_H
#define PT_TESTS_COMMON_WEIGHTS_TABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/graph/graph.h"
#include "common/weights/caffe.h"
#include "common/weights/keras.h"
#include "common/weights/model.h"
#include "common/weights/naming.h"
#include "common/weights/onnx.h"
#include "common/weights/safetensors.h"
#include "common/weights/table.h"
#include "common/weights/tfjs.h"
#include "common/weights/torch.h"
#include "common/weights/torch_zip.h"

#define FIXTURES PT_TEST_DATA "/weights/"

typedef pt_status (*reader)(const char *path, pt_table **out);

/* Value i of tensor k of n values. */
static inline float ramp(int k, size_t n, size_t i)
{
    return (float)k + ((float)i - (float)(n / 2)) / 8;
}

static inline pt_table *open_fixture(reader open, const char *name)
{
    char path[512];
    pt_table *t = NULL;

    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (open(path, &t) != PT_OK) fail_msg("%s", pt_fail_text());
    return t;
}

static inline const pt_table_entry *find(const pt_table *t, const char *name,
                                         const char *shape)
{
    const pt_table_entry *e = pt_table_find(t, name);
    char text[PT_SHAPE_TEXT];

    if (!e) fail_msg("%s: no tensor %s", t->path, name);
    pt_shape_text(e->n_dims, e->dims, text);
    assert_string_equal(text, shape);
    return e;
}

/* The tensor `name` has this shape and the values of ramp k, in C order. */
static inline void assert_ramp(const pt_table *t, const char *name, const char *shape,
                               int k)
{
    const pt_table_entry *e = find(t, name, shape);
    float *values = test_calloc(e->count, sizeof *values);
    pt_status failed = PT_OK;

    pt_table_check(t, e, &failed);
    if (failed != PT_OK || pt_table_read(t, e, values) != PT_OK)
        fail_msg("%s", pt_fail_text());
    for (size_t i = 0; i < e->count; i++)
        if (values[i] != ramp(k, e->count, i))
            fail_msg("%s: value %zu is %g, not %g", name, i, (double)values[i],
                     (double)ramp(k, e->count, i));
    test_free(values);
}

static inline void assert_says(const char *words)
{
    if (!strstr(pt_fail_text(), words))
        fail_msg("'%s' does not say '%s'", pt_fail_text(), words);
}

static inline void assert_refused(reader open, const char *path, const char *words)
{
    pt_table *t = NULL;

    assert_int_equal(open(path, &t), PT_ERR_DATA);
    assert_null(t);
    assert_says(words);
}

static inline const pt_naming *rule_of(const char *title, pt_format format,
                                       const char *network)
{
    const pt_naming *rule = NULL;

    for (size_t i = 0; (rule = pt_naming_at(i)); i++)
        if (strcmp(rule->title, title) == 0 && pt_naming_fits(rule, format, network))
            return rule;
    fail_msg("no rule %s for %s", title, network);
    return NULL;
}

static inline pt_graph *make_graph(const char *network, const pt_graph_options *opt)
{
    pt_graph *g = NULL;

    if (pt_graph_create(network, opt, &g) != PT_OK) fail_msg("%s", pt_fail_text());
    return g;
}

static inline float *make_flat(const pt_graph *g, uint64_t seed)
{
    float *flat = pt_calloc(g->n_floats, sizeof *flat);

    assert_non_null(flat);
    pt_graph_init(g, seed, 0.01f, false, flat);
    return flat;
}

static inline void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* malloc'd. */
static inline uint8_t *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);

    if (!f || !bytes) fail_msg("%s: cannot be read", path);
    *n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

#endif
