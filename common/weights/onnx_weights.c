/* The weights of an ONNX model into a graph that was made from it, or like it. */
#include <stdlib.h>
#include <string.h>

#include "common/weights/onnx_graph.h"
#include "common/weights/onnx_import.h"

/* Where the tensors of the file's own graph go. */
typedef struct {
    const pt_onnx_import *x;
    const pt_graph *own, *to;
    bool with_head;
    float *scratch; /* twice the largest tensor */
    float *flat;    /* of `to` */
    size_t n_read;
} transfer;

static void fill(float *to, size_t n, float value)
{
    for (size_t i = 0; i < n; i++) to[i] = value;
}

/* From [in][out] to [out][in]. */
static void transpose(const float *from, size_t rows, size_t columns, float *to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) to[r * columns + c] = from[c * rows + r];
}

/* The tensor of `to` that gets tensor `index` of the file's own graph; NULL: none. */
static const pt_tensor *target(const transfer *t, int index)
{
    int to = index < 0 ? -1 : pt_graph_find_tensor(t->to, t->own->tensors[index].name);

    if (to < 0 || (t->to->tensors[to].head && !t->with_head)) return NULL;
    return &t->to->tensors[to];
}

/* Tensor `index` of the file's own graph from `from`, or all `value`. */
static pt_status read_tensor(transfer *t, int index, const pt_onnx_tensor *from,
                             float value, bool transposed)
{
    const pt_tensor *to = target(t, index);
    float *file = t->scratch;
    pt_status s;

    if (!to) return PT_OK;
    if (!from) {
        fill(t->flat + to->offset, to->count, value);
        return PT_OK;
    }
    t->n_read++;
    s = pt_onnx_tensor_read(t->x->m.file, from, 0, to->count, t->scratch);
    if (s != PT_OK) return s;
    if (transposed) {
        file = t->scratch + to->count;
        transpose(t->scratch, (size_t)to->dims[0], (size_t)to->dims[1], file);
    }
    pt_tensor_to_memory(to, file, t->flat + to->offset);
    return PT_OK;
}

static pt_status read_source(transfer *t, const pt_onnx_source *from)
{
    const pt_node *n = &t->own->nodes[from->node];
    pt_status s = read_tensor(t, n->weight, from->weight, 1, from->transposed);

    if (s == PT_OK) s = read_tensor(t, n->bias, from->bias, 0, false);
    if (s == PT_OK) s = read_tensor(t, n->mean, from->mean, 0, false);
    if (s == PT_OK) s = read_tensor(t, n->var, from->var, 1 - n->eps, false);
    return s;
}

static bool is_same_shape(const pt_tensor *a, const pt_tensor *b)
{
    bool same = a->kind == b->kind && a->n_dims == b->n_dims;

    for (int i = 0; i < a->n_dims && same; i++) same = a->dims[i] == b->dims[i];
    return same;
}

static void shape_text(const pt_tensor *t, char text[PT_SHAPE_TEXT])
{
    size_t dims[4];

    for (int i = 0; i < t->n_dims; i++) dims[i] = (size_t)t->dims[i];
    pt_shape_text(t->n_dims, dims, text);
}

/* A line for each tensor of t->to that the file's own graph has not, or has in another
 * shape. */
static pt_status match(const transfer *t)
{
    char has[PT_SHAPE_TEXT], needs[PT_SHAPE_TEXT];
    pt_status misfit = PT_OK;

    for (int i = 0; i < t->to->n_tensors; i++) {
        const pt_tensor *to = &t->to->tensors[i];
        int of = pt_graph_find_tensor(t->own, to->name);

        if (pt_tensor_is_source(to) || (to->head && !t->with_head)) continue;
        if (of >= 0 && is_same_shape(&t->own->tensors[of], to)) continue;
        shape_text(to, needs);
        if (of >= 0) shape_text(&t->own->tensors[of], has);
        pt_fail_more(&misfit, PT_ERR_WEIGHTS, "%s: the file has %s, the network needs %s",
                     to->name, of < 0 ? "none" : has, needs);
    }
    return misfit;
}

static pt_status read_all(transfer *t)
{
    size_t max = 1;
    pt_status s = PT_OK;

    for (int i = 0; i < t->to->n_tensors; i++)
        if (t->to->tensors[i].count > max) max = t->to->tensors[i].count;
    t->scratch = pt_calloc(pt_mul(2, max), sizeof *t->scratch);
    if (!t->scratch)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its largest tensor",
                       t->x->m.file->path);
    for (size_t i = 0; i < t->x->n_sources && s == PT_OK; i++)
        s = read_source(t, &t->x->sources[i]);
    free(t->scratch);
    return s;
}

pt_status pt_onnx_graph_weights(const char *path, const pt_graph *g, bool with_head,
                                float *flat, pt_onnx_use *use)
{
    pt_graph *own = NULL;
    pt_onnx_import x;
    pt_status s = pt_onnx_import_graph(path, &x, &own);
    transfer t = {.x = &x, .own = own, .to = g, .with_head = with_head, .flat = flat};

    if (s == PT_OK) s = match(&t);
    if (s == PT_OK) s = read_all(&t);
    if (s == PT_OK) *use = (pt_onnx_use){t.n_read, own->n_classes};
    pt_graph_destroy(&own);
    pt_onnx_import_fini(&x);
    return s;
}

pt_status pt_onnx_graph_load(const char *path, pt_graph **g, float **flat)
{
    pt_onnx_import x;
    pt_status s = pt_onnx_import_graph(path, &x, g);

    *flat = s == PT_OK ? pt_calloc((*g)->n_floats, sizeof **flat) : NULL;
    if (s == PT_OK && !*flat)
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu weights", path, (*g)->n_floats);
    transfer t = {.x = &x, .own = *g, .to = *g, .with_head = true, .flat = *flat};

    if (s == PT_OK) s = read_all(&t);
    if (s != PT_OK) {
        pt_graph_destroy(g);
        free(*flat);
        *flat = NULL;
    }
    pt_onnx_import_fini(&x);
    return s;
}
