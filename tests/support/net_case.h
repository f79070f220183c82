/* A network with weights, images and labels from patterns, as tests/oracle/net_step.py
 * makes them, and one training step of it. The tests' failures end the test. */
#ifndef PT_TESTS_NET_CASE_H
#define PT_TESTS_NET_CASE_H

#include "worker/engine/net/net.h"

enum { NET_CASE_CLASSES = 5 };

typedef struct {
    pt_graph *graph;
    float *weights; /* memory layout */
    float *input;   /* [b][side][side][3] */
    int b;
} net_case;

/* b images of the pattern `salt`. */
void net_case_init(net_case *c, const char *network, int side, float dropout, int b,
                   uint64_t salt);

/* The same with all of the graph's options; opt->n_classes is NET_CASE_CLASSES. */
void net_case_init_with(net_case *c, const char *network, const pt_graph_options *opt,
                        int b, uint64_t salt);
void net_case_fini(net_case *c);

/* The input of the image at batch position `first`. */
const float *net_case_input(const net_case *c, int first);

/* d(mean cross-entropy)/d(logits) of n images from batch position `first`; returns the
 * sum of their losses divided by b. */
double net_case_loss(const net_case *c, const float *logits, int first, int n,
                     float *dlogits);

/* Forward, loss and backward of a net over its span. grow: the gradient at rep that is
 * propagated is drep + grow * rep. logits: out, may be NULL. */
PT_MUST_USE pt_status net_case_step(const net_case *c, pt_net *net, const pt_span *span,
                                    uint64_t step, float grow, float *logits);

#endif
