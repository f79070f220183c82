#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/graph/builder.h"
#include "launch/export/export.h"
#include "launch/export/onnx_build.h"
#include "launch/export/tensors.h"
#include "launch/support/version.h"

enum { IR_VERSION = 7, OPSET = 13, FLOAT32 = 1 };

/* Numbers of the fields that are written one by one. */
enum { MODEL_GRAPH = 7, GRAPH_INITIALIZER = 5, TENSOR_RAW_DATA = 9 };

typedef struct {
    const pt_graph *graph;
    pt_onnx_build b;
    const char **output; /* [n_nodes]: what ONNX calls the output of a node */
    bool *flat;          /* [n_nodes]: it is [N][c], not [N][c][h][w] */
    bool *needed;        /* [n_nodes] */
} mapping;

/* ---- nodes ------------------------------------------------------------------------ */

static const char *tensor_name(const mapping *m, int tensor)
{
    return m->graph->tensors[tensor].name;
}

static void set_window(mapping *m, Pt__Onnx__NodeProto *node, const pt_window *w)
{
    int64_t kernel[2] = {w->kh, w->kw}, strides[2] = {w->stride, w->stride},
            pads[4] = {w->pad_top, w->pad_left, w->pad_bottom, w->pad_right};

    pt_onnx_ints(&m->b, node, "kernel_shape", kernel, 2);
    pt_onnx_ints(&m->b, node, "strides", strides, 2);
    pt_onnx_ints(&m->b, node, "pads", pads, 4);
}

static void map_conv(mapping *m, const pt_node *n, const char *in)
{
    const char *inputs[3] = {in, tensor_name(m, n->weight)};
    Pt__Onnx__NodeProto *node;

    if (n->bias >= 0) inputs[2] = tensor_name(m, n->bias);
    node = pt_onnx_node(&m->b, "Conv", n->name, inputs, n->bias >= 0 ? 3 : 2);
    set_window(m, node, &n->window);
    if (n->op == PT_OP_DEPTHWISE) pt_onnx_int(&m->b, node, "group", n->c);
}

static void map_batch_norm(mapping *m, const pt_node *n, const char *in)
{
    const char *inputs[5] = {in, tensor_name(m, n->weight), tensor_name(m, n->bias),
                             tensor_name(m, n->mean), tensor_name(m, n->var)};

    pt_onnx_float(&m->b, pt_onnx_node(&m->b, "BatchNormalization", n->name, inputs, 5),
                  "epsilon", n->eps);
}

static void map_relu6(mapping *m, const pt_node *n, const char *in)
{
    char low[PT_NAME_MAX + 8], high[PT_NAME_MAX + 8];
    const char *inputs[3] = {in};

    snprintf(low, sizeof low, "%s.low", n->name);
    snprintf(high, sizeof high, "%s.high", n->name);
    inputs[1] = pt_onnx_scalar(&m->b, low, 0);
    inputs[2] = pt_onnx_scalar(&m->b, high, 6);
    pt_onnx_node(&m->b, "Clip", n->name, inputs, 3);
}

static void map_max_pool(mapping *m, const pt_node *n, const char *in)
{
    Pt__Onnx__NodeProto *node = pt_onnx_node(&m->b, "MaxPool", n->name, &in, 1);

    set_window(m, node, &n->window);
    if (n->window.ceil) pt_onnx_int(&m->b, node, "ceil_mode", 1);
}

/* Padding that counts is a node of its own, as torch writes it: programs differ in what
 * count_include_pad does where a size is rounded up. */
static const char *map_pad(mapping *m, const pt_node *n, const char *in)
{
    const pt_window *w = &n->window;
    int64_t pads[8] = {0, 0, w->pad_top, w->pad_left, 0, 0, w->pad_bottom, w->pad_right};
    char name[2][PT_NAME_MAX + 16];
    const char *inputs[2] = {in};

    snprintf(name[0], sizeof name[0], "%s.pads", n->name);
    snprintf(name[1], sizeof name[1], "%s.pad", n->name);
    inputs[1] = pt_onnx_list(&m->b, name[0], pads, 8);
    pt_onnx_node(&m->b, "Pad", name[1], inputs, 2);
    return pt_onnx_text(&m->b, name[1]);
}

