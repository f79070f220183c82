#include "common/weights/weights.h"
#include "launch/train/start_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/weights/detect.h"

/* The file's own classifier into the source head, through the graph that it was made for.
 */
static pt_status load_source_head(const Pt__Config__Network *n,
                                  const pt_graph_options *options, const pt_graph *g,
                                  float *flat)
{
    pt_graph_options o = *options;
    pt_graph *own = NULL;
    float *all = NULL;
    int from = -1;
    pt_status s;

    o.n_classes = o.n_source_classes;
    o.n_source_classes = 0;
    o.original_head = true;
    s = pt_graph_create(g->network, &o, &own);
    if (s == PT_OK) all = pt_calloc(own->n_floats, sizeof *all);
    if (s == PT_OK && !all) s = pt_fail(PT_ERR_NOMEM, "no memory for the source head");
    if (s == PT_OK)
        s = pt_weights_load(n->weights, n->weights_entry, own, true, all, NULL);
    for (int i = 0; i < g->n_params && s == PT_OK; i++) {
        if (!pt_tensor_is_source(&g->tensors[i])) continue;
        for (from++; from < own->n_params && !own->tensors[from].head;) from++;
        PT_CHECK(from < own->n_params && own->tensors[from].count == g->tensors[i].count,
                 "%s has no counterpart", g->tensors[i].name);
        memcpy(flat + g->tensors[i].offset, all + own->tensors[from].offset,
               g->tensors[i].count * sizeof *flat);
    }
    pt_graph_destroy(&own);
    free(all);
    return s;
}

/* Through a graph without the source head, whose tensor names occur in no file. */
pt_status pt_start_weights_load(const Pt__Config__Network *n,
                                const pt_graph_options *options, const pt_graph *g,
                                bool own, float *flat, pt_weights_info *info)
{
    pt_graph_options o = *options;
    pt_graph *plain = NULL;
    float *all = NULL;
    pt_status s;

    if (g->source_logits < 0)
        return pt_weights_load(n->weights, n->weights_entry, g, n->keep_head, flat, info);
    o.n_source_classes = 0;
    s = pt_graph_create(g->network, &o, &plain);
    if (s == PT_OK) all = pt_calloc(plain->n_floats, sizeof *all);
    if (s == PT_OK && !all) s = pt_fail(PT_ERR_NOMEM, "no memory for the start weights");
    if (s == PT_OK)
        s = pt_weights_load(n->weights, n->weights_entry, plain, n->keep_head, all, info);
    for (int i = 0; i < g->n_tensors && s == PT_OK; i++) {
        const pt_tensor *t = &g->tensors[i];
        int from = pt_graph_find_tensor(plain, t->name);

        if (pt_tensor_is_source(t) || (t->head && !n->keep_head)) continue;
        memcpy(flat + t->offset, all + plain->tensors[from].offset,
               t->count * sizeof *flat);
    }
    pt_graph_destroy(&plain);
    free(all);
    return s == PT_OK && own ? load_source_head(n, options, g, flat) : s;
}

/* ---- what was read ---------------------------------------------------------------- */

enum { TEXT = 200 };

/* "RGB x/255 mean 0.485 0.456 0.406 std 0.229 0.224 0.225" */
static void preprocess_text(const pt_preprocess *p, char text[TEXT])
{
    const float *m = p->mean, *d = p->std;
    char scale[32] = "";

    if (p->scale != 1) snprintf(scale, sizeof scale, " x/%.6g", 1 / (double)p->scale);
    snprintf(text, TEXT, "%s%s mean %.6g %.6g %.6g std %.6g %.6g %.6g",
             p->bgr ? "BGR" : "RGB", scale, (double)m[0], (double)m[1], (double)m[2],
             (double)d[0], (double)d[1], (double)d[2]);
}

