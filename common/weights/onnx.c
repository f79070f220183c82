#include "common/weights/onnx.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/half.h"
#include "proto/onnx.pb-c.h"

enum {
    FILE_MAX = INT_MAX, /* protobuf's own limit */
    FLOAT32 = 1,        /* TensorProto.DataType */
    FLOAT16 = 10,
    CONVS_MAX = 1024, /* that are named: each is looked for in the whole graph */
    HEADER = 32 /* bytes before each allocation, for its size; keeps the alignment */
};

/* Memory for protobuf-c, which unpacks two bytes of a hostile file into hundreds. */
typedef struct {
    ProtobufCAllocator allocator;
    size_t left;
} budget;

static void *budget_alloc(void *data, size_t size)
{
    budget *b = data;
    char *p;

    if (size > b->left || b->left - size < HEADER) return NULL;
    p = malloc(size + HEADER);
    if (!p) return NULL;
    memcpy(p, &size, sizeof size);
    b->left -= size + HEADER;
    return p + HEADER;
}

static void budget_free(void *data, void *p)
{
    budget *b = data;
    size_t size;

    if (!p) return;
    memcpy(&size, (char *)p - HEADER, sizeof size);
    b->left += size + HEADER;
    free((char *)p - HEADER);
}

typedef struct {
    budget memory;
    Pt__Onnx__ModelProto *model;
} onnx_file;

static void onnx_fini(void *source)
{
    onnx_file *f = source;

    if (f->model) pt__onnx__model_proto__free_unpacked(f->model, &f->memory.allocator);
}

/* uint8 to bool, uint32, uint64 */
static bool is_integers(int32_t type)
{
    return (type >= 2 && type <= 9) || type == 12 || type == 13;
}

/* Notes what prevents the values from being read: their type, or their number. */
static void check_values(const Pt__Onnx__TensorProto *p, pt_table_entry *e)
{
    size_t size = p->data_type == FLOAT32 ? 4 : 2;

    if (p->data_type != FLOAT32 && p->data_type != FLOAT16) {
        pt_table_trouble(e,
                         "data type %d is not supported, only 1 (float) and 10 (float16)",
                         (int)p->data_type);
    } else if (p->has_raw_data) {
        if (p->raw_data.len != e->count * size)
            pt_table_trouble(e, "has %zu bytes, but its shape needs %zu", p->raw_data.len,
                             e->count * size);
    } else {
        size_t n = size == 4 ? p->n_float_data : p->n_int32_data;

        if (n != e->count)
            pt_table_trouble(e, "has %zu values, but its shape needs %zu", n, e->count);
        for (size_t i = 0; size == 2 && i < n; i++)
            if (p->int32_data[i] < 0 || p->int32_data[i] > 0xffff)
                pt_table_trouble(e, "value %zu is %d, not a float16", i,
                                 (int)p->int32_data[i]);
    }
}

static pt_status add_tensor(const onnx_file *f, pt_table *t, const char *name,
                            size_t number)
{
    const Pt__Onnx__TensorProto *p = f->model->graph->initializer[number];
    pt_table_entry *e;
    pt_status s;

    if (p->n_dims > PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA, "%s: %.80s has %zu dimensions, the limit is %d",
                       t->path, name, p->n_dims, PT_TABLE_DIMS_MAX);
    s = pt_table_add(t, name, strlen(name), (int)p->n_dims, p->dims, number, &e);
    if (s != PT_OK) return s;
    e->integers = is_integers(p->data_type);
    check_values(p, e);
    return PT_OK;
}

/* ---- initialisers without a name of their own -------------------------------------- */

/* torch.onnx.export calls what it made itself, such as a convolution into which it folded
 * a batch norm, after the number of a value: "onnx::Conv_497". */
static bool is_made(const char *name)
{
    return name && strncmp(name, "onnx::Conv_", 11) == 0;
}

static const Pt__Onnx__NodeProto *identity_of(const Pt__Onnx__GraphProto *g,
                                              const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const Pt__Onnx__NodeProto *n = g->node[i];

        if (n->op_type && strcmp(n->op_type, "Identity") == 0 && n->n_input == 1 &&
            n->n_output == 1 && strcmp(n->output[0], name) == 0)
            return n;
    }
    return NULL;
}

