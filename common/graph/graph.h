/* A network: a graph of layers with named parameters, a named representation node and a
 * replaceable head. A plain value: no weights, no buffers, no MPI.
 *
 * Activations are NHWC float32. Tensors have two layouts:
 *   file layout    PyTorch's: convolution OIHW, depthwise O1HW, linear [out][in] with the
 *                  inputs flattened C,H,W, vectors as they are. Names are torchvision's
 *                  where it has the network. Hashes, model files and checkpoints use it.
 *   memory layout  what kernels read: convolution [kh][kw][in][out], depthwise
 *                  [kh][kw][c], linear [in][out] with the inputs flattened H,W,C.
 * All tensors lie in one flat array of floats: parameters in graph order, then running
 * statistics in graph order. */
#ifndef PT_COMMON_GRAPH_H
#define PT_COMMON_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef enum {
    PT_OP_INPUT,
    PT_OP_CONV,      /* any kernel, stride and per-side padding, with or without bias */
    PT_OP_DEPTHWISE, /* one filter per channel */
    PT_OP_BATCH_NORM,
    PT_OP_RELU,
    PT_OP_RELU6,
    PT_OP_MAX_POOL, /* padding never wins; `ceil` rounds the output size up, a window
                       then starts inside the input or its left padding (as PyTorch) */
    PT_OP_GLOBAL_AVG_POOL,
    PT_OP_ADAPTIVE_AVG_POOL, /* to the node's size; window i of n of a side of s pixels:
                                floor(i s / n) to ceil((i + 1) s / n) - 1 */
    PT_OP_LINEAR,            /* flattens its input */
    PT_OP_DROPOUT,
    PT_OP_ADD,        /* two inputs of one shape */
    PT_OP_CONCAT,     /* two inputs, joined on channels */
    PT_OP_SHORTCUT_A, /* every stride-th pixel; zero channels half before, half after */
    PT_OP_AVG_POOL    /* windows as those of a max pool; means */
} pt_op;

/* Geometry of convolutions and pools; pads are pixels. */
typedef struct {
    int kh, kw, stride;
    int pad_top, pad_left, pad_bottom, pad_right;
    bool ceil;
    bool count_pad; /* AVG_POOL: padding counts, as zeros */
} pt_window;

enum { PT_NAME_MAX = 64 };

typedef struct {
    char name[PT_NAME_MAX]; /* "layer1.0.conv1" */
    pt_op op;
    int in[2];        /* nodes; in[1] = -1 unless ADD or CONCAT; both -1 for INPUT */
    int h, w, c;      /* shape of the output, without the batch */
    pt_window window; /* CONV, DEPTHWISE, MAX_POOL, AVG_POOL, SHORTCUT_A (stride only) */
    float eps;        /* BATCH_NORM */
    float dropout;    /* DROPOUT: probability of a zero */
    bool adds;        /* BATCH_NORM: nothing but its beta, the bias of the layer below */
    int weight, bias; /* tensors, -1 where absent; BATCH_NORM: gamma and beta */
    int mean, var;    /* BATCH_NORM: running statistics; else -1 */
} pt_node;

typedef enum {
    PT_TENSOR_CONV,      /* dims OIHW */
    PT_TENSOR_DEPTHWISE, /* dims O,1,H,W */
    PT_TENSOR_LINEAR,    /* dims out,in */
    PT_TENSOR_VECTOR     /* dims n */
} pt_tensor_kind;

/* Floats of its output, for one image. */
static inline size_t pt_node_floats(const pt_node *n)
{
    return (size_t)n->h * (size_t)n->w * (size_t)n->c;
}

typedef struct {
    char name[PT_NAME_MAX]; /* "layer1.0.conv1.weight", "bn1.running_var" */
    pt_tensor_kind kind;
    bool running; /* a running statistic, not a parameter */
    bool head;    /* belongs to the head (its own rate; replaced for new classes) */
    bool fixed;   /* never trained: gamma of a batch norm that only adds */
    int n_dims, dims[4];        /* file layout */
    int flat_h, flat_w, flat_c; /* LINEAR: shape that its input had before flattening */
    size_t count;               /* floats */
    size_t offset;              /* floats from the start of the flat array */
    int node;
} pt_tensor;

/* The network of a graph that a file described (common/weights/onnx_graph.h). */
#define PT_NETWORK_OF_FILE "onnx"

typedef struct {
    char network[PT_NAME_MAX]; /* the name that made it: "squeezenet1_1" */
    pt_node *nodes;            /* topological order; node 0 is the input */
    int n_nodes;
    pt_tensor *tensors;      /* parameters first, then running statistics */
    int n_tensors, n_params; /* tensors in all, and parameter tensors among them */
    size_t n_floats;         /* of the flat array */
    size_t n_param_floats;   /* its front part */
    int rep;                 /* node whose output is the image representation */
    int logits;              /* node whose output is the logits; always the last */
    int n_classes;
    int source_logits; /* the same of the pretrained network's own classifier, a branch
                          beside the head; -1: it has none */
} pt_graph;

