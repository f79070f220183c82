#include "common/graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/graph/builder.h"

enum { NETWORKS = 11, SIDE_MAX = 4096, CLASSES_MAX = 1 << 20 };

/* ResNet-34 has as many blocks as ResNet-50. */
static const int resnet18[] = {2, 2, 2, 2}, resnet50[] = {3, 4, 6, 3},
                 resnet101[] = {3, 4, 23, 3}, resnet152[] = {3, 8, 36, 3},
                 cifar20[] = {3}, cifar56[] = {9}, small[] = {1};

static const struct network {
    const char *name;
    int side, n_classes;
    int min_side, max_side, side_step; /* sides that its shape allows */
    float bn_eps;
    void (*build)(pt_builder *b, const int *blocks);
    const int *blocks;
} networks[NETWORKS] = {
    {"vgg16", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_vgg16, NULL},
    {"resnet18", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_resnet_basic, resnet18},
    {"resnet34", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_resnet_basic, resnet50},
    {"resnet50", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_resnet, resnet50},
    {"resnet101", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_resnet, resnet101},
    {"resnet152", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_resnet, resnet152},
    {"squeezenet1_1", 224, 1000, 1, SIDE_MAX, 1, 1e-5f, pt_build_squeezenet, NULL},
    {"mobilenet_v1", 224, 1000, 1, SIDE_MAX, 1, 1e-3f, pt_build_mobilenet, NULL},
    {"cifar_resnet20", 32, 10, 1, SIDE_MAX, 1, 1e-5f, pt_build_cifar_resnet, cifar20},
    {"cifar_resnet56", 32, 10, 1, SIDE_MAX, 1, 1e-5f, pt_build_cifar_resnet, cifar56},
    {"resnet_small", 32, 10, 8, SIDE_MAX, 4, 1e-5f, pt_build_resnet_small, small},
};

const char *const *pt_graph_names(void)
{
    static const char *const names[NETWORKS + 1] = {
        "vgg16",          "resnet18",       "resnet34",      "resnet50",
        "resnet101",      "resnet152",      "squeezenet1_1", "mobilenet_v1",
        "cifar_resnet20", "cifar_resnet56", "resnet_small",  NULL};

    return names;
}

static pt_status find_network(const char *name, const struct network **out)
{
    const char *close;

    *out = NULL;
    for (int i = 0; i < NETWORKS; i++) {
        if (strcmp(networks[i].name, name) != 0) continue;
        *out = &networks[i];
        return PT_OK;
    }
    close = pt_suggest(name, pt_graph_names());
    return pt_fail(PT_ERR_CONFIG,
                   "unknown network '%s'%s%s%s known networks: vgg16 resnet18 resnet34 "
                   "resnet50 resnet101 resnet152 squeezenet1_1 mobilenet_v1 "
                   "cifar_resnet20 cifar_resnet56 "
                   "resnet_small",
                   name, close ? "; did you mean '" : "", close ? close : "",
                   close ? "'?" : ";");
}

pt_status pt_graph_defaults(const char *network, int *side, int *n_classes)
{
    const struct network *n;
    pt_status s = find_network(network, &n);

    if (s != PT_OK) return s;
    *side = n->side;
    *n_classes = n->n_classes;
    return PT_OK;
}

static pt_status check_side(const struct network *n, int side)
{
    if (side < n->min_side || side > n->max_side)
        return pt_fail(PT_ERR_CONFIG, "%s: input side is %d, it must be %d to %d",
                       n->name, side, n->min_side, n->max_side);
    if (side % n->side_step != 0)
        return pt_fail(PT_ERR_CONFIG, "%s: input side is %d, it must be a multiple of %d",
                       n->name, side, n->side_step);
    return PT_OK;
}

