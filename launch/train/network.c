#include "launch/train/network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/graph/packed.h"
#include "common/run/method.h"
#include "common/weights/weights.h"
#include "launch/support/probe.h"
#include "launch/train/files.h"

const char *pt_network_title(const Pt__Config__Network *n)
{
    return n->graph ? n->graph : n->name;
}

/* ---- rank 0 ------------------------------------------------------------------------ */

/* The file of network.graph, or what the run kept of it. */
static pt_status find_graph(const pt_config *c, pt_network *net)
{
    char *kept = pt_file_path(c->run->dir, PT_START_FILE);
    pt_status s = PT_OK;

    if (!kept) return pt_fail(PT_ERR_NOMEM, "no memory for %s", PT_START_FILE);
    if (access(net->files.graph, R_OK) == 0 || access(kept, R_OK) != 0) {
        s = pt_files_can_open("network.graph", net->files.graph, "an ONNX model");
    } else {
        pt_log_info("%s cannot be opened: %s has the graph of this run", net->files.graph,
                    kept);
        net->kept = kept;
        net->files.graph = kept;
        kept = NULL;
    }
    free(kept);
    return s;
}

/* The graph of the file; its weights are the start weights unless others are named. */
static pt_status read_graph(const pt_config *c, pt_network *net)
{
    pt_status s = find_graph(c, net);

    if (s == PT_OK) s = pt_probe_weights(net->files.graph, NULL);
    if (s == PT_OK) s = pt_weights_graph(net->files.graph, &net->like);
    if (s != PT_OK) return s;
    if (!net->files.weights) net->files.weights = net->files.graph;
    if (net->like->nodes[0].h != (int)c->data->crop)
        pt_log_warn("%s: is made for %d x %d pixels, data.crop is %u", net->files.graph,
                    net->like->nodes[0].h, net->like->nodes[0].w, c->data->crop);
    return PT_OK;
}

/* The model file that weights come from must be of this network. */
static pt_status check_model(const pt_network *net, const pt_weights_info *info)
{
    const Pt__Config__Network *n = &net->files;
    const char *wanted = net->like ? net->like->network : n->name;
    bool of_file = strcmp(info->network, PT_NETWORK_OF_FILE) == 0;

    if (!n->weights || info->format != PT_FORMAT_MODEL ||
        strcmp(info->network, wanted) == 0)
        return PT_OK;
    if (of_file)
        return pt_fail(
            PT_ERR_WEIGHTS,
            "%s: holds a network that was read from a file: give network.graph: "
            "%s, not network.name: %s",
            n->weights, n->weights, n->name);
    return pt_fail(PT_ERR_WEIGHTS, "%s: holds the network %s, but %s is %s", n->weights,
                   info->network, net->like ? "network.graph" : "network.name",
                   pt_network_title(n));
}

/* The network that the configuration and the weights file call for. */
static pt_status look_at_weights(const pt_config *c, int n_classes, pt_network *net)
{
    const Pt__Config__Network *n = &net->files;
    pt_graph_options *g = &net->options;
    pt_method_id classifier = pt_methods_first(c, PT_ASKS_ANSWERS | PT_ASKS_RELATION);
    pt_weights_info info = {0};
    pt_status s = n->weights ? pt_files_try_weights(n) : PT_OK;

    if (s == PT_OK && n->weights)
        s = pt_weights_inspect(n->weights, n->weights_entry, &info);
    if (s == PT_OK) s = check_model(net, &info);
    if (s != PT_OK) return s;
    if (net->like) { /* it is as its file has it */
        info.options = (pt_graph_options){0};
        info.n_classes = net->like->n_classes;
        g->original_head = n->keep_head;
    }
    g->side = (int)c->data->crop;
    g->n_classes = n_classes;
    g->stride_at = n->has_stride_at ? (pt_stride_at)n->stride_at : info.options.stride_at;
    g->rep_at = (pt_rep_at)n->rep_at;
    g->dropout = n->dropout;
    g->bn_eps = n->has_bn_eps ? n->bn_eps : info.options.bn_eps;
    if (classifier == PT_N_METHODS) return PT_OK;
    g->n_source_classes = info.n_classes;
    return n->weights && info.n_classes > 0
               ? PT_OK
               : pt_fail(PT_ERR_WEIGHTS,
                         "%s: %s needs start weights with the network's own classifier, "
                         "but these have none",
                         n->weights ? n->weights : "network.weights",
                         pt_methods[classifier].key);
}

/* ---- all ranks --------------------------------------------------------------------- */

/* Rank 0's graph, packed. */
static pt_status share_graph(pt_network *net)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    bool first = pt_job_rank() == 0;
    pt_status s = first && net->like ? pt_graph_pack(net->like, &bytes, &n) : PT_OK;

    s = pt_job_agree(s);
    if (s == PT_OK) s = pt_job_broadcast(0, (void **)&bytes, &n);
    if (s == PT_OK && !first && n > 0)
        s = pt_graph_unpack(bytes, n, "network.graph", &net->like);
    free(bytes);
    return s == PT_OK ? pt_job_agree(s) : s;
}

pt_status pt_network_share(const pt_config *c, int n_classes, int n_source,
                           pt_network *out)
{
    pt_graph_options *g = &out->options;
    pt_status s = PT_OK;

    *out = (pt_network){.files = *c->network};
    if (pt_job_rank() == 0) {
        if (c->network->graph) s = read_graph(c, out);
        if (s == PT_OK) s = look_at_weights(c, n_classes, out);
    }
    s = pt_job_agree(s);
    if (s == PT_OK && c->network->graph) s = share_graph(out);
    if (s == PT_OK) s = pt_job_broadcast_into(0, g, sizeof *g);
    if (n_source > 0) g->n_source_classes = n_source;
    g->like = out->like;
    return s;
}

pt_status pt_network_make(const pt_network *n, pt_graph **out)
{
    return pt_graph_create(n->files.name, &n->options, out);
}

void pt_network_fini(pt_network *n)
{
    pt_graph_destroy(&n->like);
    free(n->kept);
    *n = (pt_network){0};
}
