#include "launch/train/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/run/method.h"
#include "common/weights/weights.h"
#include "launch/support/probe.h"
#include "launch/train/test_split.h"

pt_status pt_files_can_open(const char *key, const char *path, const char *help)
{
    if (access(path, R_OK) == 0) return PT_OK;
    return pt_fail(PT_ERR_IO, "%s: %s: cannot be opened: %s (%s)", key, path,
                   strerror(errno), help);
}

pt_status pt_files_open_data(const char *key, const char *path, pt_dataset **out)
{
    pt_status s = pt_files_can_open(key, path, "`ptrain pack` writes it");

    if (s == PT_OK) s = pt_probe_dataset(path);
    return s == PT_OK ? pt_dataset_open(path, out) : s;
}

pt_status pt_files_try_weights(const Pt__Config__Network *n)
{
    pt_status s = pt_files_can_open("network.weights", n->weights,
                                    "ptrain comes without pretrained weights: "
                                    "launch/docs/weights.md says where to get them");

    return s == PT_OK ? pt_probe_weights(n->weights, n->weights_entry) : s;
}

static pt_status try_split(const pt_dataset *d, const char *split)
{
    const uint32_t *images;
    size_t n;

    return pt_dataset_split(d, split, &images, &n);
}

static pt_status try_source(const Pt__Config__SourceData *c)
{
    pt_dataset *d = NULL;
    pt_status s = pt_files_open_data("source.path", c->path, &d);

    if (s == PT_OK) s = try_split(d, c->train_split);
    pt_dataset_destroy(&d);
    return s;
}

static pt_status try_data(const pt_config *c)
{
    const char *tested = NULL;
    pt_dataset *d = NULL;
    pt_status s = pt_files_open_data("data.path", c->data->path, &d);

    if (s == PT_OK) s = try_split(d, c->data->train_split);
    if (s == PT_OK) s = pt_test_split_find(d, c->data, &tested);
    if (s == PT_OK && c->data->validation_split)
        s = try_split(d, c->data->validation_split);
    if (s == PT_OK) s = pt_test_split_check(c, tested != NULL);
    if (s == PT_OK && !tested) pt_test_split_warn(c->data->path);
    pt_dataset_destroy(&d);
    return s;
}

static pt_status try_weights(const Pt__Config__Network *n)
{
    pt_weights_info info = {0};
    pt_status s = pt_files_try_weights(n);

    return s == PT_OK ? pt_weights_inspect(n->weights, n->weights_entry, &info) : s;
}

static pt_status try_graph(const Pt__Config__Network *n)
{
    pt_graph *g = NULL;
    pt_status s = pt_files_can_open("network.graph", n->graph, "an ONNX model");

    if (s == PT_OK) s = pt_probe_weights(n->graph, NULL);
    if (s == PT_OK) s = pt_weights_graph(n->graph, &g);
    pt_graph_destroy(&g);
    return s;
}

/* *first: the first that is not PT_OK. */
static void note(pt_status s, pt_status *first)
{
    if (s != PT_OK) pt_log_error(pt_fail_text());
    if (*first == PT_OK) *first = s;
}

pt_status pt_files_check(const pt_config *c)
{
    pt_status s = PT_OK;

    if (c->data->path) note(try_data(c), &s);
    if (c->source->path) note(try_source(c->source), &s);
    if (c->network->graph) note(try_graph(c->network), &s);
    if (c->network->weights) note(try_weights(c->network), &s);
    for (int i = 0; i < PT_N_METHODS; i++) {
        const pt_run_method *m = pt_run_methods[i];

        if (m && pt_methods[i].is_on(c) && m->path(c))
            note(pt_files_can_open(m->key, m->path(c), m->help), &s);
    }
    return s;
}
