#include "common/run/delta.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "common/data/h5file.h"
#include "common/run/method.h"
#include "common/run/run.h"

#define FORMAT "ptrain attention"

enum { MAX_CHANNELS = 1 << 20 };

static const double temperature = 5;

static const char *const *stage_ends(const char *network)
{
    static const char *const of_18[] = {"layer1.1.conv2", "layer2.1.conv2",
                                        "layer3.1.conv2", "layer4.1.conv2", NULL};
    static const char *const of_34[] = {"layer1.2.conv2", "layer2.3.conv2",
                                        "layer3.5.conv2", "layer4.2.conv2", NULL};
    static const char *const of_50[] = {"layer1.2.conv3", "layer2.3.conv3",
                                        "layer3.5.conv3", "layer4.2.conv3", NULL};
    static const char *const of_101[] = {"layer1.2.conv3", "layer2.3.conv3",
                                         "layer3.22.conv3", "layer4.2.conv3", NULL};
    static const char *const of_152[] = {"layer1.2.conv3", "layer2.7.conv3",
                                         "layer3.35.conv3", "layer4.2.conv3", NULL};
    static const char *const none[] = {NULL};

    return strcmp(network, "resnet18") == 0    ? of_18
           : strcmp(network, "resnet34") == 0  ? of_34
           : strcmp(network, "resnet50") == 0  ? of_50
           : strcmp(network, "resnet101") == 0 ? of_101
           : strcmp(network, "resnet152") == 0 ? of_152
                                               : none;
}

pt_status pt_delta_find(const pt_graph *g, const char *what, char *const *names,
                        size_t n_names, int **nodes, int *n)
{
    const char *const *of =
        n_names > 0 ? (const char *const *)names : stage_ends(g->network);

    *nodes = NULL;
    *n = 0;
    while (n_names == 0 && of[*n]) ++*n;
    if (n_names > 0) *n = (int)n_names;
    if (*n == 0)
        return pt_fail(PT_ERR_CONFIG, "%s is not given: name the layers of %s to compare",
                       what, g->network);
    *nodes = pt_calloc((size_t)*n, sizeof **nodes);
    if (!*nodes) return pt_fail(PT_ERR_NOMEM, "no memory for the nodes of feature maps");
    return pt_graph_find_trunk(g, what, of, *n, *nodes);
}

static size_t channels_of(const pt_delta_maps *w, int i)
{
    return (size_t)w->graph->nodes[w->nodes[i]].c;
}

static void name_of(const pt_delta_maps *w, int i, char *out, size_t size)
{
    snprintf(out, size, "increase/%s", w->graph->nodes[w->nodes[i]].name);
}

size_t pt_delta_channels(const pt_delta_maps *w)
{
    size_t n = 0;

    for (int i = 0; i < w->n; i++) n += channels_of(w, i);
    return n;
}

pt_status pt_delta_write_attention(const char *path, const pt_delta_maps *w,
                                   const float *increase, double loss, size_t images)
{
    pt_h5file *f = NULL;
    char name[128];
    pt_status s = pt_h5file_create(path, &f);

    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "format", FORMAT);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "network", w->graph->network);
    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "images", (int64_t)images);
    if (s == PT_OK) s = pt_h5file_set_float(f, "/", "loss", loss);
    for (int i = 0; i < w->n && s == PT_OK; i++) {
        uint64_t c = channels_of(w, i);

        name_of(w, i, name, sizeof name);
        s = pt_h5file_write_f32(f, name, 1, &c, increase);
        increase += c;
    }
    if (s == PT_OK) s = pt_h5file_commit(&f);
    pt_h5file_destroy(&f);
    return s;
}

static double standing_out(double v, double mean, double variance)
{
    return variance > 0 ? pt_exp((v - mean) / sqrt(variance) / temperature) : 1;
}

/* From increases [c] to factors, in place. A fixed order, no libm but sqrt. */
static void weigh(float *v, size_t c)
{
    double mean = 0, variance = 0, sum = 0, n = (double)c;

    for (size_t i = 0; i < c; i++) mean += (double)v[i] / n;
    for (size_t i = 0; i < c; i++) {
        double d = (double)v[i] - mean;

        variance += d * d / n;
    }
    for (size_t i = 0; i < c; i++) sum += standing_out((double)v[i], mean, variance);
    for (size_t i = 0; i < c; i++)
        v[i] = (float)(n * standing_out((double)v[i], mean, variance) / sum);
}