/* Does the pool of the padded map hold as many windows? */
static bool is_as_large(const pt_node *n, const pt_node *in)
{
    const pt_window *w = &n->window;
    int h = in->h + w->pad_top + w->pad_bottom,
        width = in->w + w->pad_left + w->pad_right;

    return pt_window_count(h, w->kh, w->stride, 0, 0, w->ceil) == n->h &&
           pt_window_count(width, w->kw, w->stride, 0, 0, w->ceil) == n->w;
}

static void map_avg_pool(mapping *m, const pt_node *n, const char *in)
{
    pt_window w = n->window;
    Pt__Onnx__NodeProto *node;

    if (w.count_pad && is_as_large(n, &m->graph->nodes[n->in[0]])) {
        in = map_pad(m, n, in);
        w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = 0;
        w.count_pad = false;
    }
    node = pt_onnx_node(&m->b, "AveragePool", n->name, &in, 1);
    set_window(m, node, &w);
    if (w.ceil) pt_onnx_int(&m->b, node, "ceil_mode", 1);
    if (w.count_pad) pt_onnx_int(&m->b, node, "count_include_pad", 1);
}

/* Averages as two products: rows x in x columns, where the matrices hold each window's
 * shares. ONNX has no such pool of its own. */
static void map_grid(mapping *m, const pt_node *n, const pt_node *from, const char *in)
{
    int to = n->h, side = from->h; /* both are square */
    size_t size = (size_t)to * (size_t)side;
    float *rows = pt_onnx_memory(&m->b, size * sizeof *rows);
    float *columns = pt_onnx_memory(&m->b, size * sizeof *columns);
    char name[3][PT_NAME_MAX + 16];
    const char *inputs[2];

    if (m->b.failed) return;
    for (int i = 0; i < to; i++) {
        int first = i * side / to, end = ((i + 1) * side + to - 1) / to;

        for (int k = first; k < end; k++)
            rows[i * side + k] = columns[k * to + i] = 1 / (float)(end - first);
    }
    snprintf(name[0], sizeof name[0], "%s.rows", n->name);
    snprintf(name[1], sizeof name[1], "%s.columns", n->name);
    snprintf(name[2], sizeof name[2], "%s.by_rows", n->name);
    inputs[0] = pt_onnx_matrix(&m->b, name[0], rows, to, side);
    inputs[1] = in;
    pt_onnx_node(&m->b, "MatMul", name[2], inputs, 2);
    inputs[0] = name[2];
    inputs[1] = pt_onnx_matrix(&m->b, name[1], columns, side, to);
    pt_onnx_node(&m->b, "MatMul", n->name, inputs, 2);
}

/* PyTorch's AdaptiveAvgPool2d; a plain average where the sides divide. */
static void map_adaptive_pool(mapping *m, const pt_node *n, const char *in)
{
    const pt_node *from = &m->graph->nodes[n->in[0]];
    int64_t k[2] = {from->h / n->h, from->w / n->w};
    Pt__Onnx__NodeProto *node;

    if (from->h % n->h != 0) {
        map_grid(m, n, from, in);
        return;
    }
    node = pt_onnx_node(&m->b, "AveragePool", n->name, &in, 1);
    pt_onnx_ints(&m->b, node, "kernel_shape", k, 2);
    pt_onnx_ints(&m->b, node, "strides", k, 2);
}

