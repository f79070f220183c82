#include "common/graph/packed.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/graph/builder.h"
#include "proto/graph.pb-c.h"

typedef Pt__Graph__Layer layer;

/* Numbers of operators in files, indexed by ours. */
static const Pt__Graph__Op ops[] = {
    [PT_OP_INPUT] = PT__GRAPH__OP__INPUT,
    [PT_OP_CONV] = PT__GRAPH__OP__CONV,
    [PT_OP_DEPTHWISE] = PT__GRAPH__OP__DEPTHWISE,
    [PT_OP_BATCH_NORM] = PT__GRAPH__OP__BATCH_NORM,
    [PT_OP_RELU] = PT__GRAPH__OP__RELU,
    [PT_OP_RELU6] = PT__GRAPH__OP__RELU6,
    [PT_OP_MAX_POOL] = PT__GRAPH__OP__MAX_POOL,
    [PT_OP_GLOBAL_AVG_POOL] = PT__GRAPH__OP__GLOBAL_AVG_POOL,
    [PT_OP_ADAPTIVE_AVG_POOL] = PT__GRAPH__OP__ADAPTIVE_AVG_POOL,
    [PT_OP_LINEAR] = PT__GRAPH__OP__LINEAR,
    [PT_OP_DROPOUT] = PT__GRAPH__OP__DROPOUT,
    [PT_OP_ADD] = PT__GRAPH__OP__ADD,
    [PT_OP_CONCAT] = PT__GRAPH__OP__CONCAT,
    [PT_OP_SHORTCUT_A] = PT__GRAPH__OP__SHORTCUT_A,
    [PT_OP_AVG_POOL] = PT__GRAPH__OP__AVG_POOL};

enum { N_OPS = sizeof ops / sizeof *ops };

/* ---- packing ----------------------------------------------------------------------- */

static void set(uint32_t *field, protobuf_c_boolean *has, int value)
{
    *field = (uint32_t)value;
    *has = true;
}

static void describe_window(const pt_window *w, layer *l)
{
    set(&l->kh, &l->has_kh, w->kh);
    set(&l->kw, &l->has_kw, w->kw);
    set(&l->stride, &l->has_stride, w->stride);
    set(&l->top, &l->has_top, w->pad_top);
    set(&l->left, &l->has_left, w->pad_left);
    set(&l->bottom, &l->has_bottom, w->pad_bottom);
    set(&l->right, &l->has_right, w->pad_right);
    l->has_ceil = l->ceil = w->ceil;
    l->has_count_pad = l->count_pad = w->count_pad;
}

/* in: room for two. */
static void describe(const pt_node *n, const int *number, uint32_t *in, layer *l)
{
    pt__graph__layer__init(l);
    l->name = (char *)(uintptr_t)n->name;
    l->has_op = true;
    l->op = ops[n->op];
    l->in = in;
    for (int k = 0; k < 2; k++)
        if (n->in[k] >= 0) in[l->n_in++] = (uint32_t)number[n->in[k]];
    if (n->op == PT_OP_CONV || n->op == PT_OP_LINEAR || n->op == PT_OP_SHORTCUT_A)
        set(&l->c, &l->has_c, n->c);
    if (n->op == PT_OP_INPUT || n->op == PT_OP_ADAPTIVE_AVG_POOL)
        set(&l->side, &l->has_side, n->h);
    if (n->op == PT_OP_CONV || n->op == PT_OP_DEPTHWISE || n->op == PT_OP_MAX_POOL ||
        n->op == PT_OP_AVG_POOL)
        describe_window(&n->window, l);
    if (n->op == PT_OP_SHORTCUT_A) set(&l->stride, &l->has_stride, n->window.stride);
    l->bias = n->op == PT_OP_CONV ? n->bias >= 0 : n->adds;
    l->has_bias = l->bias;
    l->has_eps = n->op == PT_OP_BATCH_NORM;
    l->eps = n->eps;
}

/* Numbers those that the logits depend on; the others are -1. */
static int number_needed(const pt_graph *g, int *number)
{
    int n = 0;

    for (int i = 0; i < g->n_nodes; i++) number[i] = i == g->logits ? 0 : -1;
    for (int i = g->n_nodes - 1; i > 0; i--)
        for (int k = 0; k < 2 && number[i] == 0; k++)
            if (g->nodes[i].in[k] >= 0) number[g->nodes[i].in[k]] = 0;
    for (int i = 0; i < g->n_nodes; i++)
        if (number[i] == 0) number[i] = n++;
    return n;
}

static int head_of(const pt_graph *g)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].head) return g->tensors[i].node;
    return g->logits;
}

static pt_status pack(const Pt__Graph__Graph *all, uint8_t **bytes, size_t *n)
{
    *n = pt__graph__graph__get_packed_size(all);
    *bytes = malloc(*n + 1);
    if (!*bytes) return pt_fail(PT_ERR_NOMEM, "no memory to pack a graph");
    pt__graph__graph__pack(all, *bytes);
    return PT_OK;
}

