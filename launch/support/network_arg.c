#include "launch/support/network_arg.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/run/synthetic.h"
#include "launch/support/probe.h"

static pt_status check_file(const char *path)
{
    if (access(path, R_OK) != 0)
        return pt_fail(PT_ERR_IO, "--network %s: cannot be opened: %s", path,
                       strerror(errno));
    return pt_probe_weights(path, NULL);
}

pt_status pt_network_arg_check(const char *network)
{
    pt_graph *g = NULL;
    pt_status s = pt_synthetic_of_file(network) ? check_file(network) : PT_OK;

    if (s == PT_OK) s = pt_synthetic_graph(network, 0, &g);
    pt_graph_destroy(&g);
    return s;
}
