/* The option --network of commands that need no data: a name, or a file. */
#ifndef PT_LAUNCH_SUPPORT_NETWORK_ARG_H
#define PT_LAUNCH_SUPPORT_NETWORK_ARG_H

#include "launch/support/args.h"

#define PT_ARG_NETWORK(to)                                                               \
    PT_ARG_TEXT(                                                                         \
        "network", "NAME", to,                                                           \
        "Any value of network.name, or a file as in network.graph (.onnx, .h5), "        \
        "whose own graph is the network (default: resnet50)")

/* For the `check` of such a command (args.h): is it a network? A .h5 file is read by a child
 * first (probe.h). As pt_synthetic_graph. */
PT_MUST_USE pt_status pt_network_arg_check(const char *network);

#endif
