/* Puts an ONNX graph together node by node. What it makes lives until fini. After a
 * failure (no memory) further calls do nothing that harms, and `failed` stays. */
#ifndef PT_LAUNCH_EXPORT_ONNX_BUILD_H
#define PT_LAUNCH_EXPORT_ONNX_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/onnx.pb-c.h"

typedef struct {
    void **blocks; /* [n_blocks], all that was allocated */
    size_t n_blocks, blocks_capacity;
    Pt__Onnx__NodeProto **nodes; /* [n_nodes] */
    size_t n_nodes, nodes_capacity;
    Pt__Onnx__TensorProto **constants; /* [n_constants]: shapes, limits of a clip */
    size_t n_constants, constants_capacity;
    bool failed;
} pt_onnx_build;

void pt_onnx_build_fini(pt_onnx_build *b);

/* Zeroed memory, a copy of a text; never NULL: a small static block after a failure. */
void *pt_onnx_memory(pt_onnx_build *b, size_t bytes);
char *pt_onnx_text(pt_onnx_build *b, const char *text);

/* A node that is named and whose only output is named after `output`; inputs [n]. */
Pt__Onnx__NodeProto *pt_onnx_node(pt_onnx_build *b, const char *op, const char *output,
                                  const char *const *inputs, size_t n);
void pt_onnx_int(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                 int64_t value);
void pt_onnx_float(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                   float value);
void pt_onnx_ints(pt_onnx_build *b, Pt__Onnx__NodeProto *node, const char *name,
                  const int64_t *values, size_t n);

/* Constant inputs of nodes: a scalar, a matrix by rows, a list. Returns name. */
const char *pt_onnx_scalar(pt_onnx_build *b, const char *name, float value);
const char *pt_onnx_matrix(pt_onnx_build *b, const char *name, const float *values,
                           int rows, int columns);
const char *pt_onnx_list(pt_onnx_build *b, const char *name, const int64_t *values,
                         size_t n);

/* An input or output of the graph: float32, first dimension "N", then dims [n]. */
Pt__Onnx__ValueInfoProto *pt_onnx_value(pt_onnx_build *b, const char *name,
                                        const int *dims, size_t n);

#endif
