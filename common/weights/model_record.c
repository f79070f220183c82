#include "common/weights/model_record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/graph/packed.h"

#define RECORD_CRC  "record_crc32c"
#define GRAPH       "graph"
#define CONVOLUTION "convolution"

enum { VERSION = 1 };

/* The words of the record; indexed by the enums. */
static const char *const orders[] = {"rgb", "bgr"};
static const char *const strides[] = {"conv2", "conv1"};
static const char *const kinds[] = {"winograd", "direct"};
static const char *const reps[] = {"after_relu", "before_relu", "after_dropout"};

/* ---- reading ---------------------------------------------------------------------- */

static pt_status get_word(const pt_h5file *f, const char *name, const char *const *words,
                          int n, int *out)
{
    char *text = NULL;
    pt_status s = pt_h5file_attr_string(f, "/", name, &text);

    if (s != PT_OK) return s;
    for (*out = 0; *out < n && strcmp(words[*out], text) != 0; ++*out) continue;
    if (*out == n)
        s = pt_fail(PT_ERR_DATA, "%s: %s is '%.40s', not one of %s ... %s",
                    pt_h5file_path(f), name, text, words[0], words[n - 1]);
    free(text);
    return s;
}

static pt_status get_int(const pt_h5file *f, const char *name, int from, int to, int *out)
{
    int64_t v = 0;
    pt_status s = pt_h5file_attr_int(f, "/", name, &v);

    if (s != PT_OK) return s;
    if (v < from || v > to)
        return pt_fail(PT_ERR_DATA, "%s: %s is %lld, must be %d to %d", pt_h5file_path(f),
                       name, (long long)v, from, to);
    *out = (int)v;
    return PT_OK;
}

static pt_status get_float(const pt_h5file *f, const char *name, float *out)
{
    double v = 0;
    pt_status s = pt_h5file_attr_float(f, "/", name, &v);

    *out = (float)v;
    return s;
}

static pt_status get_text(const pt_h5file *f, const char *name, char *out, size_t n)
{
    char *text = NULL;
    pt_status s = pt_h5file_attr_string(f, "/", name, &text);

    if (s != PT_OK) return s;
    if (strlen(text) >= n)
        s = pt_fail(PT_ERR_DATA, "%s: %s has %zu bytes, the limit is %zu",
                    pt_h5file_path(f), name, strlen(text), n - 1);
    else
        memcpy(out, text, strlen(text) + 1);
    free(text);
    return s;
}

static pt_status get_options(const pt_h5file *f, pt_weights_info *info)
{
    pt_graph_options *o = &info->options;
    int flag = 0, stride = 0, rep = 0, kind = 0;
    pt_status s = get_text(f, "network", info->network, sizeof info->network);

    if (s == PT_OK) s = get_int(f, "n_classes", 1, INT_MAX, &info->n_classes);
    if (s == PT_OK) s = get_int(f, "side", 1, 1 << 20, &o->side);
    if (s == PT_OK) s = get_int(f, "original_head", 0, 1, &flag);
    if (s == PT_OK) s = get_word(f, "stride_at", strides, 2, &stride);
    if (s == PT_OK) s = get_word(f, "rep_at", reps, 3, &rep);
    if (s == PT_OK) s = get_float(f, "dropout", &o->dropout);
    if (s == PT_OK) s = get_float(f, "bn_eps", &o->bn_eps);
    if (s == PT_OK && pt_h5file_has_attr(f, "/", CONVOLUTION))
        s = get_word(f, CONVOLUTION, kinds, 2, &kind);
    if (s != PT_OK) return s;
    if (!(o->dropout >= 0 && o->dropout < 1) || !(o->bn_eps >= 0 && o->bn_eps < 1))
        return pt_fail(PT_ERR_DATA, "%s: dropout %g or bn_eps %g is not in [0, 1)",
                       pt_h5file_path(f), (double)o->dropout, (double)o->bn_eps);
    o->n_classes = info->n_classes;
    info->direct = kind == 1;
    o->original_head = flag != 0;
    o->stride_at = (pt_stride_at)stride;
    o->rep_at = (pt_rep_at)rep;
    return PT_OK;
}