/* `in` as [N][c h w]; PyTorch's order of it is the tensors' own. */
static const char *flatten(mapping *m, const char *in, bool flat, const char *owner)
{
    char name[PT_NAME_MAX + 8];

    if (flat) return in;
    snprintf(name, sizeof name, "%s.flat", owner);
    pt_onnx_int(&m->b, pt_onnx_node(&m->b, "Flatten", name, &in, 1), "axis", 1);
    return pt_onnx_text(&m->b, name);
}

static void map_linear(mapping *m, const pt_node *n, const char *in)
{
    const char *inputs[3] = {flatten(m, in, m->flat[n->in[0]], n->name),
                             tensor_name(m, n->weight), tensor_name(m, n->bias)};

    pt_onnx_int(&m->b, pt_onnx_node(&m->b, "Gemm", n->name, inputs, 3), "transB", 1);
}

/* Every stride-th pixel, then zero channels on both sides. */
static void map_shortcut(mapping *m, const pt_node *n, const char *in)
{
    int64_t stride = n->window.stride, more = n->c - m->graph->nodes[n->in[0]].c,
            starts[2] = {0, 0}, ends[2] = {INT32_MAX, INT32_MAX}, axes[2] = {2, 3},
            steps[2] = {stride, stride},
            pads[8] = {0, more / 2, 0, 0, 0, more - more / 2};
    char name[5][PT_NAME_MAX + 16];
    static const char *const parts[5] = {"starts", "ends", "axes", "steps", "pads"};
    const char *slice[5] = {in}, *pad[2];

    for (int i = 0; i < 5; i++)
        snprintf(name[i], sizeof name[i], "%s.%s", n->name, parts[i]);
    slice[1] = pt_onnx_list(&m->b, name[0], starts, 2);
    slice[2] = pt_onnx_list(&m->b, name[1], ends, 2);
    slice[3] = pt_onnx_list(&m->b, name[2], axes, 2);
    slice[4] = pt_onnx_list(&m->b, name[3], steps, 2);
    snprintf(name[0], sizeof name[0], "%s.slice", n->name);
    pt_onnx_node(&m->b, "Slice", name[0], slice, 5);
    pad[0] = name[0];
    pad[1] = pt_onnx_list(&m->b, name[4], pads, 8);
    pt_onnx_node(&m->b, "Pad", n->name, pad, 2);
}

static void map_join(mapping *m, const pt_node *n, const char *in)
{
    const char *inputs[2] = {in, m->output[n->in[1]]};
    bool add = n->op == PT_OP_ADD;
    Pt__Onnx__NodeProto *node =
        pt_onnx_node(&m->b, add ? "Add" : "Concat", n->name, inputs, 2);

    if (!add) pt_onnx_int(&m->b, node, "axis", 1);
}

static void map_node(mapping *m, int i)
{
    const pt_node *n = &m->graph->nodes[i];
    const char *in = n->in[0] >= 0 ? m->output[n->in[0]] : NULL;

    m->output[i] = n->name;
    m->flat[i] = n->op == PT_OP_LINEAR || (n->in[0] >= 0 && m->flat[n->in[0]]);
    switch (n->op) {
    case PT_OP_INPUT:
        m->output[i] = "input";
        break;
    case PT_OP_CONV:
    case PT_OP_DEPTHWISE:
        map_conv(m, n, in);
        break;
    case PT_OP_BATCH_NORM:
        map_batch_norm(m, n, in);
        break;
    case PT_OP_RELU:
        pt_onnx_node(&m->b, "Relu", n->name, &in, 1);
        break;
    case PT_OP_RELU6:
        map_relu6(m, n, in);
        break;
    case PT_OP_MAX_POOL:
        map_max_pool(m, n, in);
        break;
    case PT_OP_AVG_POOL:
        map_avg_pool(m, n, in);
        break;
    case PT_OP_GLOBAL_AVG_POOL:
        pt_onnx_node(&m->b, "GlobalAveragePool", n->name, &in, 1);
        break;
    case PT_OP_ADAPTIVE_AVG_POOL:
        map_adaptive_pool(m, n, in);
        break;
    case PT_OP_LINEAR:
        map_linear(m, n, in);
        break;
    case PT_OP_DROPOUT:
        m->output[i] = in;
        break; /* nothing, outside of training */
    case PT_OP_ADD:
    case PT_OP_CONCAT:
        map_join(m, n, in);
        break;
    case PT_OP_SHORTCUT_A:
        map_shortcut(m, n, in);
        break;
    }
}

