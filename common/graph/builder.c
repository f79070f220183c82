#include "common/graph/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pt_name pt_named(const char *fmt, ...)
{
    pt_name n;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(n.text, sizeof n.text, fmt, ap);
    va_end(ap);
    PT_CHECK(len >= 0 && len < PT_NAME_MAX, "name of %d characters, at most %d fit: %s",
             len, PT_NAME_MAX - 1, n.text);
    return n;
}

pt_window pt_window_square(int k, int stride, int pad)
{
    return (pt_window){.kh = k,
                       .kw = k,
                       .stride = stride,
                       .pad_top = pad,
                       .pad_left = pad,
                       .pad_bottom = pad,
                       .pad_right = pad};
}

pt_window pt_window_same(int k, int stride, int h, int w)
{
    pt_window win = pt_window_square(k, stride, 0);
    int rows = ((h + stride - 1) / stride - 1) * stride + k - h;
    int cols = ((w + stride - 1) / stride - 1) * stride + k - w;

    if (rows > 0) {
        win.pad_top = rows / 2;
        win.pad_bottom = rows - rows / 2;
    }
    if (cols > 0) {
        win.pad_left = cols / 2;
        win.pad_right = cols - cols / 2;
    }
    return win;
}

/* The array, grown where it is full: one more element fits. NULL without memory. */
static void *grown(void *array, int n, int *cap, size_t size)
{
    void *p;

    if (n < *cap) return array;
    p = realloc(array, pt_mul((size_t)*cap * 2 + 64, size));
    if (p) *cap = *cap * 2 + 64;
    return p;
}

/* Appends a node whose output has the shape of its first input; NULL after a failure. */
static pt_node *add_node(pt_builder *b, pt_op op, int in0, int in1, pt_name name)
{
    pt_graph *g = b->g;
    pt_node *grown_nodes, *n;

    if (b->status != PT_OK) return NULL;
    PT_CHECK(in0 < g->n_nodes && in1 < g->n_nodes, "%s: reads a later node", name.text);
    grown_nodes = grown(g->nodes, g->n_nodes, &b->cap_nodes, sizeof *g->nodes);
    if (!grown_nodes) {
        b->status = pt_fail(PT_ERR_NOMEM, "%s: no memory for the node", name.text);
        return NULL;
    }
    g->nodes = grown_nodes;
    n = &g->nodes[g->n_nodes++];
    *n = (pt_node){
        .op = op, .in = {in0, in1}, .weight = -1, .bias = -1, .mean = -1, .var = -1};
    memcpy(n->name, name.text, sizeof n->name);
    if (in0 >= 0) {
        n->h = g->nodes[in0].h;
        n->w = g->nodes[in0].w;
        n->c = g->nodes[in0].c;
    }
    return n;
}

/* Appends a tensor of the newest node; 0 dims end the list. Returns its index. */
static int add_tensor(pt_builder *b, const char *suffix, pt_tensor_kind kind, int d0,
                      int d1, int d2, int d3)
{
    pt_graph *g = b->g;
    const int dims[4] = {d0, d1, d2, d3};
    pt_tensor *grown_tensors, *t;
    pt_name name;

    if (b->status != PT_OK) return -1;
    grown_tensors = grown(g->tensors, g->n_tensors, &b->cap_tensors, sizeof *g->tensors);
    if (!grown_tensors) {
        b->status = pt_fail(PT_ERR_NOMEM, "%s: no memory for the tensor",
                            g->nodes[g->n_nodes - 1].name);
        return -1;
    }
    g->tensors = grown_tensors;
    t = &g->tensors[g->n_tensors];
    *t =
        (pt_tensor){.kind = kind, .head = b->in_head, .node = g->n_nodes - 1, .count = 1};
    name = pt_named("%s.%s", g->nodes[t->node].name, suffix);
    memcpy(t->name, name.text, sizeof t->name);
    for (int i = 0; i < 4 && dims[i] > 0; i++) {
        t->dims[t->n_dims++] = dims[i];
        t->count = pt_mul(t->count, (size_t)dims[i]);
    }
    return g->n_tensors++;
}

static int add_vector(pt_builder *b, const char *suffix, int n, bool running)
{
    int t = add_tensor(b, suffix, PT_TENSOR_VECTOR, n, 0, 0, 0);

    if (t >= 0) b->g->tensors[t].running = running;
    return t;
}

const pt_node *pt_build_node(const pt_builder *b, int node)
{
    static const pt_node one = {.h = 1, .w = 1, .c = 1};

    return b->status == PT_OK ? &b->g->nodes[node] : &one;
}

static int newest(const pt_builder *b)
{
    return b->status == PT_OK ? b->g->n_nodes - 1 : 0;
}

int pt_window_count(int in, int k, int stride, int before, int after, bool ceil)
{
    int span = in + before + after - k;
    int n;

    if (ceil) span += stride - 1;
    if (span < 0) return 0;
    n = span / stride + 1;
    if (ceil && (n - 1) * stride >= in + before)
        n--; /* would start in the padding after */
    return n;
}

