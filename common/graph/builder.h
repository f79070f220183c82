/* Puts a graph together node by node. For common/graph, and for readers of files that
 * describe a network (common/weights/onnx_graph.h).
 *
 * The functions pt_build_* append one node that reads node `in` and return its index. The
 * first failure stays in the builder's status: every later call does nothing and returns
 * 0, so that a network reads as a plain sequence. Shapes follow from the input; one that
 * cannot be is PT_ERR_CONFIG and names the node and both numbers. */
#ifndef PT_COMMON_GRAPH_BUILDER_H
#define PT_COMMON_GRAPH_BUILDER_H

#include "common/graph/graph.h"

typedef struct {
    pt_graph_options opt; /* side and bn_eps resolved: never 0, but for pt_build_like */
    pt_graph *g;
    int cap_nodes, cap_tensors;
    bool in_head; /* tensors made from now on belong to the head */
    pt_status status;
} pt_builder;

typedef struct {
    char text[PT_NAME_MAX];
} pt_name;

/* A name from a format; PT_CHECK that it fits. */
pt_name pt_named(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* k x k pixels with the same padding on all four sides. */
pt_window pt_window_square(int k, int stride, int pad);

/* k x k pixels with TensorFlow's SAME padding of an h x w input: the output has
 * ceil(h / stride) rows; an odd pixel of padding goes after. */
pt_window pt_window_same(int k, int stride, int h, int w);

/* Output pixels along one side, as PyTorch counts them; below 1 where none fits. */
int pt_window_count(int in, int k, int stride, int before, int after, bool ceil);

/* Takes nothing; begins with the input node, side x side x 3. */
void pt_builder_init(pt_builder *b, const char *network, const pt_graph_options *opt);

/* Fixes the tensors' order and offsets and hands the graph over; or frees it. */
PT_MUST_USE pt_status pt_builder_finish(pt_builder *b, pt_graph **out);

/* The node, for its shape. A 1x1x1 placeholder after a failure. */
const pt_node *pt_build_node(const pt_builder *b, int node);

int pt_build_conv(pt_builder *b, int in, pt_name name, int c, pt_window w, bool bias);
int pt_build_depthwise(pt_builder *b, int in, pt_name name, pt_window w);
int pt_build_batch_norm(pt_builder *b, int in, pt_name name);

/* The bias of the layer that makes `in`, which has none of its own: a batch norm whose
 * gamma and statistics are never trained. */
int pt_build_added_bias(pt_builder *b, int in, pt_name name);
int pt_build_relu(pt_builder *b, int in, pt_name name);
int pt_build_relu6(pt_builder *b, int in, pt_name name);
int pt_build_max_pool(pt_builder *b, int in, pt_name name, pt_window w);
int pt_build_avg_pool(pt_builder *b, int in, pt_name name, pt_window w);
int pt_build_global_avg_pool(pt_builder *b, int in, pt_name name);
int pt_build_adaptive_avg_pool(pt_builder *b, int in, pt_name name, int side);
int pt_build_linear(pt_builder *b, int in, pt_name name, int out);
int pt_build_dropout(pt_builder *b, int in, pt_name name); /* kept when p = 0 */
int pt_build_add(pt_builder *b, int in0, int in1, pt_name name);
int pt_build_concat(pt_builder *b, int in0, int in1, pt_name name);
int pt_build_shortcut_a(pt_builder *b, int in, pt_name name, int c, int stride);

/* Global average ("avgpool", the representation), "dropout", and the linear head; between
 * the first two, where it is wanted, the source head, linear. */
void pt_build_pooled_head(pt_builder *b, int in, const char *head);

/* The source head: `x` reads its last layer. The nodes of its branch must be made before
 * those that lead from the representation to the logits, or, where the branch leaves the
 * trunk below the representation, before that: the backward pass goes through it after
 * the main path's gradient has reached the node that it leaves. */
void pt_build_source_logits(pt_builder *b, int x);

/* Nodes to be made again. Of `nodes` only what a layer is: names, operators, inputs,
 * windows, c, h of the input and of adaptive pools, eps, adds; bias: -1 or not. What the
 * logits, the last, do not depend on is left out. */
typedef struct {
    const pt_node *nodes; /* [n], each after those that it reads */
    int n, rep, head;     /* what leads from rep to the logits is a chain */
} pt_pattern;

/* exact: as they are; else with a new head (graph.h: like). PT_ERR_CONFIG for layers that
 * do not join, or are none that a builder makes: nothing in a pattern is trusted. */
void pt_build_like(pt_builder *b, const pt_pattern *p, bool exact);

/* pt_graph_create for opt->like. */
PT_MUST_USE pt_status pt_graph_create_like(const pt_graph_options *opt, pt_graph **out);

/* What does not depend on the network; `name` is for the messages. */
PT_MUST_USE pt_status pt_graph_check_options(const char *name, const pt_graph_options *o);

/* The families; blocks: what distinguishes their members. */
void pt_build_vgg16(pt_builder *b, const int *blocks);
void pt_build_resnet(pt_builder *b, const int *blocks); /* bottlenecks in 4 stages */
void pt_build_resnet_basic(pt_builder *b, const int *blocks); /* basic blocks in 4 */
void pt_build_squeezenet(pt_builder *b, const int *blocks);
void pt_build_mobilenet(pt_builder *b, const int *blocks);
void pt_build_cifar_resnet(pt_builder *b, const int *blocks); /* blocks in each stage */
void pt_build_resnet_small(pt_builder *b, const int *blocks);

#endif