static pt_status get_preprocess(const pt_h5file *f, pt_weights_info *info)
{
    pt_preprocess *p = &info->preprocess;
    int order = 0;
    pt_status s;

    if (!pt_h5file_has_attr(f, "/", "preprocess_order")) return PT_OK;
    s = get_word(f, "preprocess_order", orders, 2, &order);
    if (s == PT_OK) s = get_float(f, "preprocess_scale", &p->scale);
    if (s == PT_OK) s = pt_h5file_attr_floats(f, "/", "preprocess_mean", p->mean, 3);
    if (s == PT_OK) s = pt_h5file_attr_floats(f, "/", "preprocess_std", p->std, 3);
    if (s == PT_ERR_SHAPE) s = PT_ERR_DATA; /* not three numbers */
    if (s != PT_OK) return s;
    for (int c = 0; c < 3; c++)
        if (!(p->std[c] > 0))
            return pt_fail(PT_ERR_DATA, "%s: preprocess_std %d is %g, must be above 0",
                           pt_h5file_path(f), c, (double)p->std[c]);
    p->bgr = order == 1;
    info->has_preprocess = true;
    return PT_OK;
}

static pt_status get_geometry(const pt_h5file *f, pt_weights_info *info)
{
    int mode = 0;
    pt_status s;

    if (!pt_h5file_has_attr(f, "/", "resize_mode")) return PT_OK;
    s = get_word(f, "resize_mode", pt_resize_mode_names, 3, &mode);
    if (s == PT_OK) s = get_int(f, "resize", 0, 1 << 16, &info->geometry.resize);
    info->geometry.mode = (pt_resize_mode)mode;
    info->has_geometry = s == PT_OK;
    return s;
}

/* The checksum of what the file holds beside its weights. Lists end with NULL; classes
 * NULL: none. */
static uint32_t record_crc(const pt_weights_info *i, const char *const *tensors,
                           const char *const *class_names)
{
    const pt_graph_options *o = &i->options;
    const pt_preprocess *p = &i->preprocess;
    char text[512];
    uint32_t crc;

    snprintf(text, sizeof text, "%s %d %d %d %d %d %.9g %.9g", i->network, i->n_classes,
             o->side, o->original_head, (int)o->stride_at, (int)o->rep_at,
             (double)o->dropout, (double)o->bn_eps);
    crc = pt_crc32c(0, text, strlen(text) + 1);
    if (i->has_preprocess) {
        snprintf(text, sizeof text, "%d %.9g %.9g %.9g %.9g %.9g %.9g %.9g", p->bgr,
                 (double)p->scale, (double)p->mean[0], (double)p->mean[1],
                 (double)p->mean[2], (double)p->std[0], (double)p->std[1],
                 (double)p->std[2]);
        crc = pt_crc32c(crc, text, strlen(text) + 1);
    }
    if (i->has_geometry) {
        snprintf(text, sizeof text, "%d %d", (int)i->geometry.mode, i->geometry.resize);
        crc = pt_crc32c(crc, text, strlen(text) + 1);
    }
    if (i->direct) crc = pt_crc32c(crc, kinds[1], strlen(kinds[1]) + 1);
    for (; *tensors; tensors++) crc = pt_crc32c(crc, *tensors, strlen(*tensors) + 1);
    for (; class_names && *class_names; class_names++)
        crc = pt_crc32c(crc, *class_names, strlen(*class_names) + 1);
    return crc;
}

pt_status pt_model_record_classes(const pt_h5file *f, char ***names, size_t *n)
{
    *names = NULL;
    *n = 0;
    return pt_h5file_kind(f, "classes") == PT_H5_DATASET
               ? pt_h5file_read_strings(f, "classes", 1 << 20, names, n)
               : PT_OK;
}

pt_status pt_model_record_graph(const pt_h5file *f, uint8_t **bytes, size_t *n)
{
    *bytes = NULL;
    *n = 0;
    return pt_h5file_kind(f, GRAPH) == PT_H5_DATASET
               ? pt_h5file_read_u8(f, GRAPH, PT_GRAPH_PACKED_MAX, bytes, n)
               : PT_OK;
}

/* The sum of the record that `info` was read from. */
static pt_status sum_record(const pt_h5file *f, const pt_weights_info *info,
                            uint32_t *crc)
{
    char **tensors = NULL, **names = NULL;
    uint8_t *graph = NULL;
    size_t n;
    pt_status s =
        pt_h5file_read_strings(f, "tensors", PT_TABLE_ENTRIES_MAX, &tensors, &n);

    if (s == PT_OK) s = pt_model_record_classes(f, &names, &n);
    if (s == PT_OK)
        *crc = record_crc(info, (const char *const *)tensors, (const char *const *)names);
    if (s == PT_OK) s = pt_model_record_graph(f, &graph, &n);
    if (s == PT_OK && graph) *crc = pt_crc32c(*crc, graph, n);
    free(tensors);
    free(names);
    free(graph);
    return s;
}