static void slide_window(pt_builder *b, pt_node *n, pt_window w)
{
    int h = n->h, width = n->w;

    PT_CHECK(w.kh > 0 && w.kw > 0 && w.stride > 0, "%s: empty window", n->name);
    PT_CHECK(w.pad_top < w.kh && w.pad_bottom < w.kh && w.pad_left < w.kw &&
                 w.pad_right < w.kw,
             "%s: a window would see nothing but padding", n->name);
    n->window = w;
    n->h = pt_window_count(h, w.kh, w.stride, w.pad_top, w.pad_bottom, w.ceil);
    n->w = pt_window_count(width, w.kw, w.stride, w.pad_left, w.pad_right, w.ceil);
    if (n->h < 1 || n->w < 1)
        b->status =
            pt_fail(PT_ERR_CONFIG,
                    "%s: input side %d is too small: %s sees %dx%d, its window is %dx%d",
                    b->g->network, b->opt.side, n->name, h, width, w.kh, w.kw);
}

int pt_build_conv(pt_builder *b, int in, pt_name name, int c, pt_window w, bool bias)
{
    pt_node *n = add_node(b, PT_OP_CONV, in, -1, name);
    int in_c;

    if (!n) return 0;
    in_c = n->c;
    slide_window(b, n, w);
    n->c = c;
    n->weight = add_tensor(b, "weight", PT_TENSOR_CONV, c, in_c, w.kh, w.kw);
    if (bias) n->bias = add_vector(b, "bias", c, false);
    return newest(b);
}

int pt_build_depthwise(pt_builder *b, int in, pt_name name, pt_window w)
{
    pt_node *n = add_node(b, PT_OP_DEPTHWISE, in, -1, name);

    if (!n) return 0;
    slide_window(b, n, w);
    n->weight = add_tensor(b, "weight", PT_TENSOR_DEPTHWISE, n->c, 1, w.kh, w.kw);
    return newest(b);
}

int pt_build_batch_norm(pt_builder *b, int in, pt_name name)
{
    pt_node *n = add_node(b, PT_OP_BATCH_NORM, in, -1, name);

    if (!n) return 0;
    n->eps = b->opt.bn_eps;
    n->weight = add_vector(b, "weight", n->c, false);
    n->bias = add_vector(b, "bias", n->c, false);
    n->mean = add_vector(b, "running_mean", n->c, true);
    n->var = add_vector(b, "running_var", n->c, true);
    return newest(b);
}

int pt_build_added_bias(pt_builder *b, int in, pt_name name)
{
    int x = pt_build_batch_norm(b, in, name);
    pt_node *n;

    if (b->status != PT_OK) return 0;
    n = &b->g->nodes[x];
    n->adds = true;
    b->g->tensors[n->weight].fixed = true;
    return x;
}

int pt_build_relu(pt_builder *b, int in, pt_name name)
{
    return add_node(b, PT_OP_RELU, in, -1, name) ? newest(b) : 0;
}

int pt_build_relu6(pt_builder *b, int in, pt_name name)
{
    return add_node(b, PT_OP_RELU6, in, -1, name) ? newest(b) : 0;
}

int pt_build_max_pool(pt_builder *b, int in, pt_name name, pt_window w)
{
    pt_node *n = add_node(b, PT_OP_MAX_POOL, in, -1, name);

    if (!n) return 0;
    slide_window(b, n, w);
    return newest(b);
}

int pt_build_avg_pool(pt_builder *b, int in, pt_name name, pt_window w)
{
    pt_node *n = add_node(b, PT_OP_AVG_POOL, in, -1, name);

    if (!n) return 0;
    slide_window(b, n, w);
    return newest(b);
}

int pt_build_global_avg_pool(pt_builder *b, int in, pt_name name)
{
    pt_node *n = add_node(b, PT_OP_GLOBAL_AVG_POOL, in, -1, name);

    if (!n) return 0;
    n->h = n->w = 1;
    return newest(b);
}

int pt_build_adaptive_avg_pool(pt_builder *b, int in, pt_name name, int side)
{
    pt_node *n = add_node(b, PT_OP_ADAPTIVE_AVG_POOL, in, -1, name);

    if (!n) return 0;
    n->h = n->w = side;
    return newest(b);
}

int pt_build_linear(pt_builder *b, int in, pt_name name, int out)
{
    pt_node *n = add_node(b, PT_OP_LINEAR, in, -1, name);
    int h, w, c;

    if (!n) return 0;
    h = n->h;
    w = n->w;
    c = n->c;
    n->h = n->w = 1;
    n->c = out;
    n->weight = add_tensor(b, "weight", PT_TENSOR_LINEAR, out, h * w * c, 0, 0);
    if (n->weight >= 0) {
        pt_tensor *t = &b->g->tensors[n->weight];

        t->flat_h = h;
        t->flat_w = w;
        t->flat_c = c;
    }
    n->bias = add_vector(b, "bias", out, false);
    return newest(b);
}

int pt_build_dropout(pt_builder *b, int in, pt_name name)
{
    pt_node *n = add_node(b, PT_OP_DROPOUT, in, -1, name);

    if (!n) return 0;
    n->dropout = b->opt.dropout;
    return newest(b);
}

