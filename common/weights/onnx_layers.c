/* What each operator of ONNX is among ours. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/onnx_import.h"

#define OPERATORS                                                                        \
    "Conv BatchNormalization Relu Clip(0, 6) MaxPool AveragePool GlobalAveragePool "     \
    "Gemm MatMul Add "                                                                   \
    "Concat Flatten Reshape Dropout Softmax"

/* ---- layers with weights ----------------------------------------------------------- */

static pt_status add_source(pt_onnx_import *x, pt_onnx_source from)
{
    pt_onnx_source *grown =
        pt_grow(x->sources, x->n_sources, &x->sources_capacity, sizeof *grown);

    if (x->b.status != PT_OK) return x->b.status;
    if (!grown)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its graph", x->m.file->path);
    x->sources = grown;
    x->sources[x->n_sources++] = from;
    return PT_OK;
}

static pt_status depthwise(pt_onnx_import *x, int in, pt_window w, pt_onnx_source from)
{
    pt_name name = pt_onnx_layer_name(x, pt_onnx_in(x->at, 1), "conv");
    const pt_onnx_tensor *bias = from.bias;
    pt_status s;

    from.bias = NULL;
    from.node = pt_build_depthwise(&x->b, in, name, w);
    s = add_source(x, from);
    if (s != PT_OK || !bias)
        return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_MAP, from.node) : s;
    from = (pt_onnx_source){.bias = bias};
    from.node = pt_build_added_bias(&x->b, x->b.g->n_nodes - 1,
                                    pt_onnx_layer_name(x, "", "bias"));
    s = add_source(x, from);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_MAP, from.node) : s;
}

static pt_status conv(pt_onnx_import *x)
{
    pt_onnx_source from = {0};
    pt_onnx_known in;
    const pt_node *n;
    int64_t group = 1;
    pt_window w;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s == PT_OK) s = pt_onnx_need_tensor(x, 1, 4, &from.weight);
    if (s == PT_OK) s = pt_onnx_get_int(x, "group", 1, &group);
    if (s != PT_OK) return s;
    n = pt_build_node(&x->b, in.node);
    if (group != 1 && (group != n->c || from.weight->dims[0] != n->c))
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "%lld groups of %d channels: the engine has 1, or one for "
                              "each channel",
                              (long long)group, n->c);
    if (from.weight->dims[1] * group != n->c ||
        from.weight->dims[0] > PT_ONNX_CHANNELS_MAX)
        return pt_onnx_refuse(
            x, PT_ERR_DATA, "its input has %d channels, its filter %lld of %lld", n->c,
            (long long)from.weight->dims[0], (long long)from.weight->dims[1]);
    if (from.weight->dims[2] > PT_ONNX_SIDE_MAX ||
        from.weight->dims[3] > PT_ONNX_SIDE_MAX)
        return pt_onnx_refuse(x, PT_ERR_DATA, "its window is %lld x %lld",
                              (long long)from.weight->dims[2],
                              (long long)from.weight->dims[3]);
    s = pt_onnx_get_window(
        x, n, (int[]){(int)from.weight->dims[2], (int)from.weight->dims[3]}, &w);
    if (s == PT_OK && *pt_onnx_in(x->at, 2))
        s = pt_onnx_need_vector(x, 2, (int)from.weight->dims[0], &from.bias);
    if (s != PT_OK) return s;
    w.ceil = false;
    if (group > 1) return depthwise(x, in.node, w, from);
    from.node =
        pt_build_conv(&x->b, in.node, pt_onnx_layer_name(x, pt_onnx_in(x->at, 1), "conv"),
                      (int)from.weight->dims[0], w, from.bias != NULL);
    s = add_source(x, from);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_MAP, from.node) : s;
}

