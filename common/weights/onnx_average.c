/* Averages over windows. torch writes padding that counts as a Pad of its own in front.
 */
#include <string.h>

#include "common/weights/onnx_import.h"

/* The integers of an attribute, or of input 1 since opset 11. */
static pt_status get_pads(const pt_onnx_import *x, int64_t *pads, size_t *n)
{
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, "pads", &a);

    if (s != PT_OK || !a.given)
        return s == PT_OK ? pt_onnx_need_numbers(x, 1, pads, n) : s;
    memcpy(pads, a.ints, sizeof a.ints);
    *n = a.n_ints;
    return PT_OK;
}

/* The value that is padded with: an attribute, or input 2. */
static pt_status get_value(const pt_onnx_import *x, float *value)
{
    const pt_onnx_tensor *t;
    pt_onnx_attribute a;
    pt_status s = pt_onnx_attribute_read(&x->m, x->at, "value", &a);

    *value = a.f;
    if (s != PT_OK || a.given || !*pt_onnx_in(x->at, 2)) return s;
    s = pt_onnx_need_tensor(x, 2, 0, &t);
    return s == PT_OK ? pt_onnx_tensor_read(x->m.file, t, 0, 1, value) : s;
}

/* Zeros around the map, or nothing. */
pt_status pt_onnx_pad(pt_onnx_import *x)
{
    int64_t pads[PT_ONNX_INTS_MAX] = {0};
    static const int place[4] = {2, 3, 6, 7}; /* all begins come before all ends */
    pt_onnx_attribute mode;
    pt_onnx_known in;
    size_t n = 0;
    float value = 0;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s == PT_OK) s = pt_onnx_attribute_read(&x->m, x->at, "mode", &mode);
    if (s == PT_OK) s = get_pads(x, pads, &n);
    if (s == PT_OK) s = get_value(x, &value);
    if (s != PT_OK) return s;
    if ((mode.given && strcmp(mode.s, "constant") != 0) || value != 0 || n != 8 ||
        *pt_onnx_in(x->at, 3) || pads[0] || pads[1] || pads[4] || pads[5])
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "pads otherwise than with zeros around the map");
    for (int i = 0; i < 4; i++) {
        if (pads[place[i]] < 0 || pads[place[i]] > PT_ONNX_SIDE_MAX)
            return pt_onnx_refuse(x, PT_ERR_WEIGHTS, "pads by %lld pixels",
                                  (long long)pads[place[i]]);
        in.pads[i] = (int)pads[place[i]];
    }
    return pt_onnx_know(x, in);
}

static bool has_pads(const pt_window *w)
{
    return w->pad_top || w->pad_left || w->pad_bottom || w->pad_right;
}

/* The window on the map without the zeros of a Pad, which become its own padding. */
static pt_status take_pads(const pt_onnx_import *x, const int pads[4], bool counts,
                           pt_window *w)
{
    bool own = has_pads(w);

    w->pad_top += pads[0];
    w->pad_left += pads[1];
    w->pad_bottom += pads[2];
    w->pad_right += pads[3];
    w->count_pad = has_pads(w) && (counts || !own);
    if (own && !counts)
        return pt_onnx_refuse(
            x, PT_ERR_WEIGHTS,
            "its padding does not count, that of the Pad before it does");
    if (w->pad_top >= w->kh || w->pad_bottom >= w->kh || w->pad_left >= w->kw ||
        w->pad_right >= w->kw)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "the Pad before it is as wide as its window of %d x %d",
                              w->kh, w->kw);
    return PT_OK;
}

/* Windows that the map, padded as the file has it, holds along both sides. */
static void count_windows(const pt_node *padded, const pt_window *w, int *h, int *width)
{
    *h = pt_window_count(padded->h, w->kh, w->stride, w->pad_top, w->pad_bottom, w->ceil);
    *width =
        pt_window_count(padded->w, w->kw, w->stride, w->pad_left, w->pad_right, w->ceil);
}

/* torch writes averages over the whole map, or over nothing, for its adaptive pools. */
pt_status pt_onnx_average_pool(pt_onnx_import *x)
{
    pt_onnx_known in;
    pt_node padded;
    int64_t counts = 0;
    int h, width, node;
    pt_window w;
    pt_status s = pt_onnx_need_node(x, 0, PT_ONNX_MAP, &in);

    if (s != PT_OK) return s;
    padded = *pt_build_node(&x->b, in.node);
    padded.h += in.pads[0] + in.pads[2];
    padded.w += in.pads[1] + in.pads[3];
    s = pt_onnx_get_window(x, &padded, NULL, &w);
    if (s == PT_OK) s = pt_onnx_get_int(x, "count_include_pad", 0, &counts);
    if (s != PT_OK) return s;
    count_windows(&padded, &w, &h, &width);
    if (pt_onnx_is_padded(&in))
        s = take_pads(x, in.pads, counts != 0, &w);
    else
        w.count_pad = counts != 0 && has_pads(&w);
    if (s != PT_OK) return s;
    if (w.kh == 1 && w.kw == 1 && w.stride == 1)
        return pt_onnx_know_node(x, in.kind, in.node);
    if (w.kh == padded.h && w.kw == padded.w && !has_pads(&w))
        return pt_onnx_global_mean(x, PT_ONNX_MAP);
    node = pt_build_avg_pool(&x->b, in.node, pt_onnx_layer_name(x, "", "average"), w);
    if (x->b.status != PT_OK) return x->b.status;
    if (pt_build_node(&x->b, node)->h != h || pt_build_node(&x->b, node)->w != width)
        return pt_onnx_refuse(x, PT_ERR_WEIGHTS,
                              "its last window begins in the zeros of the Pad before it");
    return pt_onnx_know_node(x, PT_ONNX_MAP, node);
}