static void map_graph(mapping *m)
{
    const char *last;

    pt_export_needed(m->graph, m->needed);
    for (int i = 0; i < m->graph->n_nodes; i++)
        if (m->needed[i]) map_node(m, i);
    last = flatten(m, m->output[m->graph->logits], m->flat[m->graph->logits], "logits");
    pt_onnx_node(&m->b, "Identity", "logits", &last, 1);
}

/* ---- the file --------------------------------------------------------------------- */

/* Field `number` of n bytes follows; the bytes of this header at most 12. */
static size_t field(unsigned char *to, int number, uint64_t n)
{
    size_t at = 0;

    to[at++] = (unsigned char)(number << 3 | 2);
    for (; n > 127; n >>= 7) to[at++] = (unsigned char)(n | 128);
    to[at++] = (unsigned char)n;
    return at;
}

static uint64_t field_bytes(int number, uint64_t n)
{
    unsigned char header[12];

    return field(header, number, n) + n;
}

static pt_status write_field(pt_sink *k, int number, uint64_t n)
{
    unsigned char header[12];

    return pt_sink_write(k, header, field(header, number, n));
}

/* A message, packed. */
static pt_status write_packed(pt_sink *k, const ProtobufCMessage *message)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(n + 1);
    pt_status s;

    if (!bytes) return pt_fail(PT_ERR_NOMEM, "no memory for %zu bytes of ONNX", n);
    protobuf_c_message_pack(message, bytes);
    s = pt_sink_write(k, bytes, n);
    free(bytes);
    return s;
}

/* A tensor without its values. */
static void describe(const pt_tensor *t, Pt__Onnx__TensorProto *p, int64_t dims[4])
{
    pt__onnx__tensor_proto__init(p);
    for (int i = 0; i < t->n_dims; i++) dims[i] = t->dims[i];
    p->dims = dims;
    p->n_dims = (size_t)t->n_dims;
    p->name = (char *)t->name;
    p->has_data_type = true;
    p->data_type = FLOAT32;
}

static uint64_t tensor_bytes(const pt_tensor *t)
{
    Pt__Onnx__TensorProto p;
    int64_t dims[4];

    describe(t, &p, dims);
    return pt__onnx__tensor_proto__get_packed_size(&p) +
           field_bytes(TENSOR_RAW_DATA, t->count * sizeof(float));
}

static pt_status write_tensor(const pt_export_tensors *t, size_t i, pt_sink *k)
{
    Pt__Onnx__TensorProto p;
    int64_t dims[4];
    pt_status s;

    describe(t->list[i], &p, dims);
    s = write_field(k, GRAPH_INITIALIZER, tensor_bytes(t->list[i]));
    if (s == PT_OK) s = write_packed(k, &p.base);
    if (s == PT_OK)
        s = write_field(k, TENSOR_RAW_DATA, t->list[i]->count * sizeof(float));
    return s == PT_OK ? pt_export_tensors_write(t, i, k) : s;
}

/* The model as protobuf has it, but the tensors one after another, so that memory holds
 * one of them and not the file. */
