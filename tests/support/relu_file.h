/* The outputs of a network's ReLUs in a file, for tests/oracle/given.py. */
#ifndef PT_TESTS_RELU_FILE_H
#define PT_TESTS_RELU_FILE_H

#include <stdio.h>

#include "common/data/h5file.h"
#include "worker/engine/net/net.h"

/* relus/NODE [images][h][w][c] of each. After a forward pass, before the backward pass,
 * which may write over them. */
static inline pt_status write_relus(const pt_net *net, const pt_graph *g, int images,
                                    pt_h5file *out)
{
    pt_status s = PT_OK;

    for (int i = 0; i < g->n_nodes && s == PT_OK; i++) {
        const pt_node *n = &g->nodes[i];
        const uint64_t dims[4] = {(uint64_t)images, (uint64_t)n->h, (uint64_t)n->w,
                                  (uint64_t)n->c};
        char name[PT_NAME_MAX + 16];

        if (n->op != PT_OP_RELU) continue;
        if (!pt_net_output(net, i))
            return pt_fail(PT_ERR_BUG, "%s: its output is not kept", n->name);
        snprintf(name, sizeof name, "relus/%s", n->name);
        s = pt_h5file_write_f32(out, name, 4, dims, pt_net_output(net, i));
    }
    return s;
}

#endif
