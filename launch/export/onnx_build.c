#include "launch/export/onnx_build.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

enum { FLOAT32 = 1, INT64 = 7 };                      /* TensorProto.DataType */
enum { A_FLOAT = 1, AN_INT = 2, INTS = 7, MOST = 8 }; /* AttributeProto; at a node */

void pt_onnx_build_fini(pt_onnx_build *b)
{
    for (size_t i = 0; i < b->n_blocks; i++) free(b->blocks[i]);
    free(b->blocks);
    free(b->nodes);
    free(b->constants);
}

/* Space for one more pointer after n; false without memory. */
static bool grow(pt_onnx_build *b, void ***list, size_t n, size_t *capacity)
{
    void **bigger = pt_grow(*list, n, capacity, sizeof *bigger);

    b->failed = b->failed || !bigger;
    if (bigger) *list = bigger;
    return bigger != NULL;
}

void *pt_onnx_memory(pt_onnx_build *b, size_t bytes)
{
    static char spare[1024];
    void *p = NULL;

    if (grow(b, &b->blocks, b->n_blocks, &b->blocks_capacity)) p = calloc(1, bytes + 1);
    if (p) b->blocks[b->n_blocks++] = p;
    if (p) return p;
    b->failed = true;
    PT_CHECK(bytes < sizeof spare, "%zu bytes", bytes);
    return spare;
}

char *pt_onnx_text(pt_onnx_build *b, const char *text)
{
    return memcpy(pt_onnx_memory(b, strlen(text) + 1), text, strlen(text));
}

Pt__Onnx__NodeProto *pt_onnx_node(pt_onnx_build *b, const char *op, const char *output,
                                  const char *const *inputs, size_t n)
{
    Pt__Onnx__NodeProto *node = pt_onnx_memory(b, sizeof *node);

    pt__onnx__node_proto__init(node);
    node->op_type = pt_onnx_text(b, op);
    node->name = pt_onnx_text(b, output);
    node->input = pt_onnx_memory(b, n * sizeof *node->input);
    for (size_t i = 0; i < n; i++) node->input[i] = pt_onnx_text(b, inputs[i]);
    node->n_input = n;
    node->output = pt_onnx_memory(b, sizeof *node->output);
    node->output[0] = node->name;
    node->n_output = 1;
    node->attribute = pt_onnx_memory(b, MOST * sizeof *node->attribute);
    if (grow(b, (void ***)&b->nodes, b->n_nodes, &b->nodes_capacity))
        b->nodes[b->n_nodes++] = node;
    return node;
}

static Pt__Onnx__AttributeProto *attribute(pt_onnx_build *b, Pt__Onnx__NodeProto *node,
                                           const char *name, int type)
{
    Pt__Onnx__AttributeProto *a = pt_onnx_memory(b, sizeof *a);

    pt__onnx__attribute_proto__init(a);
    a->name = pt_onnx_text(b, name);
    a->has_type = true;
    a->type = type;
    PT_CHECK(node->n_attribute < MOST || b->failed, "%s", name);
    node->attribute[node->n_attribute++ % MOST] = a;
    return a;
}

void pt_onnx_int(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                 int64_t value)
{
    Pt__Onnx__AttributeProto *a = attribute(b, node, name, AN_INT);

    a->has_i = true;
    a->i = value;
}

void pt_onnx_float(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                   float value)
{
    Pt__Onnx__AttributeProto *a = attribute(b, node, name, A_FLOAT);

    a->has_f = true;
    a->f = value;
}

void pt_onnx_ints(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                  const int64_t *values, size_t n)
{
    Pt__Onnx__AttributeProto *a = attribute(b, node, name, INTS);

    a->ints = memcpy(pt_onnx_memory(b, n * sizeof *values), values, n * sizeof *values);
    a->n_ints = n;
}

static Pt__Onnx__TensorProto *constant(pt_onnx_build *b, const char *name, int type)
{
    Pt__Onnx__TensorProto *t = pt_onnx_memory(b, sizeof *t);

    pt__onnx__tensor_proto__init(t);
    t->name = pt_onnx_text(b, name);
    t->has_data_type = true;
    t->data_type = type;
    if (grow(b, (void ***)&b->constants, b->n_constants, &b->constants_capacity))
        b->constants[b->n_constants++] = t;
    return t;
}

const char *pt_onnx_scalar(pt_onnx_build *b, const char *name, float value)
{
    Pt__Onnx__TensorProto *t = constant(b, name, FLOAT32);

    t->float_data = pt_onnx_memory(b, sizeof value);
    t->float_data[0] = value;
    t->n_float_data = 1;
    return t->name;
}

const char *pt_onnx_matrix(pt_onnx_build *b, const char *name, const float *values,
                           int rows, int columns)
{
    Pt__Onnx__TensorProto *t = constant(b, name, FLOAT32);
    size_t n = (size_t)rows * (size_t)columns;
    float *data = pt_onnx_memory(b, n * sizeof *data);

    if (b->failed) return t->name;
    t->dims = pt_onnx_memory(b, 2 * sizeof *t->dims);
    t->dims[0] = rows;
    t->dims[1] = columns;
    t->n_dims = 2;
    t->float_data = memcpy(data, values, n * sizeof *data);
    t->n_float_data = n;
    return t->name;
}

const char *pt_onnx_list(pt_onnx_build *b, const char *name, const int64_t *values,
                         size_t n)
{
    Pt__Onnx__TensorProto *t = constant(b, name, INT64);

    t->dims = pt_onnx_memory(b, sizeof *t->dims);
    t->dims[0] = (int64_t)n;
    t->n_dims = 1;
    t->int64_data =
        memcpy(pt_onnx_memory(b, n * sizeof *values), values, n * sizeof *values);
    t->n_int64_data = n;
    return t->name;
}

static Pt__Onnx__DimensionProto *dimension(pt_onnx_build *b, int value)
{
    Pt__Onnx__DimensionProto *d = pt_onnx_memory(b, sizeof *d);

    pt__onnx__dimension_proto__init(d);
    d->has_dim_value = value > 0;
    d->dim_value = value;
    if (value <= 0) d->dim_param = pt_onnx_text(b, "N");
    return d;
}

Pt__Onnx__ValueInfoProto *pt_onnx_value(pt_onnx_build *b, const char *name,
                                        const int *dims, size_t n)
{
    Pt__Onnx__ValueInfoProto *v = pt_onnx_memory(b, sizeof *v);
    Pt__Onnx__ShapeProto *shape = pt_onnx_memory(b, sizeof *shape);
    Pt__Onnx__TensorTypeProto *tensor = pt_onnx_memory(b, sizeof *tensor);

    pt__onnx__value_info_proto__init(v);
    pt__onnx__shape_proto__init(shape);
    pt__onnx__tensor_type_proto__init(tensor);
    v->name = pt_onnx_text(b, name);
    v->type = pt_onnx_memory(b, sizeof *v->type);
    pt__onnx__type_proto__init(v->type);
    v->type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = FLOAT32;
    tensor->shape = shape;
    shape->dim = pt_onnx_memory(b, (n + 1) * sizeof *shape->dim);
    shape->n_dim = n + 1;
    for (size_t i = 0; i <= n; i++) shape->dim[i] = dimension(b, i ? dims[i - 1] : 0);
    return v;
}