pt_status pt_graph_pack(const pt_graph *g, uint8_t **bytes, size_t *n)
{
    size_t nodes = (size_t)g->n_nodes;
    Pt__Graph__Graph all = PT__GRAPH__GRAPH__INIT;
    layer *layers = pt_calloc(nodes, sizeof *layers);
    layer **list = pt_calloc(nodes, sizeof(layer *));
    uint32_t *in = pt_calloc(2 * nodes, sizeof *in);
    int *number = pt_calloc(nodes, sizeof *number);
    pt_status s = layers && list && in && number
                      ? PT_OK
                      : pt_fail(PT_ERR_NOMEM, "no memory to pack a graph");

    *bytes = NULL;
    *n = 0;
    if (s == PT_OK) {
        all.n_layers = (size_t)number_needed(g, number);
        all.layers = list;
        all.network = (char *)(uintptr_t)g->network;
        set(&all.rep, &all.has_rep, number[g->rep]);
        set(&all.head, &all.has_head, number[head_of(g)]);
        for (int i = 0; i < g->n_nodes; i++) {
            if (number[i] < 0) continue;
            describe(&g->nodes[i], number, in + 2 * (size_t)i, &layers[i]);
            list[number[i]] = &layers[i];
        }
        s = pack(&all, bytes, n);
    }
    free(layers);
    free(list);
    free(in);
    free(number);
    return s;
}

pt_status pt_graph_digest(const pt_graph *g, char hex[65])
{
    pt_digest *d = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_graph_pack(g, &bytes, &n);

    if (s == PT_OK) s = pt_digest_create(&d);
    if (s == PT_OK) {
        pt_digest_add(d, bytes, n);
        pt_digest_finish(&d, hex);
    }
    pt_digest_destroy(&d);
    free(bytes);
    return s;
}

/* ---- unpacking --------------------------------------------------------------------- */

static int small(uint32_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

static pt_op op_of(Pt__Graph__Op op)
{
    for (int i = 1; i < N_OPS; i++)
        if (ops[i] == op) return (pt_op)i;
    return PT_OP_INPUT; /* refused, but for the first */
}

static void read_layer(const layer *l, pt_node *n)
{
    *n = (pt_node){.op = op_of(l->op),
                   .in = {-1, -1},
                   .h = small(l->side),
                   .c = small(l->c),
                   .eps = l->eps,
                   .window = {.kh = small(l->kh),
                              .kw = small(l->kw),
                              .stride = small(l->stride),
                              .pad_top = small(l->top),
                              .pad_left = small(l->left),
                              .pad_bottom = small(l->bottom),
                              .pad_right = small(l->right),
                              .ceil = l->ceil,
                              .count_pad = l->count_pad},
                   .adds = l->bias,
                   .bias = l->bias ? 0 : -1};
    if (l->name && strlen(l->name) < sizeof n->name)
        memcpy(n->name, l->name, strlen(l->name)); /* else none, which is refused */
    for (size_t k = 0; k < l->n_in && k < 2; k++) n->in[k] = small(l->in[k]);
}

static pt_status make(const Pt__Graph__Graph *all, const pt_node *nodes, pt_graph **out)
{
    pt_pattern p = {nodes, (int)all->n_layers, small(all->rep), small(all->head)};
    bool known = p.head < p.n && p.n > 0 && nodes[0].h >= 1 && nodes[0].h <= 4096;
    pt_graph_options o = {.side = known ? nodes[0].h : 1, .dropout = 0.5f};
    const char *name = all->network ? all->network : "";
    pt_builder b;

    if (!known || strlen(name) == 0 || strlen(name) >= PT_NAME_MAX)
        return pt_fail(PT_ERR_CONFIG, "no network");
    pt_builder_init(&b, name, &o);
    pt_build_like(&b, &p, true);
    if (b.status == PT_OK) b.g->n_classes = b.g->nodes[b.g->n_nodes - 1].c;
    return pt_builder_finish(&b, out);
}

static pt_status unpack(const uint8_t *bytes, size_t n, pt_graph **out)
{
    Pt__Graph__Graph *all =
        n <= PT_GRAPH_PACKED_MAX ? pt__graph__graph__unpack(NULL, n, bytes) : NULL;
    pt_node *nodes = NULL;
    pt_status s = PT_OK;

    if (!all) return pt_fail(PT_ERR_CONFIG, "%zu bytes that are no graph", n);
    nodes = pt_calloc(all->n_layers + 1, sizeof *nodes);
    if (!nodes) s = pt_fail(PT_ERR_NOMEM, "no memory for %zu layers", all->n_layers);
    for (size_t i = 0; i < all->n_layers && s == PT_OK; i++)
        read_layer(all->layers[i], &nodes[i]);
    if (s == PT_OK) s = make(all, nodes, out);
    free(nodes);
    pt__graph__graph__free_unpacked(all, NULL);
    return s;
}

pt_status pt_graph_unpack(const uint8_t *bytes, size_t n, const char *what,
                          pt_graph **out)
{
    char why[256];
    pt_status s;

    *out = NULL;
    s = unpack(bytes, n, out);
    if (s != PT_ERR_CONFIG) return s;
    snprintf(why, sizeof why, "%s", pt_fail_text());
    return pt_fail(PT_ERR_DATA, "%s: its graph is damaged: %s", what, why);
}