static pt_status batch_norm(pt_onnx_import *x)
{
    pt_onnx_source from = {0};
    pt_onnx_attribute eps;
    pt_onnx_known in;
    int c;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    c = pt_build_node(&x->b, in.node)->c;
    s = pt_onnx_need_vector(x, 1, c, &from.weight);
    if (s == PT_OK) s = pt_onnx_need_vector(x, 2, c, &from.bias);
    if (s == PT_OK) s = pt_onnx_need_vector(x, 3, c, &from.mean);
    if (s == PT_OK) s = pt_onnx_need_vector(x, 4, c, &from.var);
    if (s == PT_OK) s = pt_onnx_attribute_read(&x->m, x->at, "epsilon", &eps);
    if (s == PT_OK && eps.given && !(eps.f > 0 && eps.f <= 1))
        s = pt_onnx_refuse(x, PT_ERR_DATA, "its epsilon is %g, must be in (0, 1]",
                           (double)eps.f);
    if (s != PT_OK) return s;
    from.node = pt_build_batch_norm(&x->b, in.node,
                                    pt_onnx_layer_name(x, pt_onnx_in(x->at, 1), "norm"));
    s = add_source(x, from);
    if (s != PT_OK) return s;
    x->b.g->nodes[from.node].eps = eps.given ? eps.f : 1e-5f;
    return pt_onnx_know_node(x, in.kind, from.node);
}

/* A layer of `out` outputs on a vector of n_in; its bias, if any, comes later. */
static pt_status linear(pt_onnx_import *x, const pt_onnx_known *in, int64_t n_in,
                        int64_t out, pt_onnx_source from)
{
    const pt_node *n = pt_build_node(&x->b, in->node);
    size_t has = pt_node_floats(n);
    pt_status s;

    if (has > INT_MAX || (int64_t)has != n_in || out > PT_ONNX_CHANNELS_MAX)
        return pt_onnx_refuse(x, PT_ERR_DATA,
                              "its input has %zu values, its weights are for %lld, with "
                              "%lld outputs",
                              has, (long long)n_in, (long long)out);
    from.node = pt_build_linear(
        &x->b, in->node, pt_onnx_layer_name(x, pt_onnx_in(x->at, 1), "linear"), (int)out);
    s = add_source(x, from);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_FLAT, from.node) : s;
}

static pt_status gemm(pt_onnx_import *x)
{
    pt_onnx_source from = {0};
    pt_onnx_attribute alpha, beta;
    pt_onnx_known in;
    int64_t trans_a = 0, trans_b = 0, out;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_FLAT, &in);

    if (s == PT_OK) s = pt_onnx_need_tensor(x, 1, 2, &from.weight);
    if (s == PT_OK) s = pt_onnx_get_int(x, "transA", 0, &trans_a);
    if (s == PT_OK) s = pt_onnx_get_int(x, "transB", 0, &trans_b);
    if (s == PT_OK) s = pt_onnx_attribute_read(&x->m, x->at, "alpha", &alpha);
    if (s == PT_OK) s = pt_onnx_attribute_read(&x->m, x->at, "beta", &beta);
    if (s != PT_OK) return s;
    if (trans_a || (alpha.given && alpha.f != 1) || (beta.given && beta.f != 1))
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "transA, alpha or beta is given, and not 0, 1, 1");
    from.transposed = !trans_b;
    out = from.weight->dims[from.transposed];
    if (out <= PT_ONNX_CHANNELS_MAX && *pt_onnx_in(x->at, 2))
        s = pt_onnx_need_vector(x, 2, (int)out, &from.bias);
    if (s != PT_OK) return s;
    return linear(x, &in, from.weight->dims[!from.transposed], out, from);
}

static pt_status matmul(pt_onnx_import *x)
{
    pt_onnx_source from = {.transposed = true};
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_FLAT, &in);

    if (s == PT_OK) s = pt_onnx_need_tensor(x, 1, 2, &from.weight);
    if (s != PT_OK) return s;
    return linear(x, &in, from.weight->dims[0], from.weight->dims[1], from);
}

/* A vector that is added to what a MatMul gave is its bias. */
static pt_status add_bias(pt_onnx_import *x, size_t i)
{
    const pt_onnx_known *in = pt_onnx_known_find(x, pt_onnx_in(x->at, i));
    pt_onnx_source *last = x->n_sources ? &x->sources[x->n_sources - 1] : NULL;
    const pt_node *n;
    pt_status s;

    if (!in || !last || last->node != in->node || in->node != x->b.g->n_nodes - 1 ||
        x->b.g->nodes[in->node].op != PT_OP_LINEAR || last->bias)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "a constant is added to what is not a MatMul");
    n = pt_build_node(&x->b, in->node);
    s = pt_onnx_need_vector(x, 1 - i, n->c, &last->bias);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_FLAT, in->node) : s;
}

/* ---- layers without ---------------------------------------------------------------- */

