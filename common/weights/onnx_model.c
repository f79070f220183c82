#include "common/weights/onnx_model.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = INT_MAX /* protobuf's own limit */, NODES_MAX = 1 << 16 };

/* Fields of the messages. */
enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_INTS = 8,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1
};

static pt_status no_memory(const pt_onnx_model *m)
{
    return pt_fail(PT_ERR_NOMEM, "%s: no memory for its graph", m->file->path);
}

static void free_node(pt_onnx_model_node *n)
{
    for (size_t i = 0; i < n->n_in + n->n_out; i++) free(n->names[i]);
    free(n->names);
    free(n->op);
}

void pt_onnx_model_fini(pt_onnx_model *m)
{
    for (size_t i = 0; i < m->n_nodes; i++) free_node(&m->nodes[i]);
    for (size_t i = 0; i < m->n_tensors; i++) pt_onnx_tensor_fini(&m->tensors[i]);
    for (size_t i = 0; i < m->n_inputs; i++) free(m->inputs[i].name);
    for (size_t i = 0; i < m->n_outputs; i++) free(m->outputs[i].name);
    free(m->nodes);
    free(m->tensors);
    free(m->inputs);
    free(m->outputs);
    free(m->by_name);
    pt_file_destroy(&m->file);
    *m = (pt_onnx_model){0};
}

bool pt_onnx_is(const pt_onnx_model_node *n, const char *op)
{
    return strcmp(n->op, op) == 0;
}

/* ---- tensors ----------------------------------------------------------------------- */

/* name: NULL for its own. */
static pt_status add_tensor(pt_onnx_model *m, const pt_wire_field *field,
                            const char *name)
{
    pt_onnx_tensor *grown =
        pt_grow(m->tensors, m->n_tensors, &m->tensors_capacity, sizeof *grown);
    pt_onnx_tensor *t;
    pt_status s;

    if (!grown) return no_memory(m);
    m->tensors = grown;
    t = &grown[m->n_tensors++];
    s = pt_onnx_tensor_parse(m->file, field->at, field->size, t);
    if (s != PT_OK || !name) return s;
    t->spare = true;
    free(t->name);
    t->name = strdup(name);
    return t->name ? PT_OK : no_memory(m);
}

static int by_name(const void *a, const void *b, void *tensors)
{
    const pt_onnx_tensor *t = tensors;

    return strcmp(t[*(const size_t *)a].name, t[*(const size_t *)b].name);
}

static pt_status sort_tensors(pt_onnx_model *m)
{
    free(m->by_name);
    m->by_name = pt_calloc(m->n_tensors + 1, sizeof *m->by_name);
    if (!m->by_name) return no_memory(m);
    for (size_t i = 0; i < m->n_tensors; i++) m->by_name[i] = i;
    qsort_r(m->by_name, m->n_tensors, sizeof *m->by_name, by_name, m->tensors);
    return PT_OK;
}

/* Among the n that are sorted. */
static pt_onnx_tensor *find_sorted(const pt_onnx_model *m, size_t n, const char *name)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(m->tensors[m->by_name[middle]].name, name);

        if (order == 0) return &m->tensors[m->by_name[middle]];
        if (order < 0) low = middle + 1;
        if (order > 0) high = middle;
    }
    return NULL;
}

pt_onnx_tensor *pt_onnx_model_find(const pt_onnx_model *m, const char *name)
{
    return *name ? find_sorted(m, m->n_tensors, name) : NULL;
}

/* A tensor under a second name. `of` may lie in the list, which may move. */
static pt_status add_alias(pt_onnx_model *m, const char *name, const pt_onnx_tensor *of)
{
    pt_onnx_tensor t = *of, *grown = NULL;

    t.spare = true;
    t.name = strdup(name);
    t.external = of->external ? strdup(of->external) : NULL;
    if (t.name && (t.external || !of->external))
        grown = pt_grow(m->tensors, m->n_tensors, &m->tensors_capacity, sizeof *grown);
    if (!grown) {
        pt_onnx_tensor_fini(&t);
        return no_memory(m);
    }
    m->tensors = grown;
    m->tensors[m->n_tensors++] = t;
    return PT_OK;
}

/* Exporters write equal tensors once, and an Identity node for each of the others. One
 * may pass on what another does: each round follows one step more. */
static pt_status add_aliases(pt_onnx_model *m)
{
    enum { ROUNDS = 4 };
    size_t before = 0;
    pt_status s = sort_tensors(m);

    for (int round = 0; round < ROUNDS && s == PT_OK && before != m->n_tensors; round++) {
        const size_t n = before = m->n_tensors;

        for (size_t i = 0; i < m->n_nodes && s == PT_OK; i++) {
            const char *name = pt_onnx_out(&m->nodes[i], 0);
            const pt_onnx_tensor *of;

            if (!pt_onnx_is(&m->nodes[i], "Identity") || !*name) continue;
            of = find_sorted(m, n, pt_onnx_in(&m->nodes[i], 0));
            if (of && !find_sorted(m, n, name)) s = add_alias(m, name, of);
        }
        if (s == PT_OK) s = sort_tensors(m);
    }
    return s;
}

