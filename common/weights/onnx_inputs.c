/* What a node of ONNX reads: tensors, outputs of other nodes, attributes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/onnx_import.h"

/* ---- inputs ------------------------------------------------------------------------ */

/* Input i as the output of a node of ours; kind: in which form it must be. */
pt_status pt_onnx_need_node(const pt_onnx_import *x, size_t i, pt_onnx_kind kind,
                            pt_onnx_known *out)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, i));
    const pt_node *n;

    *out = (pt_onnx_known){0};
    if (!k || k->kind == PT_ONNX_NUMBERS)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "its input %zu is a constant", i);
    *out = *k;
    if (pt_onnx_is_padded(k) && !pt_onnx_is(x->at, "AveragePool"))
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its input %zu is what a Pad made: only AveragePool reads "
                              "that",
                              i);
    n = pt_build_node(&x->b, k->node);
    if (k->kind == kind || (n->h == 1 && n->w == 1)) return PT_OK; /* both are the same */
    return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                          kind == PT_ONNX_MAP ? "its input %zu is a vector, not a map"
                                              : "its input %zu is a map, not a vector",
                          i);
}

pt_status pt_onnx_know_node(pt_onnx_import *x, pt_onnx_kind kind, int node)
{
    if (x->b.status != PT_OK) return x->b.status;
    return pt_onnx_know(x, (pt_onnx_known){.kind = kind, .node = node});
}

/* Input i as a tensor of weights with n_dims dimensions, each at least 1, that can be
 * read. */
pt_status pt_onnx_need_tensor(const pt_onnx_import *x, size_t i, int n_dims,
                              const pt_onnx_tensor **out)
{
    pt_onnx_tensor *t = pt_onnx_model_find(&x->m, pt_onnx_in(x->at, i));
    pt_table_entry e = {.count = 1};
    pt_status s;

    *out = NULL;
    if (!t || t->n_dims != n_dims)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its input %zu '%.60s' is no tensor of %d dimensions that "
                              "the file holds",
                              i, pt_onnx_in(x->at, i), n_dims);
    for (int d = 0; d < n_dims; d++) {
        if (t->dims[d] < 1 || t->dims[d] > INT_MAX)
            return pt_onnx_refuse(x, PT_ERR_DATA, "'%.60s' has the dimension %lld",
                                  t->name, (long long)t->dims[d]);
        e.count = pt_mul(e.count, (size_t)t->dims[d]);
    }
    if (e.count > (size_t)1 << 32)
        return pt_onnx_refuse(x, PT_ERR_DATA, "'%.60s' has %zu values", t->name, e.count);
    s = pt_onnx_tensor_locate(x->m.file, t, e.count);
    if (s == PT_OK) s = pt_onnx_tensor_check(x->m.file, t, &e);
    if (s == PT_OK && e.trouble)
        s = pt_onnx_refuse(x, PT_ERR_DATA, "'%.60s' %s", t->name, e.trouble);
    free(e.trouble);
    if (s == PT_OK) *out = t;
    return s;
}

/* The same of a vector of n values. */
pt_status pt_onnx_need_vector(const pt_onnx_import *x, size_t i, int n,
                              const pt_onnx_tensor **out)
{
    pt_status s = pt_onnx_need_tensor(x, i, 1, out);

    if (s != PT_OK || (*out)->dims[0] == n) return s;
    return pt_onnx_refuse(x, PT_ERR_DATA, "'%.60s' has %lld values for %d channels",
                          (*out)->name, (long long)(*out)->dims[0], n);
}

pt_status pt_onnx_get_int(const pt_onnx_import *x, const char *name, int64_t otherwise,
                          int64_t *out)
{
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, name, &a);

    *out = a.given ? a.i : otherwise;
    return s;
}

/* ---- names ------------------------------------------------------------------------- */

static bool is_taken(const pt_onnx_import *x, const char *name)
{
    for (int i = 0; i < x->b.g->n_nodes; i++)
        if (strcmp(x->b.g->nodes[i].name, name) == 0) return true;
    return false;
}

