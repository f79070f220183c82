/* The network that an ONNX model describes, where its operators are those of our engine:
 * a graph of ours with the weights of the file.
 *
 *   Conv (also depthwise), BatchNormalization, Relu, Clip to 0..6, MaxPool, AveragePool
 *   (also of what a Pad made), GlobalAveragePool, ReduceMean over the whole map, Gemm,
 *   MatMul, Add, Concat of channels, Flatten, Reshape and Squeeze to a vector, Dropout,
 * Identity, Constant, Softmax at the end, and what computes the shape of a Reshape
 *
 * One input of N x 3 x side x side, one output of N x classes. Any other operator is
 * PT_ERR_WEIGHTS and named. Layers are called as their weights are, without `.weight`,
 * or, where exporters numbered those, after operator and place: onnx_conv7. A bias of a
 * depthwise convolution, which ours have not, becomes a batch norm that only adds. */
#ifndef PT_COMMON_WEIGHTS_ONNX_GRAPH_H
#define PT_COMMON_WEIGHTS_ONNX_GRAPH_H

#include "common/graph/graph.h"

/* The representation is the input of the last layer that has weights, which is the head.
 * g->network is PT_NETWORK_OF_FILE. PT_ERR_DATA for a model that is not valid: every
 * reader of a value comes after its maker, shapes agree. */
PT_MUST_USE pt_status pt_onnx_graph_read(const char *path, pt_graph **g);

/* What of a file went into a graph. */
typedef struct {
    size_t n_used; /* tensors */
    int n_classes; /* of the file's head */
} pt_onnx_use;

/* The file's weights into flat, for a graph like the file's (pt_graph_options.like).
 * Layers are found by name. with_head false: its head stays as it is. A source head
 * always does. PT_ERR_WEIGHTS with a line for each tensor of g that the file has not. */
PT_MUST_USE pt_status pt_onnx_graph_weights(const char *path, const pt_graph *g,
                                            bool with_head, float *flat,
                                            pt_onnx_use *use);

/* Both. flat: [n_floats], memory layout, free(). */
PT_MUST_USE pt_status pt_onnx_graph_load(const char *path, pt_graph **g, float **flat);

#endif
