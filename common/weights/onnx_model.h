/* An ONNX model as far as we look at it: its nodes and its tensors, whose values stay in
 * the file. Nothing is unpacked whole: memory follows the number of nodes and names. */
#ifndef PT_COMMON_WEIGHTS_ONNX_MODEL_H
#define PT_COMMON_WEIGHTS_ONNX_MODEL_H

#include "common/weights/onnx_tensor.h"

typedef struct {
    char *op;           /* "Conv"; never NULL */
    char **names;       /* inputs, then outputs; "" where one is left out */
    size_t n_in, n_out; /* names of both */
    uint64_t at, size;  /* of the message in the file: attributes are read when asked
                           for */
} pt_onnx_model_node;

/* An input or output of the graph. dims: -1 where they are symbolic. */
typedef struct {
    char *name;
    int n_dims;
    int64_t dims[PT_TABLE_DIMS_MAX];
} pt_onnx_model_value;

typedef struct {
    pt_file *file;
    pt_onnx_model_node *nodes; /* as they are in the file */
    size_t n_nodes, nodes_capacity;
    pt_onnx_tensor
        *tensors; /* initialisers; the values of Constant nodes, and tensors that
                     Identity nodes pass on, under the names of the outputs */
    size_t n_tensors, tensors_capacity;
    pt_onnx_model_value *inputs, *outputs; /* with those that are tensors as well */
    size_t n_inputs, inputs_capacity, n_outputs, outputs_capacity;
    size_t *by_name; /* [n_tensors]: tensors in the order of their names */
} pt_onnx_model;

/* *m is to be ended by fini, also after a failure. PT_ERR_DATA, with the byte: it is not
 * a valid model; larger than protobuf allows. */
PT_MUST_USE pt_status pt_onnx_model_open(const char *path, pt_onnx_model *m);
void pt_onnx_model_fini(pt_onnx_model *m);

/* NULL if there is none of that name. */
pt_onnx_tensor *pt_onnx_model_find(const pt_onnx_model *m, const char *name);

static inline const char *pt_onnx_in(const pt_onnx_model_node *n, size_t i)
{
    return i < n->n_in ? n->names[i] : "";
}

static inline const char *pt_onnx_out(const pt_onnx_model_node *n, size_t i)
{
    return i < n->n_out ? n->names[n->n_in + i] : "";
}

bool pt_onnx_is(const pt_onnx_model_node *n, const char *op);

enum { PT_ONNX_INTS_MAX = 8, PT_ONNX_WORD = 24 };

/* An attribute of a node. */
typedef struct {
    bool given;
    float f;
    int64_t i;
    int64_t ints[PT_ONNX_INTS_MAX];
    size_t n_ints;
    char s[PT_ONNX_WORD]; /* the first characters */
    pt_wire_field tensor; /* .size 0: none */
} pt_onnx_attribute;

/* PT_OK and a->given false: the node has none of that name. */
PT_MUST_USE pt_status pt_onnx_attribute_read(const pt_onnx_model *m,
                                             const pt_onnx_model_node *n,
                                             const char *name, pt_onnx_attribute *a);

#endif
