/* An ONNX graph on its way to one of ours. Internal to onnx_graph, _layers,
 * _inputs, _shapes and _weights. */
#ifndef PT_COMMON_WEIGHTS_ONNX_IMPORT_H
#define PT_COMMON_WEIGHTS_ONNX_IMPORT_H

#include "common/graph/builder.h"
#include "common/weights/onnx_model.h"

enum {
    PT_ONNX_NODES_MAX = 4096,
    PT_ONNX_SIDE_MAX = 4096, /* pixels; also of windows */
    PT_ONNX_CHANNELS_MAX = 1 << 20
};

typedef enum {
    PT_ONNX_MAP,     /* [N][c][h][w], the output of a node of ours */
    PT_ONNX_FLAT,    /* the same as [N][c h w] */
    PT_ONNX_NUMBERS, /* a vector of integers: a shape, or a part of one */
    PT_ONNX_LAST     /* probabilities: nothing may read them */
} pt_onnx_kind;

#define PT_ONNX_BATCH INT64_MIN /* N, among the integers of a shape */

/* What stands under a name. */
typedef struct {
    const char *name; /* of the model */
    pt_onnx_kind kind;
    int node;    /* of ours */
    int pads[4]; /* MAP: zeros that a Pad puts around it: top, left, bottom, right */
    int64_t numbers[PT_ONNX_INTS_MAX];
    size_t n_numbers;
} pt_onnx_known;

/* Where the tensors of a node of ours come from; NULL: its values are `fill`. */
typedef struct {
    int node;
    const pt_onnx_tensor *weight, *bias, *mean, *var;
    bool transposed; /* weight is [in][out] */
} pt_onnx_source;

typedef struct {
    pt_onnx_model m;
    pt_builder b;
    pt_onnx_known *known;
    size_t n_known, known_capacity;
    pt_onnx_source *sources;
    size_t n_sources, sources_capacity;
    bool *needed;                 /* [m.n_nodes]: the output depends on it */
    const pt_onnx_model_node *at; /* the node that is looked at */
} pt_onnx_import;

/* Opens the model and makes its graph. *x is to be ended by fini, also after a failure.
 */
PT_MUST_USE pt_status pt_onnx_import_graph(const char *path, pt_onnx_import *x,
                                           pt_graph **g);
void pt_onnx_import_fini(pt_onnx_import *x);

/* "FILE: Conv 'OUTPUT': ..." */
PT_MUST_USE pt_status pt_onnx_refuse(const pt_onnx_import *x, pt_status s,
                                     const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What stands under the name of an input; NULL: nothing, or a tensor. */
const pt_onnx_known *pt_onnx_known_find(const pt_onnx_import *x, const char *name);

/* Has a Pad put anything around it? */
static inline bool pt_onnx_is_padded(const pt_onnx_known *k)
{
    return k->pads[0] || k->pads[1] || k->pads[2] || k->pads[3];
}

/* Gives the first output of the node at hand its meaning. */
PT_MUST_USE pt_status pt_onnx_know(pt_onnx_import *x, pt_onnx_known what);

/* Input i of the node at hand as the output of a node of ours; kind: in which form it
 * must be. A padded map is for an AveragePool alone. */
PT_MUST_USE pt_status pt_onnx_need_node(const pt_onnx_import *x, size_t i,
                                        pt_onnx_kind kind, pt_onnx_known *out);

/* The output of the node at hand is that of `node`; or why that was not made. */
PT_MUST_USE pt_status pt_onnx_know_node(pt_onnx_import *x, pt_onnx_kind kind, int node);

/* Input i as a tensor of weights with n_dims dimensions, each at least 1, that can be
 * read. */
PT_MUST_USE pt_status pt_onnx_need_tensor(const pt_onnx_import *x, size_t i, int n_dims,
                                          const pt_onnx_tensor **out);

/* The same of a vector of n values. */
PT_MUST_USE pt_status pt_onnx_need_vector(const pt_onnx_import *x, size_t i, int n,
                                          const pt_onnx_tensor **out);

/* The integers of input i, [PT_ONNX_INTS_MAX]: those of a shape, or of a tensor. */
PT_MUST_USE pt_status pt_onnx_need_numbers(const pt_onnx_import *x, size_t i,
                                           int64_t *out, size_t *n);

/* An integer attribute. */
PT_MUST_USE pt_status pt_onnx_get_int(const pt_onnx_import *x, const char *name,
                                      int64_t otherwise, int64_t *out);

/* kernel: [2], or NULL to read it. Refuses what the engine's windows cannot be. */
PT_MUST_USE pt_status pt_onnx_get_window(const pt_onnx_import *x, const pt_node *in,
                                         const int *kernel, pt_window *w);

/* A new layer's: that of its tensor `weight` without the last part, or "onnx_KIND7". */
pt_name pt_onnx_layer_name(const pt_onnx_import *x, const char *weight, const char *kind);

/* Operators on shapes, and from maps to vectors. */
PT_MUST_USE pt_status pt_onnx_shape(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_gather(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_concat_numbers(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_same_numbers(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_flatten(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_reshape(pt_onnx_import *x);

/* Pad and AveragePool. */
PT_MUST_USE pt_status pt_onnx_pad(pt_onnx_import *x);
PT_MUST_USE pt_status pt_onnx_average_pool(pt_onnx_import *x);

/* The mean over the whole map. */
PT_MUST_USE pt_status pt_onnx_global_mean(pt_onnx_import *x, pt_onnx_kind kind);

/* The node at hand, whatever it is. */
PT_MUST_USE pt_status pt_onnx_layer(pt_onnx_import *x);

#endif