/* ---- attributes -------------------------------------------------------------------- */

static pt_status read_word(const pt_file *file, const pt_wire_field *field,
                           char out[PT_ONNX_WORD])
{
    size_t n = field->size < PT_ONNX_WORD ? (size_t)field->size : PT_ONNX_WORD - 1;

    memset(out, 0, PT_ONNX_WORD);
    return field->type == PT_WIRE_LEN ? pt_file_read(file, field->at, out, n) : PT_OK;
}

static void add_int(pt_onnx_attribute *a, uint64_t value)
{
    if (a->n_ints < PT_ONNX_INTS_MAX) a->ints[a->n_ints] = (int64_t)value;
    a->n_ints++;
}

static pt_status add_ints(const pt_file *file, const pt_wire_field *field,
                          pt_onnx_attribute *a)
{
    uint64_t value;
    pt_wire w;
    pt_status s = PT_OK;

    if (field->type == PT_WIRE_VARINT) add_int(a, field->value);
    if (field->type != PT_WIRE_LEN) return PT_OK;
    pt_wire_init(&w, file, field->at, field->size);
    while (pt_wire_next_varint(&w, &value, &s)) add_int(a, value);
    return s;
}

static pt_status read_value(const pt_file *file, const pt_wire_field *field,
                            pt_onnx_attribute *a)
{
    switch (field->number) {
    case ATTRIBUTE_F:
        return field->type == PT_WIRE_I32
                   ? pt_file_read(file, field->at, &a->f, sizeof a->f)
                   : PT_OK;
    case ATTRIBUTE_I:
        a->i = (int64_t)field->value;
        return PT_OK;
    case ATTRIBUTE_S:
        return read_word(file, field, a->s);
    case ATTRIBUTE_T:
        if (field->type == PT_WIRE_LEN) a->tensor = *field;
        return PT_OK;
    case ATTRIBUTE_INTS:
        return add_ints(file, field, a);
    default:
        return PT_OK;
    }
}

/* The attribute in `field`, if it has this name. */
static pt_status read_if_named(const pt_file *file, const pt_wire_field *in,
                               const char *name, pt_onnx_attribute *a)
{
    char word[PT_ONNX_WORD] = "";
    pt_onnx_attribute found = {.given = true};
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s))
        s = field.number == ATTRIBUTE_NAME ? read_word(file, &field, word)
                                           : read_value(file, &field, &found);
    if (s == PT_OK && strcmp(word, name) == 0) *a = found;
    return s;
}

pt_status pt_onnx_attribute_read(const pt_onnx_model *m, const pt_onnx_model_node *n,
                                 const char *name, pt_onnx_attribute *a)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    *a = (pt_onnx_attribute){0};
    pt_wire_init(&w, m->file, n->at, n->size);
    while (pt_wire_next(&w, &field, &s))
        if (field.number == NODE_ATTRIBUTE && field.type == PT_WIRE_LEN)
            s = read_if_named(m->file, &field, name, a);
    return s;
}

/* ---- nodes ------------------------------------------------------------------------- */

/* The names in fields `number` of the node. */
static pt_status add_names(const pt_onnx_model *m, pt_onnx_model_node *n, uint32_t number,
                           size_t *capacity)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, m->file, n->at, n->size);
    while (pt_wire_next(&w, &field, &s)) {
        size_t all = n->n_in + n->n_out;
        char **grown;

        if (field.number != number) continue;
        grown = pt_grow(n->names, all, capacity, sizeof *grown);
        if (!grown) return no_memory(m);
        n->names = grown;
        s = pt_onnx_tensor_text(m->file, &field, &n->names[all]);
        if (number == NODE_INPUT)
            n->n_in++; /* also where it failed: it is to be freed */
        else
            n->n_out++;
    }
    return s;
}

static pt_status read_op(const pt_onnx_model *m, pt_onnx_model_node *n)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, m->file, n->at, n->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number != NODE_OP) continue;
        free(n->op);
        s = pt_onnx_tensor_text(m->file, &field, &n->op);
    }
    if (s == PT_OK && !n->op) {
        n->op = calloc(1, 1);
        if (!n->op) s = no_memory(m);
    }
    return s;
}

/* What a Constant node holds is a tensor like any other. */
static pt_status add_constant(pt_onnx_model *m, const pt_onnx_model_node *n)
{
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(m, n, "value", &a);

    if (s != PT_OK || a.tensor.size == 0) return s;
    return add_tensor(m, &a.tensor, pt_onnx_out(n, 0));
}

