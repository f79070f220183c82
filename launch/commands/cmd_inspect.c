#include "launch/commands/commands.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/data/dataset.h"
#include "launch/support/args.h"
#include "launch/support/probe.h"
#include "launch/support/repack.h"

typedef struct {
    const char *file;
    bool verify;
} options;

static bool read_options(int argc, char **argv, options *o, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE.h5", &o->file),
        PT_ARG_FLAG("verify", &o->verify,
                    "Compute the checksum of the whole file again and compare")};
    const pt_args args = {
        .command = "inspect",
        .about = "Describes a packed data set: images, classes, splits, sizes, checksum.",
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

static pt_status inspect(const options *o)
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
    s = inspect(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