static pt_status write_model(const Pt__Onnx__ModelProto *model,
                             const Pt__Onnx__GraphProto *graph,
                             const pt_export_tensors *t, const char *path)
{
    uint64_t n = pt__onnx__graph_proto__get_packed_size(graph);
    pt_sink *k = NULL;
    pt_status s;

    for (size_t i = 0; i < t->n; i++)
        n += field_bytes(GRAPH_INITIALIZER, tensor_bytes(t->list[i]));
    s = pt_sink_open(path, n + pt__onnx__model_proto__get_packed_size(model) + 16, &k);
    if (s == PT_OK) s = write_packed(k, &model->base);
    if (s == PT_OK) s = write_field(k, MODEL_GRAPH, n);
    if (s == PT_OK) s = write_packed(k, &graph->base);
    for (size_t i = 0; i < t->n && s == PT_OK; i++) s = write_tensor(t, i, k);
    return pt_sink_close(&k, s);
}

static void describe_model(const pt_export *e, pt_onnx_build *b,
                           Pt__Onnx__ModelProto *model)
{
    Pt__Onnx__OperatorSetIdProto *opset = pt_onnx_memory(b, sizeof *opset);
    json_t *meta = pt_export_metadata(e), *value;
    const char *key;

    pt__onnx__model_proto__init(model);
    pt__onnx__operator_set_id_proto__init(opset);
    model->has_ir_version = true;
    model->ir_version = IR_VERSION;
    model->producer_name = pt_onnx_text(b, "ptrain");
    model->producer_version = pt_onnx_text(b, PT_VERSION);
    opset->domain = pt_onnx_text(b, "");
    opset->has_version = true;
    opset->version = OPSET;
    model->opset_import = pt_onnx_memory(b, sizeof *model->opset_import);
    model->opset_import[0] = opset;
    model->n_opset_import = 1;
    model->metadata_props = pt_onnx_memory(b, json_object_size(meta) * sizeof(void *));
    json_object_foreach(meta, key, value)
    {
        Pt__Onnx__StringEntry *entry = pt_onnx_memory(b, sizeof *entry);

        pt__onnx__string_entry__init(entry);
        entry->key = pt_onnx_text(b, key);
        entry->value = pt_onnx_text(b, json_string_value(value));
        model->metadata_props[model->n_metadata_props++] = entry;
    }
    json_decref(meta);
}

static pt_status export_mapped(const pt_export *e, mapping *m, const pt_export_tensors *t,
                               const char *path)
{
    const pt_node *in = &e->graph->nodes[0];
    int input[3] = {3, in->h, in->w}, output[1] = {e->graph->n_classes};
    Pt__Onnx__ModelProto model;
    Pt__Onnx__GraphProto graph;
    Pt__Onnx__ValueInfoProto *values[2];

    map_graph(m);
    describe_model(e, &m->b, &model);
    pt__onnx__graph_proto__init(&graph);
    values[0] = pt_onnx_value(&m->b, "input", input, 3);
    values[1] = pt_onnx_value(&m->b, "logits", output, 1);
    graph.name = (char *)e->graph->network;
    graph.node = m->b.nodes;
    graph.n_node = m->b.n_nodes;
    graph.initializer = m->b.constants;
    graph.n_initializer = m->b.n_constants;
    graph.input = &values[0];
    graph.n_input = 1;
    graph.output = &values[1];
    graph.n_output = 1;
    if (m->b.failed) return pt_fail(PT_ERR_NOMEM, "%s: no memory for its graph", path);
    return write_model(&model, &graph, t, path);
}

pt_status pt_export_onnx(const pt_export *e, const char *path)
{
    size_t n = (size_t)e->graph->n_nodes;
    mapping m = {.graph = e->graph};
    pt_export_tensors t;
    pt_status s = pt_export_tensors_init(e, &t);

    m.output = pt_calloc(n, sizeof *m.output);
    m.flat = pt_calloc(n, sizeof *m.flat);
    m.needed = pt_calloc(n, sizeof *m.needed);
    if (s == PT_OK && (!m.output || !m.flat || !m.needed))
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for its graph", path);
    if (s == PT_OK) s = export_mapped(e, &m, &t, path);
    pt_onnx_build_fini(&m.b);
    free(m.output);
    free(m.flat);
    free(m.needed);
    pt_export_tensors_fini(&t);
    return s;
}
