/* What DELTA compares with the start weights (Li et al., ICLR 2019): the maps of some
 * nodes, and the attention of each channel, which is how much the loss grows without it
 * (equation 6). `ptrain attention` measures it and writes a file, which a run with
 * regularizers.delta.attention reads.
 *
 * The file (HDF5): attributes format = "ptrain attention", network, images (how many were
 * measured on), loss (their mean cross-entropy with all channels); for each node a data
 * set /increase/<node> [channels] of float32, the mean cross-entropy with the channel at
 * zero minus that loss. */
#ifndef PT_COMMON_RUN_DELTA_H
#define PT_COMMON_RUN_DELTA_H

#include <stddef.h>

#include "common/base/status.h"
#include "common/graph/graph.h"

typedef struct {
    const pt_graph *graph;
    const int *nodes; /* [n] */
    int n;
} pt_delta_maps;

/* The nodes of these names [n_names]; without names the last convolution of each stage of
 * resnet50, 101 and 152, where the authors compare them. *nodes: out [*n], free it.
 * PT_ERR_CONFIG, in whose text the names are `what`: one is not of a node below the
 * representation, or none is known. */
PT_MUST_USE pt_status pt_delta_find(const pt_graph *g, const char *what,
                                    char *const *names, size_t n_names, int **nodes,
                                    int *n);

/* Channels of all nodes together. */
size_t pt_delta_channels(const pt_delta_maps *w);

/* increase: node after node, channel after channel. Replaces path in one move. */
PT_MUST_USE pt_status pt_delta_write_attention(const char *path, const pt_delta_maps *w,
                                               const float *increase, double loss,
                                               size_t images);

/* The weights of the maps' channels, in the order of pt_delta_write_attention:
 *
 *     factor = c * softmax(z / 5),   z = (increase - mean) / standard deviation
 *
 * over the c channels of a node (the authors' program); their mean is 1, and all are 1
 * where the increases are equal. The file may hold other nodes too. PT_ERR_DATA names
 * what is missing or does not fit. */
PT_MUST_USE pt_status pt_delta_read_attention(const char *path, const pt_delta_maps *w,
                                              float *factor);

/* Reads everything that pt_delta_read_attention could, for a trial
 * (launch/support/probe.h). */
PT_MUST_USE pt_status pt_delta_try_attention(const char *path);

#endif