static pt_status add_node(pt_onnx_model *m, const pt_wire_field *field)
{
    pt_onnx_model_node *grown, *n;
    size_t capacity = 0;
    pt_status s;

    if (m->n_nodes == NODES_MAX)
        return pt_fail(PT_ERR_DATA, "%s: has more than %d nodes", m->file->path,
                       NODES_MAX);
    grown = pt_grow(m->nodes, m->n_nodes, &m->nodes_capacity, sizeof *grown);
    if (!grown) return no_memory(m);
    m->nodes = grown;
    n = &grown[m->n_nodes++];
    *n = (pt_onnx_model_node){.at = field->at, .size = field->size};
    s = read_op(m, n);
    if (s == PT_OK) s = add_names(m, n, NODE_INPUT, &capacity);
    if (s == PT_OK) s = add_names(m, n, NODE_OUTPUT, &capacity);
    return s == PT_OK && pt_onnx_is(n, "Constant") ? add_constant(m, n) : s;
}

/* ---- inputs and outputs ------------------------------------------------------------ */

static pt_status read_dim(const pt_file *file, const pt_wire_field *in,
                          pt_onnx_model_value *v)
{
    int64_t dim = -1;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s))
        if (field.number == DIM_VALUE && field.type == PT_WIRE_VARINT)
            dim = (int64_t)field.value;
    if (v->n_dims < PT_TABLE_DIMS_MAX) v->dims[v->n_dims] = dim < 0 ? -1 : dim;
    v->n_dims++;
    return s;
}

/* Down the messages around the dimensions: ValueInfoProto, TypeProto, TypeProto.Tensor,
 * TensorShapeProto. */
static pt_status read_shape(const pt_file *file, const pt_wire_field *in, int depth,
                            pt_onnx_model_value *v)
{
    static const uint32_t way[] = {VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM};
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.type != PT_WIRE_LEN) continue;
        if (depth == 0 && field.number == VALUE_NAME) {
            free(v->name);
            s = pt_onnx_tensor_text(file, &field, &v->name);
        } else if (field.number == way[depth]) {
            s = depth == 3 ? read_dim(file, &field, v)
                           : read_shape(file, &field, depth + 1, v);
        }
    }
    return s;
}

static pt_status add_value(pt_onnx_model *m, const pt_wire_field *field,
                           pt_onnx_model_value **list, size_t *n, size_t *capacity)
{
    pt_onnx_model_value *grown = pt_grow(*list, *n, capacity, sizeof *grown), *v;
    pt_status s;

    if (!grown) return no_memory(m);
    *list = grown;
    v = &grown[(*n)++];
    *v = (pt_onnx_model_value){0};
    s = read_shape(m->file, field, 0, v);
    if (s == PT_OK && !v->name) {
        v->name = calloc(1, 1);
        if (!v->name) s = no_memory(m);
    }
    return s;
}

/* ---- the file ---------------------------------------------------------------------- */

static pt_status add_part(pt_onnx_model *m, const pt_wire_field *field)
{
    if (field->type != PT_WIRE_LEN) return PT_OK;
    switch (field->number) {
    case GRAPH_NODE:
        return add_node(m, field);
    case GRAPH_INITIALIZER:
        return add_tensor(m, field, NULL);
    case GRAPH_INPUT:
        return add_value(m, field, &m->inputs, &m->n_inputs, &m->inputs_capacity);
    case GRAPH_OUTPUT:
        return add_value(m, field, &m->outputs, &m->n_outputs, &m->outputs_capacity);
    default:
        return PT_OK;
    }
}

static pt_status read_graph(pt_onnx_model *m, const pt_wire_field *in)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, m->file, in->at, in->size);
    while (pt_wire_next(&w, &field, &s)) s = add_part(m, &field);
    return s;
}

static pt_status read_model(pt_onnx_model *m)
{
    bool has_graph = false;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, m->file, 0, m->file->size);
    while (pt_wire_next(&w, &field, &s)) {
        if (field.number != MODEL_GRAPH || field.type != PT_WIRE_LEN) continue;
        has_graph = true;
        s = read_graph(m, &field);
    }
    if (s == PT_OK && !has_graph)
        s = pt_fail(PT_ERR_DATA, "%s: the model has no graph", m->file->path);
    return s == PT_OK ? add_aliases(m) : s;
}

pt_status pt_onnx_model_open(const char *path, pt_onnx_model *m)
{
    pt_status s;

    *m = (pt_onnx_model){0};
    s = pt_file_open(path, &m->file);
    if (s == PT_OK && m->file->size > FILE_MAX)
        s = pt_fail(PT_ERR_DATA,
                    "%s: has %llu bytes, more than the %d that an ONNX file may have: "
                    "save the values beside it, in Python: onnx.save(model, FILE, "
                    "save_as_external_data=True)",
                    path, (unsigned long long)m->file->size, FILE_MAX);
    return s == PT_OK ? read_model(m) : s;
}