/* The initialiser of this name, or of the value that an Identity passes on under it
 * (equal ones are written once); n_initializer without one. */
static size_t initialiser(const Pt__Onnx__GraphProto *g, const char *name)
{
    const Pt__Onnx__NodeProto *same = identity_of(g, name);

    if (same) name = same->input[0];
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->name && strcmp(g->initializer[i]->name, name) == 0)
            return i;
    return g->n_initializer;
}

/* The tensors of convolution `number` in the graph's order as "Conv.NUMBER/weight", and
 * "/bias". */
static pt_status add_conv(const onnx_file *f, pt_table *t, const Pt__Onnx__NodeProto *n,
                          int number)
{
    const Pt__Onnx__GraphProto *g = f->model->graph;
    pt_status s = PT_OK;

    for (size_t i = 1; i < n->n_input && i < 3 && s == PT_OK; i++) {
        size_t from = is_made(n->input[i]) ? initialiser(g, n->input[i]) : SIZE_MAX;
        char name[64];

        if (from >= g->n_initializer) continue;
        snprintf(name, sizeof name, "Conv.%d/%s", number, i == 1 ? "weight" : "bias");
        s = add_tensor(f, t, name, from);
    }
    return s;
}

static pt_status add_tensors(const onnx_file *f, pt_table *t)
{
    const Pt__Onnx__GraphProto *g = f->model->graph;
    pt_status s = PT_OK;
    int number = 0;

    if (!g) return pt_fail(PT_ERR_DATA, "%s: the model has no graph", t->path);
    for (size_t i = 0; i < g->n_initializer && s == PT_OK; i++) {
        const char *name = g->initializer[i]->name;

        if (name && *name && !is_made(name)) s = add_tensor(f, t, name, i);
    }
    for (size_t i = 0; i < g->n_node && number < CONVS_MAX && s == PT_OK; i++)
        if (g->node[i]->op_type && strcmp(g->node[i]->op_type, "Conv") == 0)
            s = add_conv(f, t, g->node[i], number++);
    if (s != PT_OK) return s;
    if (t->n == 0) return pt_fail(PT_ERR_DATA, "%s: has no initialisers", t->path);
    return pt_table_finish(t);
}

static pt_status onnx_read(const pt_table *t, const pt_table_entry *e, float *values)
{
    const onnx_file *f = t->source;
    const Pt__Onnx__TensorProto *p = f->model->graph->initializer[e->where];

    if (e->count == 0) return PT_OK;
    if (p->has_raw_data && p->data_type == FLOAT32)
        memcpy(values, p->raw_data.data, e->count * sizeof *values);
    else if (p->has_raw_data)
        pt_half_widen(p->raw_data.data, e->count, values);
    else if (p->data_type == FLOAT32)
        memcpy(values, p->float_data, e->count * sizeof *values);
    else
        for (size_t i = 0; i < e->count; i++)
            values[i] = pt_half_to_float((uint16_t)p->int32_data[i]);
    return PT_OK;
}

static pt_status unpack(onnx_file *f, const char *path)
{
    pt_file *file = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_file_open(path, &file);

    if (s == PT_OK) s = pt_file_load(file, FILE_MAX, &bytes, &n);
    if (s == PT_OK) {
        f->memory.allocator = (ProtobufCAllocator){budget_alloc, budget_free, &f->memory};
        f->memory.left = 8 * n + (1 << 20);
        f->model = pt__onnx__model_proto__unpack(&f->memory.allocator, n, bytes);
        if (!f->model) s = pt_fail(PT_ERR_DATA, "%s: is not a valid ONNX model", path);
    }
    free(bytes);
    pt_file_destroy(&file);
    return s;
}

static pt_status onnx_fill(pt_table *t, void *source)
{
    onnx_file *f = source;
    pt_status s = unpack(f, t->path);

    return s == PT_OK ? add_tensors(f, t) : s;
}

pt_status pt_onnx_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(onnx_file),
                                     .fill = onnx_fill,
                                     .read = onnx_read,
                                     .fini = onnx_fini};

    return pt_table_open(path, &ops, out);
}