/* A new layer's: that of its tensor `weight` without the last part, or "onnx_KIND7". */
pt_name pt_onnx_layer_name(const pt_onnx_import *x, const char *weight, const char *kind)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_-.";
    const char *dot = strrchr(weight, '.');
    size_t n = dot && strcmp(dot, ".weight") == 0 ? (size_t)(dot - weight) : 0;
    char base[48] = "";

    if (n > 0 && n < sizeof base && strspn(weight, ok) >= n && *weight != '.' &&
        strncmp(weight, "onnx_", 5) != 0 && strncmp(weight, "source_", 7) != 0)
        snprintf(base, sizeof base, "%.*s", (int)n, weight);
    if (*base && !is_taken(x, base)) return pt_named("%s", base);
    return pt_named("onnx_%s%d", kind, x->b.g->n_nodes);
}

/* ---- windows ----------------------------------------------------------------------- */

/* Attribute `name` with n integers from low to high; those that are not given are
 * `otherwise`. */
static pt_status get_ints(const pt_onnx_import *x, const char *name, size_t n, int low,
                          int high, int otherwise, int *out)
{
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, name, &a);

    if (s == PT_OK && a.given && a.n_ints != n)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "%s has %zu values, must have %zu", name,
                              a.n_ints, n);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        int64_t value = a.given ? a.ints[i] : otherwise;

        if (value < low || value > high)
            return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "%s has %lld, must be %d to %d",
                                  name, (long long)value, low, high);
        out[i] = (int)value;
    }
    return s;
}

/* Padding that follows from the input: TensorFlow's. */
static pt_status pad_automatically(const pt_onnx_import *x, const pt_node *in,
                                   pt_window *w)
{
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, "auto_pad", &a);

    if (s != PT_OK || !a.given || strcmp(a.s, "NOTSET") == 0 || strcmp(a.s, "VALID") == 0)
        return s;
    if (strcmp(a.s, "SAME_UPPER") != 0 || w->kh != w->kw)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "auto_pad %s is not supported", a.s);
    *w = pt_window_same(w->kh, w->stride, in->h, in->w);
    return PT_OK;
}

/* kernel: [2], or NULL to read it. */
pt_status pt_onnx_get_window(const pt_onnx_import *x, const pt_node *in,
                             const int *kernel, pt_window *w)
{
    int k[2] = {0}, strides[2], dilations[2], pads[4];
    int64_t ceil = 0;
    pt_status s = PT_OK;

    if (kernel)
        memcpy(k, kernel, sizeof k);
    else
        s = get_ints(x, "kernel_shape", 2, 1, PT_ONNX_SIDE_MAX, 0, k);
    if (s == PT_OK) s = get_ints(x, "strides", 2, 1, PT_ONNX_SIDE_MAX, 1, strides);
    if (s == PT_OK) s = get_ints(x, "dilations", 2, 1, 1, 1, dilations);
    if (s == PT_OK) s = get_ints(x, "pads", 4, 0, PT_ONNX_SIDE_MAX, 0, pads);
    if (s == PT_OK) s = pt_onnx_get_int(x, "ceil_mode", 0, &ceil);
    if (s != PT_OK) return s;
    if (strides[0] != strides[1])
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "its strides are %d and %d: must be one",
                              strides[0], strides[1]);
    *w = (pt_window){.kh = k[0],
                     .kw = k[1],
                     .stride = strides[0],
                     .pad_top = pads[0],
                     .pad_left = pads[1],
                     .pad_bottom = pads[2],
                     .pad_right = pads[3],
                     .ceil = ceil != 0};
    s = pad_automatically(x, in, w);
    if (s != PT_OK) return s;
    if (w->pad_top >= w->kh || w->pad_bottom >= w->kh || w->pad_left >= w->kw ||
        w->pad_right >= w->kw)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its padding is as wide as its window of %d x %d", w->kh,
                              w->kw);
    if (w->kh > in->h + w->pad_top + w->pad_bottom ||
        w->kw > in->w + w->pad_left + w->pad_right)
        return pt_onnx_refuse(x, PT_ERR_DATA, "its window of %d x %d sees %d x %d pixels",
                              w->kh, w->kw, in->h, in->w);
    return PT_OK;
}