static pt_status add(pt_onnx_import *x)
{
    pt_onnx_known a, b;
    const pt_node *n, *o;
    pt_status s;

    for (size_t i = 0; i < 2; i++)
        if (!pt_onnx_known_find(x, pt_onnx_in(x->at, i))) return add_bias(x, 1 - i);
    s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &a);
    if (s == PT_OK) s = pt_onnx_need_node(x, 1, PT_ONNX_MAP, &b);
    if (s != PT_OK) return s;
    n = pt_build_node(&x->b, a.node);
    o = pt_build_node(&x->b, b.node);
    if (n->h != o->h || n->w != o->w || n->c != o->c || a.node == b.node)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "adds %d x %d x %d to %d x %d x %d%s",
                              n->c, n->h, n->w, o->c, o->h, o->w,
                              a.node == b.node ? " of the same node" : "");
    return pt_onnx_know_node(
        x, a.kind, pt_build_add(&x->b, a.node, b.node, pt_onnx_layer_name(x, "", "add")));
}

static pt_status concat_maps(pt_onnx_import *x)
{
    pt_onnx_known first, next;
    int64_t axis = 0;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &first);

    if (s == PT_OK) s = pt_onnx_get_int(x, "axis", 0, &axis);
    if (s == PT_OK && axis != 1)
        s = pt_onnx_refuse(x, PT_ERR_WEIGHTS, "joins axis %lld, must be 1 (channels)",
                           (long long)axis);
    for (size_t i = 1; i < x->at->n_in && s == PT_OK; i++) {
        const pt_node *n, *o;

        s = pt_onnx_need_node(x, i, PT_ONNX_MAP, &next);
        if (s != PT_OK) return s;
        n = pt_build_node(&x->b, first.node);
        o = pt_build_node(&x->b, next.node);
        if (n->h != o->h || n->w != o->w || first.node == next.node ||
            n->c > PT_ONNX_CHANNELS_MAX - o->c)
            return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                                  "joins %d x %d x %d and %d x %d x %d", n->c, n->h, n->w,
                                  o->c, o->h, o->w);
        first.node = pt_build_concat(&x->b, first.node, next.node,
                                     pt_onnx_layer_name(x, "", "concat"));
        s = x->b.status;
    }
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_MAP, first.node) : s;
}

static pt_status relu(pt_onnx_import *x)
{
    pt_onnx_known in;
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));
    pt_status s = pt_onnx_need_node(x, 0, k ? k->kind : PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    return pt_onnx_know_node(
        x, in.kind, pt_build_relu(&x->b, in.node, pt_onnx_layer_name(x, "", "relu")));
}

/* A bound of Clip: an attribute up to opset 6, then input i; *given false: none. */
static pt_status get_bound(const pt_onnx_import *x, const char *name, size_t i,
                           bool *given, float *out)
{
    const pt_onnx_tensor *t;
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, name, &a);

    *given = a.given;
    *out = a.f;
    if (s != PT_OK || a.given || !*pt_onnx_in(x->at, i)) return s;
    s = pt_onnx_need_tensor(x, i, 0, &t);
    *given = true;
    return s == PT_OK ? pt_onnx_tensor_read(x->m.file, t, 0, 1, out) : s;
}

static pt_status clip(pt_onnx_import *x)
{
    bool has_low, has_high;
    float low, high;
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s == PT_OK) s = get_bound(x, "min", 1, &has_low, &low);
    if (s == PT_OK) s = get_bound(x, "max", 2, &has_high, &high);
    if (s != PT_OK) return s;
    if (!has_low || low != 0 || (has_high && high != 6))
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "clips to %g..%g: the engine has 0..6 (ReLU6), and 0 alone",
                              has_low ? (double)low : -INFINITY,
                              has_high ? (double)high : INFINITY);
    if (!has_high) return relu(x);
    return pt_onnx_know_node(
        x, in.kind, pt_build_relu6(&x->b, in.node, pt_onnx_layer_name(x, "", "relu6")));
}

static pt_status max_pool(pt_onnx_import *x)
{
    pt_onnx_known in;
    pt_window w;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s == PT_OK) s = pt_onnx_get_window(x, pt_build_node(&x->b, in.node), NULL, &w);
    if (s != PT_OK) return s;
    if (w.kh * w.kw > 255)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its window of %d x %d has more than 255 pixels", w.kh,
                              w.kw);
    return pt_onnx_know_node(
        x, PT_ONNX_MAP,
        pt_build_max_pool(&x->b, in.node, pt_onnx_layer_name(x, "", "pool"), w));
}