pt_status pt_graph_check_options(const char *name, const pt_graph_options *o)
{
    if (o->n_classes < 1 || o->n_classes > CLASSES_MAX)
        return pt_fail(PT_ERR_CONFIG, "%s: %d classes, must be 1 to %d", name,
                       o->n_classes, CLASSES_MAX);
    if (!(o->dropout >= 0 && o->dropout < 1))
        return pt_fail(PT_ERR_CONFIG, "%s: dropout is %g, must be in [0, 1)", name,
                       o->dropout);
    if (!(o->bn_eps >= 0 && o->bn_eps <= 1))
        return pt_fail(PT_ERR_CONFIG, "%s: bn_eps is %g, must be in (0, 1]", name,
                       o->bn_eps);
    if (o->stride_at != PT_STRIDE_CONV1 && o->stride_at != PT_STRIDE_CONV2)
        return pt_fail(PT_ERR_CONFIG, "%s: stride_at is %d, must be 0 or 1", name,
                       (int)o->stride_at);
    if ((unsigned)o->rep_at > PT_REP_AFTER_DROPOUT)
        return pt_fail(PT_ERR_CONFIG, "%s: rep_at is %d, must be 0 to %d", name,
                       (int)o->rep_at, PT_REP_AFTER_DROPOUT);
    if (o->n_source_classes < 0 || o->n_source_classes > CLASSES_MAX)
        return pt_fail(PT_ERR_CONFIG, "%s: %d source classes, must be 0 to %d", name,
                       o->n_source_classes, CLASSES_MAX);
    if (o->n_source_classes > 0 && o->rep_at != PT_REP_AFTER_RELU)
        return pt_fail(PT_ERR_CONFIG, "%s: a source head needs rep_at after_relu", name);
    return PT_OK;
}

pt_status pt_graph_create(const char *network, const pt_graph_options *opt,
                          pt_graph **out)
{
    const struct network *n;
    pt_graph_options resolved = *opt;
    pt_builder b;
    pt_status s;

    *out = NULL;
    if (opt->like) return pt_graph_create_like(opt, out);
    s = find_network(network, &n);
    if (s != PT_OK) return s;
    if (resolved.side == 0) resolved.side = n->side;
    if (resolved.bn_eps == 0) resolved.bn_eps = n->bn_eps;
    s = pt_graph_check_options(n->name, &resolved);
    if (s == PT_OK) s = check_side(n, resolved.side);
    if (s != PT_OK) return s;
    pt_builder_init(&b, n->name, &resolved);
    n->build(&b, n->blocks);
    return pt_builder_finish(&b, out);
}

void pt_graph_destroy(pt_graph **g)
{
    if (!g || !*g) return;
    free((*g)->nodes);
    free((*g)->tensors);
    free(*g);
    *g = NULL;
}

bool pt_graph_is_of_file(const pt_graph *g)
{
    return strcmp(g->network, PT_NETWORK_OF_FILE) == 0;
}

int pt_graph_find_tensor(const pt_graph *g, const char *name)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (strcmp(g->tensors[i].name, name) == 0) return i;
    return -1;
}

/* A node of the trunk by its name; -1: there is none. */
static int trunk_node(const pt_graph *g, const char *name)
{
    for (int i = 1; i < g->rep; i++)
        if (strcmp(g->nodes[i].name, name) == 0) return i;
    return -1;
}

static pt_status unknown(const pt_graph *g, const char *what, const char *name)
{
    const char **names = pt_calloc((size_t)g->rep + 1, sizeof *names);
    char near[PT_DID_YOU_MEAN] = "";

    for (int i = 1; names && i < g->rep; i++) names[i - 1] = g->nodes[i].name;
    if (names) pt_did_you_mean(name, names, "", near);
    free(names);
    return pt_fail(PT_ERR_CONFIG,
                   "%s: %s has no layer '%.60s' below the representation%s", what,
                   g->network, name, near);
}

pt_status pt_graph_find_trunk(const pt_graph *g, const char *what,
                              const char *const *names, int n, int *nodes)
{
    for (int i = 0; i < n; i++) {
        nodes[i] = trunk_node(g, names[i]);
        for (int k = 0; k < i; k++)
            if (nodes[k] == nodes[i])
                return pt_fail(PT_ERR_CONFIG, "%s: '%.60s' is listed twice", what,
                               names[i]);
        if (nodes[i] < 0) return unknown(g, what, names[i]);
    }
    return PT_OK;
}

size_t pt_graph_macs(const pt_graph *g)
{
    size_t macs = 0;

    for (int i = 0; i < g->n_nodes; i++) {
        const pt_node *n = &g->nodes[i];

        if (n->op == PT_OP_CONV || n->op == PT_OP_DEPTHWISE || n->op == PT_OP_LINEAR)
            macs += g->tensors[n->weight].count * (size_t)n->h * (size_t)n->w;
    }
    return macs;
}