static pt_status check_file(const pt_h5file *f, const pt_delta_maps *w)
{
    const char *path = pt_h5file_path(f);
    char *format = NULL, *network = NULL;
    pt_status s = PT_OK;

    if (!pt_h5file_has_attr(f, "/", "format") || !pt_h5file_has_attr(f, "/", "network"))
        return pt_fail(PT_ERR_DATA, "%s: not a file written by `ptrain attention`", path);
    s = pt_h5file_attr_string(f, "/", "format", &format);
    if (s == PT_OK) s = pt_h5file_attr_string(f, "/", "network", &network);
    if (s == PT_OK && strcmp(format, FORMAT) != 0)
        s = pt_fail(PT_ERR_DATA, "%s: not a file written by `ptrain attention`", path);
    if (s == PT_OK && strcmp(network, w->graph->network) != 0)
        s = pt_fail(PT_ERR_DATA, "%s: was measured on %.60s, the network is %s", path,
                    network, w->graph->network);
    free(format);
    free(network);
    return s;
}

static pt_status read_node(const pt_h5file *f, const pt_delta_maps *w, int i, float *out)
{
    const char *node = w->graph->nodes[w->nodes[i]].name;
    size_t c = channels_of(w, i);
    char name[128];
    pt_status s;

    name_of(w, i, name, sizeof name);
    if (pt_h5file_kind(f, name) != PT_H5_DATASET)
        return pt_fail(PT_ERR_DATA,
                       "%s: was not measured at %s (ptrain attention --node %s)",
                       pt_h5file_path(f), node, node);
    s = pt_h5file_read_f32_into(f, name, out, c);
    for (size_t k = 0; k < c && s == PT_OK; k++)
        if (!isfinite(out[k]))
            s = pt_fail(PT_ERR_DATA, "%s: %s, channel %zu is not finite",
                        pt_h5file_path(f), name, k);
    if (s == PT_OK) weigh(out, c);
    return s;
}

pt_status pt_delta_read_attention(const char *path, const pt_delta_maps *w, float *factor)
{
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_open(path, &f);

    if (s == PT_OK) s = check_file(f, w);
    for (int i = 0; i < w->n && s == PT_OK; i++) {
        s = read_node(f, w, i, factor);
        factor += channels_of(w, i);
    }
    pt_h5file_destroy(&f);
    return s;
}

pt_status pt_delta_try_attention(const char *path)
{
    pt_h5file *f = NULL;
    char **names = NULL, *text = NULL, name[128];
    pt_status s = pt_h5file_open(path, &f);

    if (s == PT_OK && pt_h5file_has_attr(f, "/", "format"))
        s = pt_h5file_attr_string(f, "/", "format", &text);
    free(text);
    text = NULL;
    if (s == PT_OK && pt_h5file_has_attr(f, "/", "network"))
        s = pt_h5file_attr_string(f, "/", "network", &text);
    free(text);
    if (s == PT_OK && pt_h5file_kind(f, "increase") == PT_H5_GROUP)
        s = pt_h5file_list(f, "increase", &names, NULL);
    for (size_t i = 0; s == PT_OK && names && names[i]; i++) {
        float *v = NULL;
        size_t n;

        snprintf(name, sizeof name, "increase/%s", names[i]);
        if (pt_h5file_kind(f, name) == PT_H5_DATASET)
            s = pt_h5file_read_f32(f, name, MAX_CHANNELS, &v, &n);
        free(v);
    }
    free(names);
    pt_h5file_destroy(&f);
    return s;
}

/* ---- hooks ------------------------------------------------------------------------ */

static pt_delta_maps maps_of(const pt_run *r)
{
    return (pt_delta_maps){r->graph, r->given.maps, r->given.n_maps};
}

static const char *path_of(const pt_config *c)
{
    return c->regularizers->delta->attention;
}

static pt_status create(pt_run *r)
{
    const Pt__Config__FeatureMaps *c = r->config->regularizers->delta;
    pt_delta_maps maps;
    pt_status s = pt_delta_find(r->graph, "regularizers.delta.nodes", c->nodes,
                                c->n_nodes, &r->given.maps, &r->given.n_maps);

    if (s != PT_OK || !c->attention) return s;
    maps = maps_of(r);
    r->given.attention = pt_calloc(pt_delta_channels(&maps), sizeof *r->given.attention);
    return r->given.attention ? PT_OK
                              : pt_fail(PT_ERR_NOMEM, "no memory for the attention");
}

static pt_status read_file(const char *path, const pt_run *r)
{
    pt_delta_maps maps = maps_of(r);

    return pt_delta_read_attention(path, &maps, r->given.attention);
}

static float *values_of(const pt_run *r, size_t *n)
{
    pt_delta_maps maps = maps_of(r);

    *n = pt_delta_channels(&maps);
    return r->given.attention;
}

const pt_run_method pt_run_method_delta = {.create = create,
                                           .what = "attention",
                                           .key = "regularizers.delta.attention",
                                           .help = "`ptrain attention` writes it",
                                           .path = path_of,
                                           .try = pt_delta_try_attention,
                                           .read = read_file,
                                           .values = values_of};
