/* A graph made again after the nodes of another one, with another head or another side.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/graph/builder.h"

enum {
    SIDE_MAX = 4096, /* pixels; also of windows */
    CHANNELS_MAX = 1 << 20,
    NODES_MAX = 1 << 14,
    LONGEST = 48 /* letters, so that "source_" or ".running_mean" fit */
};

static const double tensor_max = (double)((size_t)1 << 32); /* floats */

typedef struct {
    pt_builder *b;
    const pt_pattern *p;
    bool *needed; /* [p->n]: the logits depend on it */
    int *at;      /* [p->n]: the node that was made after it; -1: none */
} maker;

static void refuse(pt_builder *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void refuse(pt_builder *b, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    if (b->status != PT_OK) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    b->status = pt_fail(PT_ERR_CONFIG, "%s: %s", b->g->network, text);
}

/* ---- what a pattern may say -------------------------------------------------------- */

static bool is_in(int value, int low, int high)
{
    return value >= low && value <= high;
}

static bool has_window(pt_op op)
{
    return op == PT_OP_CONV || op == PT_OP_DEPTHWISE || op == PT_OP_MAX_POOL ||
           op == PT_OP_AVG_POOL;
}

static bool is_window(const pt_window *w)
{
    return is_in(w->kh, 1, SIDE_MAX) && is_in(w->kw, 1, SIDE_MAX) &&
           is_in(w->stride, 1, SIDE_MAX) && is_in(w->pad_top, 0, w->kh - 1) &&
           is_in(w->pad_bottom, 0, w->kh - 1) && is_in(w->pad_left, 0, w->kw - 1) &&
           is_in(w->pad_right, 0, w->kw - 1);
}

/* Words that are a file's name as well: no slash, and not a name that we give. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < LONGEST && !strchr(name, '/') &&
           strncmp(name, "source_", strlen("source_")) != 0;
}

static bool is_taken(const pt_builder *b, const char *name)
{
    for (int i = 0; i < b->g->n_nodes; i++)
        if (strcmp(b->g->nodes[i].name, name) == 0) return true;
    return false;
}

/* Floats of the weights that a node with c channels has, in front of `in`. */
static double weights_of(const pt_node *n, const pt_node *in, int c)
{
    double taps = (double)n->window.kh * n->window.kw;

    if (n->op == PT_OP_CONV) return taps * c * in->c;
    if (n->op == PT_OP_LINEAR) return (double)in->h * in->w * in->c * c;
    return n->op == PT_OP_DEPTHWISE ? taps * in->c : 0;
}

/* Can node n, with c channels, read a and (where it has two inputs) o? */
static void check_node(pt_builder *b, const pt_node *n, const char *name, int c,
                       const pt_node *a, const pt_node *o)
{
    if (is_taken(b, name)) refuse(b, "two layers are called %s", name);
    if (!is_in(a->h, 1, SIDE_MAX) || !is_in(a->w, 1, SIDE_MAX))
        refuse(b, "%s: reads %d x %d pixels", name, a->h, a->w);
    if (has_window(n->op) && !is_window(&n->window))
        refuse(b, "%s: no window of %d x %d, stride %d", name, n->window.kh, n->window.kw,
               n->window.stride);
    if (!is_in(c, 1, CHANNELS_MAX)) refuse(b, "%s: %d channels", name, c);
    if (weights_of(n, a, c) > tensor_max || pt_node_floats(a) > INT_MAX)
        refuse(b, "%s: its weights are too many", name);
    if (n->op == PT_OP_ADD && (a->h != o->h || a->w != o->w || a->c != o->c))
        refuse(b, "%s: adds %d x %d x %d to %d x %d x %d at an input side of %d pixels",
               name, a->h, a->w, a->c, o->h, o->w, o->c, b->opt.side);
    if (n->op == PT_OP_CONCAT &&
        (a->h != o->h || a->w != o->w || a->c > CHANNELS_MAX - o->c))
        refuse(b, "%s: joins %d x %d x %d and %d x %d x %d at an input side of %d pixels",
               name, a->h, a->w, a->c, o->h, o->w, o->c, b->opt.side);
    if (n->op == PT_OP_ADAPTIVE_AVG_POOL && !is_in(n->h, 1, SIDE_MAX))
        refuse(b, "%s: averages to %d x %d", name, n->h, n->h);
    if (n->op == PT_OP_SHORTCUT_A &&
        (c < a->c || (c - a->c) % 2 != 0 || !is_in(n->window.stride, 1, SIDE_MAX)))
        refuse(b, "%s: %d channels cannot be padded to %d", name, a->c, c);
}

/* ---- nodes ------------------------------------------------------------------------- */

static int make_norm(pt_builder *b, const pt_node *n, int in, pt_name name)
{
    int x;

    if (!(n->eps > 0 && n->eps <= 1))
        refuse(b, "%s: its epsilon is %g", name.text, (double)n->eps);
    x = n->adds ? pt_build_added_bias(b, in, name) : pt_build_batch_norm(b, in, name);
    if (b->status == PT_OK && (n->adds || b->opt.bn_eps == 0))
        b->g->nodes[x].eps = n->eps;
    return x;
}

/* A node like n, but of this name, with c channels, on these inputs. */
static int make_node(pt_builder *b, const pt_node *n, pt_name name, int c, int in0,
                     int in1)
{
    check_node(b, n, name.text, c, pt_build_node(b, in0),
               pt_build_node(b, in1 < 0 ? in0 : in1));
    switch (n->op) {
    case PT_OP_CONV:
        return pt_build_conv(b, in0, name, c, n->window, n->bias >= 0);
    case PT_OP_DEPTHWISE:
        return pt_build_depthwise(b, in0, name, n->window);
    case PT_OP_BATCH_NORM:
        return make_norm(b, n, in0, name);
    case PT_OP_RELU:
        return pt_build_relu(b, in0, name);
    case PT_OP_RELU6:
        return pt_build_relu6(b, in0, name);
    case PT_OP_MAX_POOL:
        return pt_build_max_pool(b, in0, name, n->window);
    case PT_OP_AVG_POOL:
        return pt_build_avg_pool(b, in0, name, n->window);
    case PT_OP_GLOBAL_AVG_POOL:
        return pt_build_global_avg_pool(b, in0, name);
    case PT_OP_ADAPTIVE_AVG_POOL:
        return pt_build_adaptive_avg_pool(b, in0, name, n->h);
    case PT_OP_LINEAR:
        return pt_build_linear(b, in0, name, c);
    case PT_OP_DROPOUT:
        return pt_build_dropout(b, in0, name);
    case PT_OP_ADD:
        return pt_build_add(b, in0, in1, name);
    case PT_OP_CONCAT:
        return pt_build_concat(b, in0, in1, name);
    case PT_OP_SHORTCUT_A:
        return pt_build_shortcut_a(b, in0, name, c, n->window.stride);
    case PT_OP_INPUT:
        break;
    }
    refuse(b, "%s: no operator that this version has", name.text);
    return 0;
}

/* Channels of node i, where its operator chooses them; else any valid number. */
static int channels(const pt_node *n)
{
    bool own = n->op == PT_OP_CONV || n->op == PT_OP_LINEAR || n->op == PT_OP_SHORTCUT_A;

    return own ? n->c : 1;
}

/* Node i of the pattern, as it is. */
static void copy_node(maker *m, int i)
{
    const pt_node *n = &m->p->nodes[i];

    m->at[i] = make_node(m->b, n, pt_named("%s", n->name), channels(n), m->at[n->in[0]],
                         n->in[1] < 0 ? -1 : m->at[n->in[1]]);
}

/* ---- heads ------------------------------------------------------------------------- */

/* `base`, or the first of base2, base3 ... that no node has. */
static pt_name free_name(const pt_builder *b, const char *base)
{
    pt_name name = pt_named("%s", base);

    for (int i = 2; is_taken(b, name.text); i++) name = pt_named("%s%d", base, i);
    return name;
}

/* The pattern's own way from the representation to its logits, beside the new head. */
static void add_source(maker *m)
{
    const pt_pattern *p = m->p;
    pt_builder *b = m->b;
    int x = m->at[p->rep];

    for (int i = p->rep + 1; i < p->n; i++) {
        const pt_node *n = &p->nodes[i];

        if (!m->needed[i]) continue;
        x = i == p->head
                ? make_node(b, n, pt_named("source_head"), b->opt.n_source_classes, x, -1)
                : make_node(b, n, pt_named("source_%s", n->name), 1, x, -1);
    }
    pt_build_source_logits(b, x);
}

/* As our networks have it: see graph.h. */
static void add_head(maker *m)
{
    const pt_pattern *p = m->p;
    const pt_node *head = &p->nodes[p->head], *from;
    pt_builder *b = m->b;
    int x = m->at[p->rep];
    pt_name dropout = free_name(b, "dropout");

    from = pt_build_node(b, x);
    if (head->op == PT_OP_CONV && (from->h > 1 || from->w > 1))
        x = pt_build_global_avg_pool(b, x, free_name(b, "mean"));
    if (b->status == PT_OK) b->g->rep = x;
    for (int i = p->head - 1; i > p->rep; i--)
        if (m->needed[i]) dropout = pt_named("%s", p->nodes[i].name);
    x = pt_build_dropout(b, x, dropout);
    b->in_head = true;
    make_node(b, &(pt_node){.op = PT_OP_LINEAR}, pt_named("%s", head->name),
              b->opt.n_classes, x, -1);
}

/* The rest of the pattern. */
static void copy_head(maker *m)
{
    const pt_pattern *p = m->p;

    if (m->b->status == PT_OK) m->b->g->rep = m->at[p->rep];
    for (int i = p->rep + 1; i < p->n; i++) {
        m->b->in_head = i == p->head;
        if (m->needed[i]) copy_node(m, i);
    }
}

/* ---- the whole --------------------------------------------------------------------- */

static bool may_follow_rep(pt_op op)
{
    return op == PT_OP_DROPOUT || op == PT_OP_RELU || op == PT_OP_RELU6 ||
           op == PT_OP_GLOBAL_AVG_POOL;
}

/* From the representation on: dropouts, the head, and what needs no weights. */
static void check_chain(maker *m)
{
    const pt_pattern *p = m->p;
    int last = p->rep;

    for (int i = p->rep + 1; i < p->n; i++) {
        const pt_node *n = &p->nodes[i];
        bool head = n->op == PT_OP_LINEAR || n->op == PT_OP_CONV;

        if (!m->needed[i]) continue;
        if (n->in[0] != last || n->in[1] >= 0 || (i == p->head) != head ||
            (i < p->head && n->op != PT_OP_DROPOUT) ||
            (i > p->head && !may_follow_rep(n->op)))
            refuse(m->b, "%.60s: no part of a classifier", n->name);
        last = i;
    }
}

/* Every node reads what was made before it, and has a name. */
static void check_order(maker *m)
{
    const pt_pattern *p = m->p;

    if (!is_in(p->n, 3, NODES_MAX) || p->nodes[0].op != PT_OP_INPUT ||
        !is_in(p->rep, 1, p->n - 2) || !is_in(p->head, p->rep + 1, p->n - 1))
        refuse(m->b, "%d layers, representation %d, head %d: no network", p->n, p->rep,
               p->head);
    for (int i = 1; i < p->n && m->b->status == PT_OK; i++) {
        const pt_node *n = &p->nodes[i];
        bool two = n->op == PT_OP_ADD || n->op == PT_OP_CONCAT;

        if (!is_in(n->in[0], 0, i - 1) ||
            !is_in(n->in[1], two ? 0 : -1, two ? i - 1 : -1) ||
            (two && n->in[0] == n->in[1]))
            refuse(m->b, "layer %d reads layers %d and %d", i, n->in[0], n->in[1]);
    }
}

static void find_needed(maker *m)
{
    m->needed[m->p->n - 1] = true;
    for (int i = m->p->n - 1; i > 0; i--)
        for (int k = 0; k < 2; k++)
            if (m->needed[i] && m->p->nodes[i].in[k] >= 0)
                m->needed[m->p->nodes[i].in[k]] = true;
    if (!m->needed[m->p->head] || !m->needed[m->p->rep])
        refuse(m->b, "its logits do not depend on its head");
}

static void make_all(maker *m, bool exact)
{
    const pt_pattern *p = m->p;
    pt_builder *b = m->b;

    check_order(m);
    if (b->status == PT_OK) find_needed(m);
    if (b->status == PT_OK) check_chain(m);
    for (int i = 1; i < p->n && b->status == PT_OK; i++)
        if (m->needed[i] && !is_name(p->nodes[i].name))
            refuse(b, "layer %d has no name of its own", i);
    for (int i = 1; i <= p->rep && b->status == PT_OK; i++)
        if (m->needed[i]) copy_node(m, i);
    if (b->status != PT_OK) return;
    if (b->opt.n_source_classes > 0) add_source(m);
    if (exact)
        copy_head(m);
    else
        add_head(m);
    const pt_node *logits = pt_build_node(b, b->g->n_nodes - 1);

    if (logits->h != 1 || logits->w != 1)
        refuse(b, "its logits are %d x %d pixels at an input side of %d", logits->h,
               logits->w, b->opt.side);
}

void pt_build_like(pt_builder *b, const pt_pattern *p, bool exact)
{
    size_t n = p->n > 0 ? (size_t)p->n : 1;
    maker m = {.b = b,
               .p = p,
               .needed = pt_calloc(n, sizeof *m.needed),
               .at = pt_calloc(n, sizeof *m.at)};

    if (b->status == PT_OK && (!m.needed || !m.at))
        b->status =
            pt_fail(PT_ERR_NOMEM, "%s: no memory for %d layers", b->g->network, p->n);
    if (b->status == PT_OK) make_all(&m, exact);
    free(m.needed);
    free(m.at);
}

/* The weights of the trunk are those of the pattern: at another side a linear layer may
 * read more or fewer values. */
static pt_status check_weights(const pt_graph *like, const pt_graph *g)
{
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        int of =
            t->head || pt_tensor_is_source(t) ? -1 : pt_graph_find_tensor(like, t->name);

        if (of < 0 || like->tensors[of].count == t->count) continue;
        return pt_fail(
            PT_ERR_CONFIG,
            "%s: %s has %zu weights, of which an input side of %d pixels would "
            "make %zu: the network is for %d (data.crop)",
            g->network, t->name, like->tensors[of].count, g->nodes[0].h, t->count,
            like->nodes[0].h);
    }
    return PT_OK;
}

