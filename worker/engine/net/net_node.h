/* What the plan of a network decides about one node. Internal to the engine. */
#ifndef PT_WORKER_ENGINE_NET_NET_NODE_H
#define PT_WORKER_ENGINE_NET_NET_NODE_H

#include "worker/engine/layers/pointwise.h"
#include "worker/engine/net/net_options.h"
#include "worker/engine/values.h"

/* Where one node's values are, and who writes them. */
typedef struct {
    /* Fixed by the plan. Offsets are floats into the activation block. */
    int y_root;        /* node whose buffer holds this one's output; the input: 0 */
    int dy_root;       /* the same for its gradient; -1: it never has one */
    int first_writer;  /* consumer that writes the gradient first; -1: none */
    int first_main;    /* ... of those that lead to the logits */
    int last_writer;   /* ... and last */
    int weights_at;    /* at whose turn of the backward pass its weight gradients are
                          computed: its own, or the batch norm's below it */
    bool readable;     /* the output is still there after the pass */
    bool leads;        /* to the logits */
    bool map;          /* one of the options' maps */
    const float *plus; /* added to its gradient in this backward pass; NULL: nothing */
    bool side;         /* to the source logits, and not to the logits */
    int dropout_id;    /* of the node's random streams; the same with and without a side
                          branch */
    bool fused;        /* RELU, RELU6: done by the producer in the forward pass */
    bool masked_below; /* ... and in the backward pass too (batch norm) */
    bool masked_above; /* RELU: its last writer masks the gradient (pt_net_mask) */
    int sum;           /* BATCH_NORM: the ADD fused into it; -1: none */
    int summed_by;     /* ADD: the batch norm it is fused into; -1: none */
    pt_act act;        /* of the fused consumer, applied to this node's output */
    size_t size;       /* floats of one image's output */
    size_t y_at, dy_at, argmax_at, coef_at, moments_at;

    bool may_be_bf16; /* may the output and its gradient be stored as bfloat16? */
    pt_values y, dy;  /* y of the input node: none, see pt_net.input */
    uint8_t *argmax;  /* MAX_POOL, training */
    float *coef;      /* BATCH_NORM: coefficients of the last pass, [sets][4 c] */
    double *moments;  /* BATCH_NORM, training: [sub-trees with images][1 + 2 c] */

    /* Change between passes. */
    bool needs_grad;  /* something at or below the node is trained */
    bool batch_stats; /* BATCH_NORM: of the last training forward */
} pt_net_node;

#endif
