#include "common/weights/names.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- layers ----------------------------------------------------------------------- */

/* torchvision's features.N against the names of the original Caffe network, which its
 * ONNX and Keras versions kept: fire2 is features.3, pools take a number of their own. */
static void squeezenet_layer(const char *ours, char *theirs, size_t n)
{
    char *end;
    long index;

    if (strcmp(ours, "features.0") == 0) {
        snprintf(theirs, n, "conv1");
    } else if (strcmp(ours, "classifier.1") == 0) {
        snprintf(theirs, n, "conv10");
    } else if (strncmp(ours, "features.", 9) == 0) {
        index = strtol(ours + 9, &end, 10);
        if (*end != '.') return;
        index -= index < 6 ? 1 : index < 9 ? 2 : 3;
        snprintf(theirs, n, "fire%ld/%s%s", index, end + 1,
                 strcmp(end + 1, "squeeze") == 0 ? "1x1" : "");
    }
}

static void same_layer(const char *ours, char *theirs, size_t n)
{
    snprintf(theirs, n, "%s", ours);
}

static const struct {
    const char *network;
    pt_format format;
    void (*layer)(const char *ours, char *theirs, size_t n); /* "" stays: no name */
} rules[] = {{"squeezenet1_1", PT_FORMAT_ONNX, squeezenet_layer},
             {"squeezenet1_1", PT_FORMAT_KERAS, squeezenet_layer},
             {"mobilenet_v1", PT_FORMAT_TFJS, same_layer},
             {"mobilenet_v1", PT_FORMAT_KERAS, same_layer}};

/* ---- tensors ---------------------------------------------------------------------- */

/* "kernel", "gamma" ... of TensorFlow for our "weight", "bias" ... */
static const char *keras_role(const pt_graph *g, const pt_tensor *tensor,
                              const char *ours)
{
    bool norm = g->nodes[tensor->node].op == PT_OP_BATCH_NORM;

    if (strcmp(ours, "running_mean") == 0) return "moving_mean";
    if (strcmp(ours, "running_var") == 0) return "moving_variance";
    if (strcmp(ours, "bias") == 0) return norm ? "beta" : "bias";
    if (norm) return "gamma";
    return tensor->kind == PT_TENSOR_DEPTHWISE ? "depthwise_kernel" : "kernel";
}

static void foreign_name(pt_format format, const pt_graph *g, const pt_tensor *tensor,
                         char name[PT_NAMES_MAX])
{
    char layer[PT_NAME_MAX], theirs[PT_NAME_MAX] = "";
    const char *dot = strrchr(tensor->name, '.');

    if (!dot) return;
    snprintf(layer, sizeof layer, "%.*s", (int)(dot - tensor->name), tensor->name);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].format == format && strcmp(rules[i].network, g->network) == 0)
            rules[i].layer(layer, theirs, sizeof theirs);
    if (!*theirs) return;
    if (format == PT_FORMAT_ONNX)
        snprintf(name, PT_NAMES_MAX, "%s_%c_0", theirs, dot[1]); /* _w_0, _b_0 */
    else
        snprintf(name, PT_NAMES_MAX, "%s/%s", theirs, keras_role(g, tensor, dot + 1));
}

const pt_table_entry *pt_names_find(const pt_table *t, pt_format format,
                                    const pt_graph *g, const pt_tensor *tensor,
                                    char name[PT_NAMES_MAX])
{
    const pt_table_entry *e;

    snprintf(name, PT_NAMES_MAX, "%s", tensor->name);
    e = pt_table_find(t, name);
    if (e) return e;
    foreign_name(format, g, tensor, name);
    return pt_table_find(t, name);
}

void pt_names_file_dims(const pt_table *t, const pt_table_entry *e,
                        const pt_tensor *tensor, size_t dims[PT_TABLE_DIMS_MAX])
{
    static const int conv[4] = {3, 2, 0, 1}, depthwise[4] = {2, 3, 0, 1},
                     linear[2] = {1, 0};
    const int *order = NULL;

    if (t->layout == PT_LAYOUT_KERAS && e->n_dims == tensor->n_dims) {
        if (tensor->kind == PT_TENSOR_CONV) order = conv;
        if (tensor->kind == PT_TENSOR_DEPTHWISE) order = depthwise;
        if (tensor->kind == PT_TENSOR_LINEAR) order = linear;
    }
    for (int i = 0; i < e->n_dims; i++) dims[i] = e->dims[order ? order[i] : i];
}

/* ---- heads ------------------------------------------------------------------------ */

int pt_names_classes(const pt_table *t)
{
    /* Weights, not biases: outputs come first in PyTorch, last in Keras. */
    static const char *const heads[] = {
        "head.weight",         "fc.weight",  "linear.weight", "classifier.6.weight",
        "classifier.1.weight", "conv10_w_0", "conv10/kernel", "conv_preds/kernel"};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const pt_table_entry *e = pt_table_find(t, heads[i]);
        pt_status s = PT_OK;
        size_t n;

        if (!e || e->n_dims < 2) continue;
        pt_table_check(t, e, &s); /* a shard may be missing */
        n = e->dims[t->layout == PT_LAYOUT_TORCH ? 0 : e->n_dims - 1];
        if (s == PT_OK && n > 0 && n <= INT_MAX) return (int)n;
    }
    return 0;
}