static int head_of(const pt_graph *g)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].head) return g->tensors[i].node;
    return -1;
}

pt_status pt_graph_create_like(const pt_graph_options *opt, pt_graph **out)
{
    const pt_graph *like = opt->like;
    pt_pattern p = {like->nodes, like->n_nodes, like->rep, head_of(like)};
    pt_graph_options o = *opt;
    pt_builder b;
    pt_status s;
    bool exact;

    *out = NULL;
    o.like = NULL;
    if (o.side == 0) o.side = like->nodes[0].h;
    s = pt_graph_check_options(like->network, &o);
    if (s == PT_OK && !is_in(o.side, 1, SIDE_MAX))
        s = pt_fail(PT_ERR_CONFIG, "%s: input side is %d, it must be 1 to %d",
                    like->network, o.side, SIDE_MAX);
    exact = o.original_head && (p.head < p.n - 1 || p.nodes[p.head].op == PT_OP_CONV);
    if (s == PT_OK && exact && o.n_classes != like->n_classes)
        s = pt_fail(PT_ERR_CONFIG,
                    "%s: its head has %d classes, the data have %d: it cannot be kept "
                    "(network.keep_head)",
                    like->network, like->n_classes, o.n_classes);
    if (s != PT_OK) return s;
    pt_builder_init(&b, like->network, &o);
    pt_build_like(&b, &p, exact);
    s = pt_builder_finish(&b, out);
    if (s == PT_OK) s = check_weights(like, *out);
    if (s != PT_OK) pt_graph_destroy(out);
    return s;
}
