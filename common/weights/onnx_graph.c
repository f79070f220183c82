#include "common/weights/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/onnx_import.h"

pt_status pt_onnx_refuse(const pt_onnx_import *x, pt_status s, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return pt_fail(s, "%s: %.40s '%.80s': %s", x->m.file->path, x->at->op,
                   pt_onnx_out(x->at, 0), text);
}

const pt_onnx_known *pt_onnx_known_find(const pt_onnx_import *x, const char *name)
{
    for (size_t i = x->n_known; i > 0 && *name; i--)
        if (strcmp(x->known[i - 1].name, name) == 0) return &x->known[i - 1];
    return NULL;
}

static pt_status add_known(pt_onnx_import *x, pt_onnx_known what)
{
    pt_onnx_known *grown =
        pt_grow(x->known, x->n_known, &x->known_capacity, sizeof *grown);

    if (!grown)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its graph", x->m.file->path);
    x->known = grown;
    x->known[x->n_known++] = what;
    return PT_OK;
}

pt_status pt_onnx_know(pt_onnx_import *x, pt_onnx_known what)
{
    what.name = pt_onnx_out(x->at, 0);
    if (pt_onnx_known_find(x, what.name) || !*what.name)
        return pt_onnx_refuse(x, PT_ERR_DATA,
                              "its output has no name, or one that is taken");
    return add_known(x, what);
}

/* ---- ends of the graph ------------------------------------------------------------- */

/* The input that is no tensor; older files list initialisers among the inputs. */
static pt_status find_input(const pt_onnx_import *x, const pt_onnx_model_value **out)
{
    const char *path = x->m.file->path;
    int n = 0;

    for (size_t i = 0; i < x->m.n_inputs; i++) {
        if (pt_onnx_model_find(&x->m, x->m.inputs[i].name)) continue;
        *out = &x->m.inputs[i];
        n++;
    }
    if (n != 1) return pt_fail(PT_ERR_WEIGHTS, "%s: has %d inputs, must have 1", path, n);
    if (x->m.n_outputs != 1)
        return pt_fail(PT_ERR_WEIGHTS, "%s: has %zu outputs, must have 1", path,
                       x->m.n_outputs);
    return PT_OK;
}

static pt_status begin(pt_onnx_import *x)
{
    const char *path = x->m.file->path;
    const pt_onnx_model_value *in = NULL;
    pt_graph_options opt = {.dropout = 0.5f, .bn_eps = 1e-5f, .n_classes = 1};
    pt_status s = find_input(x, &in);

    if (s != PT_OK) return s;
    if (in->n_dims != 4 || in->dims[1] != 3)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: its input '%.80s' has not the shape N x 3 x height x width",
                       path, in->name);
    if (in->dims[2] != in->dims[3] || in->dims[2] < 1 || in->dims[2] > PT_ONNX_SIDE_MAX)
        return pt_fail(
            PT_ERR_WEIGHTS,
            "%s: its input '%.80s' is %lld x %lld pixels (-1: not fixed), must "
            "be square and 1 to %d",
            path, in->name, (long long)in->dims[2], (long long)in->dims[3],
            PT_ONNX_SIDE_MAX);
    opt.side = (int)in->dims[2];
    pt_builder_init(&x->b, PT_NETWORK_OF_FILE, &opt);
    if (x->b.status != PT_OK) return x->b.status;
    return add_known(x, (pt_onnx_known){.name = in->name});
}

/* Marks the nodes that the output depends on, from the last one back. */
static pt_status find_needed(pt_onnx_import *x)
{
    const pt_onnx_model *m = &x->m;
    const char **wanted = NULL;
    size_t n = 0, capacity = 0;
    pt_status s = PT_OK;

    x->needed = pt_calloc(m->n_nodes + 1, sizeof *x->needed);
    wanted = pt_grow(NULL, n, &capacity, sizeof *wanted);
    if (!x->needed || !wanted) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", m->file->path);
    if (s == PT_OK) wanted[n++] = m->outputs[0].name;
    for (size_t i = m->n_nodes; i > 0 && s == PT_OK; i--) {
        const pt_onnx_model_node *node = &m->nodes[i - 1];

        for (size_t k = 0; k < n && !x->needed[i - 1]; k++)
            for (size_t o = 0; o < node->n_out; o++)
                if (strcmp(pt_onnx_out(node, o), wanted[k]) == 0 && *wanted[k])
                    x->needed[i - 1] = true;
        for (size_t k = 0; k < node->n_in && x->needed[i - 1] && s == PT_OK; k++) {
            const char **grown;

            if (pt_onnx_model_find(m, pt_onnx_in(node, k))) continue;
            grown = pt_grow(wanted, n, &capacity, sizeof *wanted);
            if (!grown) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", m->file->path);
            if (grown) wanted = grown;
            if (grown) wanted[n++] = pt_onnx_in(node, k);
        }
    }
    free(wanted);
    return s;
}