/* Classes of that classifier; 0: there is none. */
static inline int pt_graph_source_classes(const pt_graph *g)
{
    return g->source_logits < 0 ? 0 : g->nodes[g->source_logits].c;
}

typedef enum { PT_STRIDE_CONV2, PT_STRIDE_CONV1 } pt_stride_at;
typedef enum { PT_REP_AFTER_RELU, PT_REP_BEFORE_RELU, PT_REP_AFTER_DROPOUT } pt_rep_at;

typedef struct {
    int side; /* input height and width in pixels; 0 = the network's own (224 or 32) */
    int n_classes;
    int n_source_classes; /* not 0: the pretrained network's classifier stays beside the
                             new head (tensors source_head.*), with this many classes */
    bool original_head;   /* SqueezeNet: its own conv10 head (classifier.1, then ReLU,
                             then global average); elsewhere no difference */
    pt_stride_at stride_at;
    pt_rep_at rep_at;     /* VGG */
    float dropout;        /* probability in every dropout layer */
    float bn_eps;         /* 0 = the network's own */
    const pt_graph *like; /* follow this graph and none of ours; borrowed. Its trunk is
                             made again; then, unless original_head, a linear head, below
                             which a map of several pixels is averaged, and a dropout is
                             there as in our networks. 0 in what is stored or sent. */
} pt_graph_options;

/* Names: vgg16 resnet18 resnet34 resnet50 resnet101 resnet152 squeezenet1_1 mobilenet_v1
 * cifar_resnet20 cifar_resnet56 resnet_small. PT_ERR_CONFIG for an unknown name (with a
 * suggestion), a side that does not fit the network, n_classes < 1, dropout outside [0,
 * 1). Sides: resnet_small a multiple of 4 from 8 on; elsewhere any up to 4096 that leaves
 * no map empty. VGG-16 averages its last map to 7 x 7 unless it has this size. The
 * representation of SqueezeNet with its original head is the last fire module's map:
 * pooling comes after the classifier there. With opt->like the name is that graph's;
 * PT_ERR_CONFIG also for a side at which its weights do not fit or its layers do not
 * join, and for original_head with other classes than it has. */
PT_MUST_USE pt_status pt_graph_create(const char *network, const pt_graph_options *opt,
                                      pt_graph **out);
void pt_graph_destroy(pt_graph **g);

/* All known names, NULL-terminated; static. */
const char *const *pt_graph_names(void);

/* The network's own input side, its own number of classes (1000, 10). */
PT_MUST_USE pt_status pt_graph_defaults(const char *network, int *side, int *n_classes);

/* Did a file describe the graph, so that its name does not say what it is? */
bool pt_graph_is_of_file(const pt_graph *g);

/* Index of a tensor by name, or -1. */
int pt_graph_find_tensor(const pt_graph *g, const char *name);

/* The nodes below the representation that have these names [n]: nodes out, [n].
 * PT_ERR_CONFIG, in whose text the names are `what`: one is of no such node (with a
 * suggestion), or is listed twice. */
PT_MUST_USE pt_status pt_graph_find_trunk(const pt_graph *g, const char *what,
                                          const char *const *names, int n, int *nodes);

/* Multiply-adds of one image's forward pass: convolutions and linear layers, without
 * biases. */
size_t pt_graph_macs(const pt_graph *g);

/* Between the layouts; from and to [count], not overlapping. */
void pt_tensor_to_memory(const pt_tensor *t, const float *file, float *memory);

/* Rows [first, first + n) of the first dimension alone; file: from row `first` on;
 * memory: the whole tensor. Blocks of 16 rows and more are fast. */
void pt_tensor_rows_to_memory(const pt_tensor *t, const float *file, size_t first,
                              size_t n, float *memory);
void pt_tensor_to_file(const pt_tensor *t, const float *memory, float *file);

/* Seeded initial weights for every tensor, or only the head's: convolutions He normal
 * (fan out), batch norm 1 and 0, running 0 and 1, head N(0, head_std^2), other linear
 * N(0, 0.01^2), biases 0. A tensor's values depend on seed, its name and shape alone:
 * value i of the file layout is element i % 4096 of the stream PT_RNG_INIT with a =
 * FNV-1a of the name (64 bits, the upper 24 folded onto the lower 40) and b = i / 4096.
 * No allocation. */
void pt_graph_init(const pt_graph *g, uint64_t seed, float head_std, bool head_only,
                   float *flat);

/* SHA-256 over parameters, then running statistics, in graph order, little-endian
 * float32 in file layout: the weight hash. */
PT_MUST_USE pt_status pt_graph_hash(const pt_graph *g, const float *flat, char hex[65]);

/* Does the tensor belong to the source head? (It is part of the trunk where groups are
 * frozen, and has the trunk's rate.) */
bool pt_tensor_is_source(const pt_tensor *t);

/* true if the tensor is fixed, or belongs to a frozen group: an entry is "trunk", "head"
 * or the first characters of its name ("features.2" is also features.24; "features.2." is
 * not). */
bool pt_tensor_frozen(const pt_tensor *t, char *const *frozen, size_t n_frozen);

#endif
