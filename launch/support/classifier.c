#include "common/weights/weights.h"
#include "launch/support/classifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/weights/model.h"
#include "common/weights/onnx.h"
#include "common/weights/onnx_graph.h"
#include "common/weights/survey.h"
#include "launch/support/agree.h"
#include "launch/support/lines.h"
#include "launch/support/probe.h"

char *pt_classifier_path(const char *name)
{
    char *path = pt_file_path(name, "model.h5");

    if (!path || access(path, F_OK) == 0) return path;
    free(path);
    return strdup(name);
}

/* The graph as the file or the network's own original form has it. */
static pt_status make_graph(const char *path, const char *network, bool with_head,
                            pt_classifier *m)
{
    const char *name = network ? network : m->info.network;
    pt_graph_options o = m->info.options;
    int side, n;
    pt_status s;

    if (!network && m->info.format == PT_FORMAT_MODEL) {
        s = pt_model_graph(path, &m->graph);
        if (s != PT_OK || m->graph) return s;
    }
    if (!*name)
        return pt_fail(PT_ERR_USAGE, "%s does not name its network: give --network",
                       path);
    s = pt_graph_defaults(name, &side, &n);
    if (s != PT_OK) return s;
    if (m->info.n_classes > 0) n = m->info.n_classes; /* of its head */
    if (m->info.format != PT_FORMAT_MODEL)
        o = (pt_graph_options){.n_classes = n,
                               .original_head = with_head,
                               .stride_at = o.stride_at,
                               .bn_eps = o.bn_eps};
    if (o.side == 0) o.side = side;
    return pt_graph_create(name, &o, &m->graph);
}

static pt_status load_named(const char *path, const char *entry, const char *network,
                            bool with_head, pt_classifier *m)
{
    pt_status s = make_graph(path, network, with_head, m);

    if (s != PT_OK) return s;
    m->flat = pt_calloc(m->graph->n_floats, sizeof *m->flat);
    if (!m->flat) return pt_fail(PT_ERR_NOMEM, "no memory for the network");
    return pt_weights_load(path, entry, m->graph, with_head, m->flat, &m->info);
}

/* Of an ONNX model nobody needs to say which network it is: one of ours by its names,
 * with which we know its pixels, or the one that it describes. */
static pt_status load_onnx(const char *path, pt_classifier *m)
{
    pt_survey found;
    pt_table *t = NULL;
    pt_status s = pt_onnx_open(path, &t);

    if (s == PT_OK) s = pt_survey_table(t, PT_FORMAT_ONNX, &found);
    pt_table_destroy(&t);
    if (s != PT_OK) return s;
    if (found.network) return load_named(path, NULL, found.network, true, m);
    s = pt_onnx_graph_load(path, &m->graph, &m->flat);
    if (s == PT_OK && pt_job_rank() == 0 && !m->info.has_preprocess)
        pt_log_warn("%s: is no network that ptrain knows by name: its graph is followed, "
                    "and RGB pixels with ImageNet's mean and deviation are assumed",
                    path);
    return s;
}

static void warn_of(const char *path, const pt_classifier *m)
{
    int side = m->graph->nodes[0].h;

    if (pt_job_rank() != 0) return;
    pt_log_warn(
        "%s: does not say how its pictures are prepared: short side to 256 pixels, "
        "the middle %d x %d, RGB with ImageNet's mean and deviation are assumed",
        path, side, side);
}

pt_status pt_classifier_open(const char *path, const char *entry, const char *network,
                             bool with_head, pt_classifier *out)
{
    pt_preprocess pre = pt_preprocess_imagenet;
    pt_geometry shape = {PT_RESIZE_SHORT_SIDE, 256};
    pt_status s;

    *out = (pt_classifier){0};
    s = pt_probe_weights(path, entry);
    if (s == PT_OK) s = pt_weights_inspect(path, entry, &out->info);
    if (s != PT_OK) return s;
    if (!network && !entry && out->info.format == PT_FORMAT_ONNX)
        s = load_onnx(path, out);
    else
        s = load_named(path, entry, network, with_head, out);
    if (s != PT_OK) return s;
    if (!out->info.has_preprocess && out->info.format != PT_FORMAT_ONNX)
        warn_of(path, out);
    if (out->info.has_preprocess) pre = out->info.preprocess;
    if (out->info.has_geometry) shape = out->info.geometry;
    out->augment = (pt_augment){.resize_mode = shape.mode,
                                .resize = shape.resize,
                                .crop = out->graph->nodes[0].h,
                                .preprocess = pre};
    return PT_OK;
}

pt_status pt_classifier_names(const pt_classifier *m, const char *path, const char *file,
                              char ***names)
{
    size_t n = 0;
    pt_status s = PT_OK;

    *names = NULL;
    if (file)
        s = pt_lines_read(file, names, &n);
    else
        s = pt_weights_class_names(path, m->info.format, names, &n);
    if (s == PT_OK && *names && n != (size_t)m->graph->n_classes)
        s = pt_fail(PT_ERR_DATA, "%zu class names, the network has %d classes", n,
                    m->graph->n_classes);
    return s;
}

pt_status pt_classifier_open_all(const char *path, const char *network, bool with_head,
                                 pt_classifier *out)
{
    char digest[16];
    pt_status s = pt_job_agree(pt_classifier_open(path, NULL, network, with_head, out));

    if (s != PT_OK) return s;
    snprintf(digest, sizeof digest, "%08x",
             pt_crc32c(0, out->flat, out->graph->n_floats * sizeof *out->flat));
    return pt_agree_on(path, digest);
}

void pt_classifier_fini(pt_classifier *m)
{
    pt_graph_destroy(&m->graph);
    free(m->flat);
    *m = (pt_classifier){0};
}
