#include "common/weights/onnx.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/half.h"
#include "proto/onnx.pb-c.h"

enum {
    FILE_MAX = INT_MAX, /* protobuf's own limit */
    FLOAT32 = 1,        /* TensorProto.DataType */
    FLOAT16 = 10,
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

static pt_status add_tensors(const onnx_file *f, pt_table *t)
{
    const Pt__Onnx__GraphProto *g = f->model->graph;

    if (!g) return pt_fail(PT_ERR_DATA, "%s: the model has no graph", t->path);
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Pt__Onnx__TensorProto *p = g->initializer[i];
        pt_table_entry *e;
        pt_status s;

        if (!p->name || !*p->name) continue;
        if (p->n_dims > PT_TABLE_DIMS_MAX)
            return pt_fail(PT_ERR_DATA, "%s: %.80s has %zu dimensions, the limit is %d",
                           t->path, p->name, p->n_dims, PT_TABLE_DIMS_MAX);
        s = pt_table_add(t, p->name, strlen(p->name), (int)p->n_dims, p->dims, i, &e);
        if (s != PT_OK) return s;
        e->integers = is_integers(p->data_type);
        check_values(p, e);
    }
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
