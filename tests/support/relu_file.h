/* The outputs of a network's ReLUs in a file, for tests/oracle/given.py. */
#ifndef PT_TESTS_RELU_FILE_H
#define PT_TESTS_RELU_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "common/data/h5file.h"
#include "worker/engine/net/net.h"

/* Node i, as floats. */
static inline pt_status write_relu(const pt_net *net, const pt_node *n, int i, int images,
                                   pt_h5file *out)
{
    const uint64_t dims[4] = {(uint64_t)images, (uint64_t)n->h, (uint64_t)n->w,
                              (uint64_t)n->c};
    size_t all = (size_t)images * (size_t)n->h * (size_t)n->w * (size_t)n->c;
    pt_values y = pt_net_values(net, i);
    float *room = malloc(all * sizeof *room);
    char name[PT_NAME_MAX + 16];
    pt_status s;

    snprintf(name, sizeof name, "relus/%s", n->name);
    if (!room)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", name);
    else if (!y.at)
        s = pt_fail(PT_ERR_BUG, "%s: its output is not kept", n->name);
    else
        s = pt_h5file_write_f32(out, name, 4, dims, pt_values_read(y, all, room));
    free(room);
    return s;
}

/* relus/NODE [images][h][w][c] of each. After a forward pass, before the backward pass,
 * which may write over them. */
static inline pt_status write_relus(const pt_net *net, const pt_graph *g, int images,
                                    pt_h5file *out)
{
    pt_status s = PT_OK;

    for (int i = 0; i < g->n_nodes && s == PT_OK; i++)
        if (g->nodes[i].op == PT_OP_RELU)
            s = write_relu(net, &g->nodes[i], i, images, out);
    return s;
}

#endif
