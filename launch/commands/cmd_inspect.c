#include "launch/commands/commands.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/data/dataset.h"
#include "common/weights/detect.h"
#include "common/weights/survey.h"
#include "common/weights/weights.h"
#include "launch/support/args.h"
#include "launch/support/probe.h"
#include "launch/support/repack.h"

typedef struct {
    const char *file;
    bool verify, tensors;
} options;

static bool read_options(int argc, char **argv, options *o, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE", &o->file),
        PT_ARG_FLAG("verify", &o->verify,
                    "Data set: compute the checksum of the whole file again and compare"),
        PT_ARG_FLAG("tensors", &o->tensors,
                    "Weights: list the tensors with their shapes")};
    const pt_args args = {
        .command = "inspect",
        .about =
            "Describes a packed data set (images, classes, splits, sizes, checksum) or "
            "a file of weights of any program (format, whose names, network, "
            "classes, tensors).",
        .example = "ptrain inspect photos.h5 --verify",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

static void print_images(const options *o, const pt_dataset *d)
{
    int low_h = INT_MAX, low_w = INT_MAX, high_h = 0, high_w = 0, h, w;
    double bytes = 0;
    const pt_pairs *pairs = pt_dataset_pairs(d);

    for (size_t i = 0; i < pt_dataset_images(d); i++) {
        pt_dataset_size(d, i, &h, &w);
        low_h = h < low_h ? h : low_h;
        low_w = w < low_w ? w : low_w;
        high_h = h > high_h ? h : high_h;
        high_w = w > high_w ? w : high_w;
        bytes += (double)pt_dataset_bytes(d, i);
    }
    pt_log_info("%s: packed data, %zu images of %d classes", o->file,
                pt_dataset_images(d), pt_dataset_classes(d));
    pt_log_info("size: %.1f MB of pictures, heights %d to %d, widths %d to %d",
                bytes / 1e6, low_h, high_h, low_w, high_w);
    if (pt_dataset_source(d)[0]) pt_log_info("source: %s", pt_dataset_source(d));
    if (pt_dataset_licence(d)[0]) pt_log_info("licence: %s", pt_dataset_licence(d));
    if (pairs)
        pt_log_info("pairs: %zu, of %zu images of the data set %.12s...",
                    (size_t)pairs->begin[pairs->n], pairs->n, pairs->of);
}

/* counts [splits][classes] of images; the table of classes. */
static pt_status print_classes(const options *o, const pt_dataset *d)
{
    size_t n_splits = pt_dataset_splits(d), n_classes = (size_t)pt_dataset_classes(d);
    size_t *counts = calloc(n_splits * n_classes + 1, sizeof *counts), n;
    const uint32_t *images;
    pt_status s = PT_OK;

    if (!counts) return pt_fail(PT_ERR_NOMEM, "%s: no memory for the counts", o->file);
    for (size_t k = 0; k < n_splits && s == PT_OK; k++) {
        s = pt_dataset_split(d, pt_dataset_split_name(d, k), &images, &n);
        if (s != PT_OK) break;
        for (size_t i = 0; i < n; i++)
            counts[k * n_classes + (size_t)pt_dataset_label(d, images[i])]++;
        pt_log_info("split %s: %zu images", pt_dataset_split_name(d, k), n);
    }
    for (size_t c = 0; c < n_classes && s == PT_OK; c++) {
        char line[1024] = "";
        size_t used = 0;
        for (size_t k = 0; k < n_splits && used < sizeof line; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, "%s %s %zu",
                                     k ? "," : "", pt_dataset_split_name(d, k),
                                     counts[k * n_classes + c]);
        pt_log_info("class %zu %s:%s", c, pt_dataset_class_name(d, (int)c), line);
    }
    free(counts);
    return s;
}

/* ---- weights ---------------------------------------------------------------------- */

static void print_tensors(const pt_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const pt_table_entry *e = &t->entries[i];
        char shape[PT_SHAPE_TEXT];

        pt_shape_text(e->n_dims, e->dims, shape);
        pt_log_info("tensor %s: %s%s%s", e->name, shape, e->trouble ? "; " : "",
                    e->trouble ? e->trouble : "");
    }
}

/* The graph that the file describes, or why it cannot be followed. */
static void print_graph(const char *path)
{
    pt_graph *g = NULL;
    pt_status s = pt_weights_graph(path, &g);

    if (s != PT_OK)
        pt_log_info("graph: cannot be followed: %s", pt_fail_text());
    else if (g)
        pt_log_info(
            "graph: %d layers, %d classes, input %d x %d: ptrain predict, eval and "
            "export follow it, network.graph trains it",
            g->n_nodes, g->n_classes, g->nodes[0].h, g->nodes[0].w);
    pt_graph_destroy(&g);
}

static void print_weights(const options *o, pt_format format, const pt_table *t,
                          const pt_survey *v)
{
    bool own = format == PT_FORMAT_MODEL;

    pt_log_info("%s: weights, %s%s%s%s", o->file, pt_format_name(format),
                v->rule && !own ? ", " : "", v->rule && !own ? v->rule->title : "",
                v->rule && !own ? " names" : "");
    pt_log_info("network: %s", v->network ? v->network
                                          : "none of ours by its names and shapes "
                                            "(--tensors lists them)");
    if (!v->network && (format == PT_FORMAT_ONNX || own)) print_graph(o->file);
    if (v->n_classes > 0)
        pt_log_info("head: %d classes", v->n_classes);
    else
        pt_log_info("head: none that is known");
    pt_log_info("tensors: %zu with %zu values, %.1f MB as float32; %zu counts and "
                "scalars beside them",
                v->n_weights, v->n_values, (double)v->n_values * 4e-6, v->n_others);
    if (o->tensors) print_tensors(t);
}

static pt_status inspect_weights(const options *o)
{
    pt_format format;
    pt_survey survey;
    pt_table *t = NULL;
    pt_status s = pt_weights_open(o->file, &format, &t);

    if (s == PT_OK) s = pt_survey_table(t, format, &survey);
    if (s == PT_OK) print_weights(o, format, t, &survey);
    pt_table_destroy(&t);
    return s;
}

/* ---- which it is ------------------------------------------------------------------ */

/* HDF5 is read by a child first, and is a data set unless it has weights. */
static bool may_be_data(const char *path)
{
    static const unsigned char magic[] = {0x89, 'H', 'D', 'F'};
    unsigned char b[sizeof magic] = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(b, 1, sizeof b, f) : 0;

    if (f) fclose(f);
    return n == sizeof b && memcmp(b, magic, n) == 0 &&
           pt_probe_weights(path, NULL) != PT_OK;
}

static pt_status inspect_data(const options *o)
{
    pt_dataset *d = NULL;
    pt_status s = pt_probe_dataset(o->file);

    if (s == PT_OK) s = pt_dataset_open(o->file, &d);
    if (s != PT_OK) return s;
    pt_repack_advise(o->file, d);
    print_images(o, d);
    s = print_classes(o, d);
    if (s == PT_OK && o->verify) s = pt_dataset_verify(d);
    if (s == PT_OK)
        pt_log_info("checksum: %s (%s)", pt_dataset_checksum(d),
                    o->verify ? "verified" : "as stored; --verify computes it");
    pt_dataset_destroy(&d);
    return s;
}

int pt_cmd_inspect(int argc, char **argv)
{
    options o = {0};
    pt_status s;
    int code;

    if (!read_options(argc, argv, &o, &code)) return code;
    s = may_be_data(o.file) ? inspect_data(&o) : inspect_weights(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
