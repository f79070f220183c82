/* Operators that reckon with shapes, and those that make vectors of maps. */
#include <string.h>

#include "common/weights/onnx_import.h"

/* The integers under the name of input i: those of a shape, or of a tensor. */
pt_status pt_onnx_need_numbers(const pt_onnx_import *x, size_t i, int64_t *out, size_t *n)
{
    const char *name = pt_onnx_in(x->at, i);
    const pt_onnx_known *k = pt_onnx_known_find(x, name);
    const pt_onnx_tensor *t = pt_onnx_model_find(&x->m, name);

    if (k && k->kind == PT_ONNX_NUMBERS) {
        memcpy(out, k->numbers, sizeof k->numbers);
        *n = k->n_numbers;
        return PT_OK;
    }
    if (!t)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "its input %zu is no list of integers",
                              i);
    return pt_onnx_tensor_integers(x->m.file, t, PT_ONNX_INTS_MAX, out, n);
}

pt_status pt_onnx_shape(pt_onnx_import *x)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));
    pt_onnx_known in, out = {.kind = PT_ONNX_NUMBERS, .numbers = {PT_ONNX_BATCH}};
    const pt_node *n;
    pt_status s = pt_onnx_need_node(x, 0, k ? k->kind : PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    n = pt_build_node(&x->b, in.node);
    out.n_numbers = in.kind == PT_ONNX_MAP ? 4 : 2;
    out.numbers[1] = in.kind == PT_ONNX_MAP ? n->c : (int64_t)pt_node_floats(n);
    out.numbers[2] = n->h;
    out.numbers[3] = n->w;
    return pt_onnx_know(x, out);
}

pt_status pt_onnx_gather(pt_onnx_import *x)
{
    pt_onnx_known out = {.kind = PT_ONNX_NUMBERS};
    int64_t from[PT_ONNX_INTS_MAX], at[PT_ONNX_INTS_MAX];
    size_t n_from = 0;
    pt_status s = pt_onnx_need_numbers(x, 0, from, &n_from);

    if (s == PT_OK) s = pt_onnx_need_numbers(x, 1, at, &out.n_numbers);
    for (size_t i = 0; i < out.n_numbers && s == PT_OK; i++) {
        int64_t k = at[i] < 0 ? at[i] + (int64_t)n_from : at[i];

        if (k < 0 || k >= (int64_t)n_from)
            return pt_onnx_refuse(x, PT_ERR_DATA, "takes number %lld of %zu",
                                  (long long)at[i], n_from);
        out.numbers[i] = from[k];
    }
    return s == PT_OK ? pt_onnx_know(x, out) : s;
}

pt_status pt_onnx_concat_numbers(pt_onnx_import *x)
{
    pt_onnx_known out = {.kind = PT_ONNX_NUMBERS};
    int64_t part[PT_ONNX_INTS_MAX];
    pt_status s = PT_OK;

    for (size_t i = 0; i < x->at->n_in && s == PT_OK; i++) {
        size_t n = 0;

        s = pt_onnx_need_numbers(x, i, part, &n);
        if (s == PT_OK && n > PT_ONNX_INTS_MAX - out.n_numbers)
            s = pt_onnx_refuse(x, PT_ERR_DATA, "a shape of more than %d dimensions",
                               PT_ONNX_INTS_MAX);
        for (size_t k = 0; k < n && s == PT_OK; k++)
            out.numbers[out.n_numbers++] = part[k];
    }
    return s == PT_OK ? pt_onnx_know(x, out) : s;
}

/* What changes nothing of a list of integers: Unsqueeze, Squeeze, Cast. */
pt_status pt_onnx_same_numbers(pt_onnx_import *x)
{
    pt_onnx_known out = {.kind = PT_ONNX_NUMBERS};
    pt_status s = pt_onnx_need_numbers(x, 0, out.numbers, &out.n_numbers);

    return s == PT_OK ? pt_onnx_know(x, out) : s;
}

pt_status pt_onnx_flatten(pt_onnx_import *x)
{
    pt_onnx_known in;
    int64_t axis = 1;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s == PT_OK) s = pt_onnx_get_int(x, "axis", 1, &axis);
    if (s == PT_OK && axis != 1 && axis != -3)
        s = pt_onnx_refuse(x, PT_ERR_WEIGHTS, "flattens from axis %lld, must be 1",
                           (long long)axis);
    return s == PT_OK ? pt_onnx_know_node(x, PT_ONNX_FLAT, in.node) : s;
}

/* To N x all the values of an image. */
pt_status pt_onnx_reshape(pt_onnx_import *x)
{
    const pt_onnx_known *k = pt_onnx_known_find(x, pt_onnx_in(x->at, 0));
    int64_t to[PT_ONNX_INTS_MAX], all;
    size_t n = 0;
    pt_onnx_known in;
    pt_status s = pt_onnx_need_node(x, 0, k ? k->kind : PT_ONNX_MAP, &in);

    if (s == PT_OK) s = pt_onnx_need_numbers(x, 1, to, &n);
    if (s != PT_OK) return s;
    all = (int64_t)pt_node_floats(pt_build_node(&x->b, in.node));
    if (n == 2 && (to[1] == -1 || to[1] == all) &&
        (to[0] == PT_ONNX_BATCH || to[0] == 0 || to[0] == 1 || to[0] == -1) &&
        to[0] != to[1])
        return pt_onnx_know_node(x, PT_ONNX_FLAT, in.node);
    return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                          "to another shape than N x %lld, a vector for each image",
                          (long long)all);
}