/* Every input is there before it is read: so there are no cycles either. */
static pt_status check_inputs(const pt_onnx_import *x)
{
    for (size_t i = 0; i < x->at->n_in; i++) {
        const char *name = pt_onnx_in(x->at, i);
        const pt_onnx_known *k = pt_onnx_known_find(x, name);

        if (k && k->kind == PT_ONNX_LAST)
            return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                                  "reads '%.60s', but a Softmax must be the last", name);
        if (*name && !k && !pt_onnx_model_find(&x->m, name))
            return pt_onnx_refuse(x, PT_ERR_DATA,
                                  "reads '%.60s', which nothing before it makes", name);
    }
    return PT_OK;
}

static pt_status add_layers(pt_onnx_import *x)
{
    pt_status s = PT_OK;

    for (size_t i = 0; i < x->m.n_nodes && s == PT_OK; i++) {
        x->at = &x->m.nodes[i];
        if (!x->needed[i] || pt_onnx_model_find(&x->m, pt_onnx_out(x->at, 0))) continue;
        s = check_inputs(x);
        if (s == PT_OK) s = pt_onnx_layer(x);
        if (s == PT_OK) s = x->b.status;
    }
    return s;
}

/* The layer whose output, but for its activation and a mean, are the logits. */
static pt_status find_head(pt_onnx_import *x, int *head)
{
    const pt_graph *g = x->b.g;
    const char *path = x->m.file->path;
    const pt_onnx_known *out = pt_onnx_known_find(x, x->m.outputs[0].name);
    const pt_node *n;

    if (!out || out->kind == PT_ONNX_NUMBERS || out->node != g->n_nodes - 1 ||
        pt_onnx_is_padded(out))
        return pt_fail(PT_ERR_DATA, "%s: nothing makes its output '%.80s'", path,
                       x->m.outputs[0].name);
    n = &g->nodes[out->node];
    if (n->h != 1 || n->w != 1)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: its output '%.80s' is N x %d x %d x %d, must be N x classes",
                       path, x->m.outputs[0].name, n->c, n->h, n->w);
    while (n->op == PT_OP_RELU || n->op == PT_OP_RELU6 || n->op == PT_OP_DROPOUT ||
           n->op == PT_OP_GLOBAL_AVG_POOL)
        n = &g->nodes[n->in[0]];
    if (n->op != PT_OP_LINEAR && n->op != PT_OP_CONV)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: the last layer with weights is no Gemm or Conv that the "
                       "output alone depends on",
                       path);
    *head = (int)(n - g->nodes);
    return PT_OK;
}

static pt_status finish(pt_onnx_import *x, pt_graph **out)
{
    pt_graph *g = x->b.g;
    int head = 0;
    pt_status s = find_head(x, &head);

    if (s != PT_OK) return s;
    g->rep = g->nodes[head].in[0];
    while (g->nodes[g->rep].op == PT_OP_DROPOUT) g->rep = g->nodes[g->rep].in[0];
    if (g->rep == 0)
        return pt_fail(PT_ERR_WEIGHTS, "%s: has a single layer", x->m.file->path);
    for (int i = 0; i < g->n_tensors; i++)
        g->tensors[i].head = g->tensors[i].node == head;
    g->n_classes = g->nodes[g->n_nodes - 1].c;
    return pt_builder_finish(&x->b, out);
}

void pt_onnx_import_fini(pt_onnx_import *x)
{
    pt_graph_destroy(&x->b.g);
    pt_onnx_model_fini(&x->m);
    free(x->known);
    free(x->sources);
    free(x->needed);
}

pt_status pt_onnx_import_graph(const char *path, pt_onnx_import *x, pt_graph **g)
{
    pt_status s;

    *x = (pt_onnx_import){0};
    *g = NULL;
    s = pt_onnx_model_open(path, &x->m);
    if (s == PT_OK && x->m.n_nodes > PT_ONNX_NODES_MAX)
        s = pt_fail(PT_ERR_WEIGHTS, "%s: has %zu nodes, the limit is %d", path,
                    x->m.n_nodes, PT_ONNX_NODES_MAX);
    if (s == PT_OK) s = begin(x);
    if (s == PT_OK) s = find_needed(x);
    if (s == PT_OK) s = add_layers(x);
    return s == PT_OK ? finish(x, g) : s;
}

pt_status pt_onnx_graph_read(const char *path, pt_graph **g)
{
    pt_onnx_import x;
    pt_status s = pt_onnx_import_graph(path, &x, g);

    pt_onnx_import_fini(&x);
    return s;
}