int pt_build_add(pt_builder *b, int in0, int in1, pt_name name)
{
    pt_node *n = add_node(b, PT_OP_ADD, in0, in1, name);
    const pt_node *o = pt_build_node(b, in1);

    if (!n) return 0;
    PT_CHECK(n->h == o->h && n->w == o->w && n->c == o->c,
             "%s: adds %dx%dx%d and %dx%dx%d", n->name, n->h, n->w, n->c, o->h, o->w,
             o->c);
    return newest(b);
}

int pt_build_concat(pt_builder *b, int in0, int in1, pt_name name)
{
    pt_node *n = add_node(b, PT_OP_CONCAT, in0, in1, name);
    const pt_node *o = pt_build_node(b, in1);

    if (!n) return 0;
    PT_CHECK(n->h == o->h && n->w == o->w, "%s: joins %dx%d and %dx%d", n->name, n->h,
             n->w, o->h, o->w);
    n->c += o->c;
    return newest(b);
}

int pt_build_shortcut_a(pt_builder *b, int in, pt_name name, int c, int stride)
{
    pt_node *n = add_node(b, PT_OP_SHORTCUT_A, in, -1, name);

    if (!n) return 0;
    PT_CHECK(c >= n->c && (c - n->c) % 2 == 0, "%s: %d channels cannot be padded to %d",
             n->name, n->c, c);
    n->window.stride = stride;
    n->h = (n->h + stride - 1) / stride;
    n->w = (n->w + stride - 1) / stride;
    n->c = c;
    return newest(b);
}

void pt_build_pooled_head(pt_builder *b, int in, const char *head)
{
    int x = pt_build_global_avg_pool(b, in, pt_named("avgpool"));

    if (b->status == PT_OK) b->g->rep = x;
    if (b->opt.n_source_classes > 0)
        pt_build_source_logits(
            b, pt_build_linear(b, x, pt_named("source_head"), b->opt.n_source_classes));
    x = pt_build_dropout(b, x, pt_named("dropout"));
    b->in_head = true;
    pt_build_linear(b, x, pt_named("%s", head), b->opt.n_classes);
}

void pt_build_source_logits(pt_builder *b, int x)
{
    if (b->status == PT_OK) b->g->source_logits = x;
}

void pt_builder_init(pt_builder *b, const char *network, const pt_graph_options *opt)
{
    pt_name name = pt_named("%s", network);
    pt_node *n;

    *b = (pt_builder){.opt = *opt, .status = PT_OK};
    b->g = calloc(1, sizeof *b->g);
    if (!b->g) {
        b->status = pt_fail(PT_ERR_NOMEM, "%s: no memory for the graph", network);
        return;
    }
    memcpy(b->g->network, name.text, sizeof b->g->network);
    b->g->n_classes = opt->n_classes;
    b->g->source_logits = -1;
    n = add_node(b, PT_OP_INPUT, -1, -1, pt_named("input"));
    if (!n) return;
    n->h = n->w = opt->side;
    n->c = 3;
}

static void renumber(int *tensor, const int *new_index)
{
    if (*tensor >= 0) *tensor = new_index[*tensor];
}

/* Running statistics move behind the parameters; both keep the order of the graph. */
static pt_status order_tensors(pt_graph *g)
{
    pt_status s = PT_OK;
    int n = g->n_tensors, at = 0;
    pt_tensor *sorted = calloc((size_t)n, sizeof *sorted);
    int *new_index = calloc((size_t)n, sizeof *new_index);

    if (!sorted || !new_index) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %d tensors", g->network, n);
        goto done;
    }
    for (int running = 0; running <= 1; running++) {
        for (int i = 0; i < n; i++) {
            if (g->tensors[i].running != running) continue;
            new_index[i] = at;
            sorted[at] = g->tensors[i];
            sorted[at].offset = g->n_floats;
            g->n_floats += sorted[at++].count;
        }
        if (!running) {
            g->n_params = at;
            g->n_param_floats = g->n_floats;
        }
    }
    for (int i = 0; i < g->n_nodes; i++) {
        renumber(&g->nodes[i].weight, new_index);
        renumber(&g->nodes[i].bias, new_index);
        renumber(&g->nodes[i].mean, new_index);
        renumber(&g->nodes[i].var, new_index);
    }
    memcpy(g->tensors, sorted, (size_t)n * sizeof *sorted);
done:
    free(sorted);
    free(new_index);
    return s;
}

pt_status pt_builder_finish(pt_builder *b, pt_graph **out)
{
    pt_graph *g = b->g;

    *out = NULL;
    b->g = NULL;
    if (b->status == PT_OK) b->status = order_tensors(g);
    if (b->status != PT_OK) {
        pt_graph_destroy(&g);
        return b->status;
    }
    g->logits = g->n_nodes - 1;
    PT_CHECK(g->rep > 0 && g->nodes[g->logits].h == 1 && g->nodes[g->logits].w == 1 &&
                 g->nodes[g->logits].c == g->n_classes,
             "%s: no representation, or logits not 1x1x%d", g->network, g->n_classes);
    *out = g;
    return PT_OK;
}