/* Older files have no sum. */
static pt_status check_record(const pt_h5file *f, const pt_weights_info *info)
{
    uint32_t crc = 0;
    int64_t stored = 0;
    pt_status s;

    if (!pt_h5file_has_attr(f, "/", RECORD_CRC)) return PT_OK;
    s = pt_h5file_attr_int(f, "/", RECORD_CRC, &stored);
    if (s == PT_OK) s = sum_record(f, info, &crc);
    if (s != PT_OK || (int64_t)crc == stored) return s;
    return pt_fail(PT_ERR_DATA,
                   "%s: its record of network, classes and preprocessing is damaged: "
                   "the CRC32C is %08" PRIx32 ", expected %08" PRIx64,
                   pt_h5file_path(f), crc, (uint64_t)stored);
}

pt_status pt_model_record_get(const pt_h5file *f, pt_weights_info *info)
{
    int version;
    pt_status s = get_int(f, "format_version", VERSION, VERSION, &version);

    *info = (pt_weights_info){.format = PT_FORMAT_MODEL};
    if (s == PT_OK) s = get_options(f, info);
    if (s == PT_OK) s = get_preprocess(f, info);
    if (s == PT_OK) s = get_geometry(f, info);
    return s == PT_OK ? check_record(f, info) : s;
}

pt_status pt_model_record_hash(const pt_h5file *f, char hash[PT_DIGEST_HEX])
{
    return get_text(f, "weight_hash", hash, PT_DIGEST_HEX);
}

/* ---- writing ---------------------------------------------------------------------- */

static pt_status put_graph(pt_h5file *f, const pt_graph *g)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = pt_graph_is_of_file(g) ? pt_graph_pack(g, &bytes, &n) : PT_OK;
    uint64_t dims[1] = {n};

    if (s == PT_OK && bytes) s = pt_h5file_write_u8(f, GRAPH, 1, dims, bytes);
    free(bytes);
    return s;
}

static pt_status put_view(pt_h5file *f, const pt_weights_info *info)
{
    const pt_geometry *shape = &info->geometry;
    const pt_preprocess *p = &info->preprocess;
    pt_status s = PT_OK;

    if (info->has_geometry) {
        s = pt_h5file_set_string(f, "/", "resize_mode",
                                 pt_resize_mode_names[shape->mode]);
        if (s == PT_OK) s = pt_h5file_set_int(f, "/", "resize", shape->resize);
    }
    if (s != PT_OK || !info->has_preprocess) return s;
    s = pt_h5file_set_string(f, "/", "preprocess_order", orders[p->bgr]);
    if (s == PT_OK) s = pt_h5file_set_float(f, "/", "preprocess_scale", (double)p->scale);
    if (s == PT_OK) s = pt_h5file_set_floats(f, "/", "preprocess_mean", p->mean, 3);
    if (s == PT_OK) s = pt_h5file_set_floats(f, "/", "preprocess_std", p->std, 3);
    return s;
}

pt_status pt_model_record_put(pt_h5file *f, const pt_graph *g,
                              const pt_weights_info *info, const char *hash)
{
    const pt_graph_options *o = &info->options;
    pt_status s = pt_h5file_set_string(f, "/", "format", PT_MODEL_FORMAT);

    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "format_version", VERSION);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "network", g->network);
    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "n_classes", g->n_classes);
    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "side", g->nodes[0].h);
    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "original_head", o->original_head);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "stride_at", strides[o->stride_at]);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "rep_at", reps[o->rep_at]);
    if (s == PT_OK) s = pt_h5file_set_float(f, "/", "dropout", (double)o->dropout);
    if (s == PT_OK) s = pt_h5file_set_float(f, "/", "bn_eps", (double)o->bn_eps);
    if (s == PT_OK && info->direct)
        s = pt_h5file_set_string(f, "/", CONVOLUTION, kinds[1]);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "weight_hash", hash);
    if (s == PT_OK) s = put_graph(f, g);
    return s == PT_OK ? put_view(f, info) : s;
}

/* The sum of the record as it is read back, so that the two cannot differ. */
pt_status pt_model_record_seal(pt_h5file *f)
{
    pt_weights_info info;
    uint32_t crc = 0;
    pt_status s = pt_model_record_get(f, &info);

    if (s == PT_OK) s = sum_record(f, &info, &crc);
    return s == PT_OK ? pt_h5file_set_int(f, "/", RECORD_CRC, (int64_t)crc) : s;
}