pt_status pt_onnx_global_mean(pt_onnx_import *x, pt_onnx_kind kind)
{
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    return pt_onnx_know_node(
        x, kind,
        pt_build_global_avg_pool(&x->b, in.node, pt_onnx_layer_name(x, "", "mean")));
}

/* The mean over both sides of the map. */
static pt_status reduce_mean(pt_onnx_import *x)
{
    pt_onnx_attribute axes;
    int64_t keep = 1;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, "axes", &axes);

    if (s == PT_OK && !axes.given && *pt_onnx_in(x->at, 1))
        s = pt_onnx_need_numbers(x, 1, axes.ints, &axes.n_ints);
    if (s == PT_OK) s = pt_onnx_get_int(x, "keepdims", 1, &keep);
    if (s != PT_OK) return s;
    for (size_t i = 0; i < axes.n_ints && i < 2; i++)
        if (axes.ints[i] < 0) axes.ints[i] += 4;
    if (axes.n_ints != 2 || axes.ints[0] + axes.ints[1] != 5 || axes.ints[0] < 2 ||
        axes.ints[0] > 3)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its axes are not 2 and 3, height and width");
    return pt_onnx_global_mean(x, keep ? PT_ONNX_MAP : PT_ONNX_FLAT);
}

static pt_status concat(pt_onnx_import *x)
{
    const pt_onnx_known *k = NULL;

    for (size_t i = 0; i < x->at->n_in && !k; i++)
        k = pt_onnx_known_find(x, pt_onnx_in(x->at, i));
    return k && k->kind == PT_ONNX_NUMBERS ? pt_onnx_concat_numbers(x) : concat_maps(x);
}

/* ---- the table --------------------------------------------------------------------- */

/* A vector of a map of one pixel; or one number out of a list. */
static pt_status squeeze(pt_onnx_import *x)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));
    pt_onnx_known in;
    pt_status s;

    if (!k || k->kind == PT_ONNX_NUMBERS) return pt_onnx_same_numbers(x);
    s = pt_onnx_need_node(x, 0, PT_ONNX_FLAT, &in);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_FLAT, in.node) : s;
}

static pt_status identity(pt_onnx_import *x)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));

    if (!k) return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "its input is a constant");
    return pt_onnx_know(x, *k);
}

static pt_status dropout(pt_onnx_import *x)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, k ? k->kind : PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    return pt_onnx_know_node(
        x, in.kind,
        pt_build_dropout(&x->b, in.node, pt_onnx_layer_name(x, "", "dropout")));
}

static pt_status softmax(pt_onnx_import *x)
{
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_FLAT, &in);

    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_LAST, in.node) : s;
}

pt_status pt_onnx_layer(pt_onnx_import *x)
{
    static const struct {
        const char *op;
        pt_status (*add)(pt_onnx_import *x);
    } table[] = {{"Conv", conv},
                 {"BatchNormalization", batch_norm},
                 {"Relu", relu},
                 {"Clip", clip},
                 {"MaxPool", max_pool},
                 {"AveragePool", pt_onnx_average_pool},
                 {"Pad", pt_onnx_pad},
                 {"ReduceMean", reduce_mean},
                 {"Gemm", gemm},
                 {"MatMul", matmul},
                 {"Add", add},
                 {"Concat", concat},
                 {"Flatten", pt_onnx_flatten},
                 {"Reshape", pt_onnx_reshape},
                 {"Squeeze", squeeze},
                 {"Unsqueeze", pt_onnx_same_numbers},
                 {"Cast", pt_onnx_same_numbers},
                 {"Shape", pt_onnx_shape},
                 {"Gather", pt_onnx_gather},
                 {"Dropout", dropout},
                 {"Identity", identity},
                 {"Softmax", softmax},
                 {"LogSoftmax", softmax}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (pt_onnx_is(x->at, table[i].op)) return table[i].add(x);
    if (pt_onnx_is(x->at, "GlobalAveragePool"))
        return pt_onnx_global_mean(x, PT_ONNX_MAP);
    return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                          "the engine has no such operator; it has " OPERATORS);
}