/* The same input for the same pixels, however it is written. */
static bool same_input(const pt_preprocess *a, const pt_preprocess *b)
{
    bool same = a->bgr == b->bgr;

    for (int c = 0; c < 3; c++)
        for (float x = 0; x <= 255; x += 255) {
            float ya = (x * a->scale - a->mean[c]) / a->std[c];
            float yb = (x * b->scale - b->mean[c]) / b->std[c];

            same = same && fabsf(ya - yb) <= 1e-3f * (1 + fabsf(yb));
        }
    return same;
}

/* "(PyTorch, torchvision names)" */
static void origin_text(const pt_weights_info *info, char text[TEXT])
{
    bool own = info->format == PT_FORMAT_MODEL;

    snprintf(text, TEXT, "%s%s%s%s", pt_format_name(info->format), own ? "" : ", ",
             own ? "" : info->names, own ? "" : " names");
}

static void head_text(const pt_graph *g, const pt_weights_info *info, char text[TEXT])
{
    int theirs = info->n_classes, ours = g->n_classes;

    if (!info->head_left && theirs == 0)
        snprintf(text, TEXT, "new head (%d classes)", ours);
    else if (!info->head_left)
        snprintf(text, TEXT, "head kept (%d classes)", ours);
    else if (g->source_logits >= 0)
        snprintf(text, TEXT, "new head (%d classes) beside a source head", ours);
    else if (theirs == 0) /* its shard is missing, or its shape is no classifier's */
        snprintf(text, TEXT, "head replaced (%d classes)", ours);
    else
        snprintf(text, TEXT, "head replaced (%d -> %d classes)", theirs, ours);
}

void pt_start_weights_print(const pt_config *c, const Pt__Config__Network *n,
                            const pt_graph *g, const pt_weights_info *info,
                            const pt_preprocess *used)
{
    const Pt__Config__Preprocess *p = c->data->preprocess;
    bool given = p->has_order || p->has_scale || p->n_mean || p->n_std;
    char pixels[TEXT], origin[TEXT], head[TEXT];

    preprocess_text(used, pixels);
    if (!n->weights) {
        pt_log_info("weights: none, initial values from seed %llu; preprocessing %s",
                    (unsigned long long)c->seed, pixels);
        return;
    }
    origin_text(info, origin);
    head_text(g, info, head);
    pt_log_info("weights: %s%s%s (%s): %zu of %zu tensors, %s, preprocessing %s%s",
                n->weights, n->weights_entry ? "/" : "",
                n->weights_entry ? n->weights_entry : "", origin, info->n_used,
                info->n_weights, head, pixels,
                info->has_preprocess || given ? "" : " (assumed: the file does not say)");
}

static const char *stride_text(int at)
{
    return at == PT_STRIDE_CONV1 ? "conv1" : "conv2";
}

/* Where the configuration says otherwise than the program that wrote the file. */
static void warn_program(const Pt__Config__Network *n, const pt_weights_info *info)
{
    const pt_graph_options *o = &info->options;

    if (!info->has_program) return;
    if (n->has_stride_at && (int)n->stride_at != (int)o->stride_at)
        pt_log_warn("%s: %s's network strides at %s, but network.stride_at is %s: leave "
                    "the key out to follow the file",
                    n->weights, info->names, stride_text((int)o->stride_at),
                    stride_text((int)n->stride_at));
    if (n->has_bn_eps && n->bn_eps != o->bn_eps)
        pt_log_warn("%s: %s's network has a batch norm epsilon of %g, but network.bn_eps "
                    "is %g: leave the key out to follow the file",
                    n->weights, info->names, (double)o->bn_eps, (double)n->bn_eps);
}

void pt_start_weights_warn(const Pt__Config__Network *n, const pt_weights_info *info,
                           const pt_preprocess *used)
{
    char theirs[TEXT], ours[TEXT];

    if (!n->weights) return;
    if (*info->left) pt_log_warn("%s: %s", n->weights, info->left);
    warn_program(n, info);
    if (!info->has_preprocess || same_input(used, &info->preprocess)) return;
    preprocess_text(used, ours);
    preprocess_text(&info->preprocess, theirs);
    pt_log_warn(
        "%s was trained with %s, but data.preprocess is %s: data.preprocess is used",
        n->weights, theirs, ours);
}
