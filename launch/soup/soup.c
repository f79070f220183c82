#include "launch/soup/soup.h"

#include <stdlib.h>
#include <string.h>

#include "launch/evaluate/evaluate.h"
#include "launch/train/predictions.h"

pt_status pt_soup_init(size_t n_floats, pt_soup *out)
{
    *out = (pt_soup){.n_floats = n_floats};
    out->sum = pt_calloc(n_floats, sizeof *out->sum);
    return out->sum ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the sum of models");
}

void pt_soup_fini(pt_soup *s)
{
    free(s->sum);
    *s = (pt_soup){0};
}

void pt_soup_add(pt_soup *s, const float *flat)
{
    for (size_t i = 0; i < s->n_floats; i++) s->sum[i] += (double)flat[i];
    s->n++;
}

void pt_soup_mean(const pt_soup *s, const float *with, float *out)
{
    int n = s->n + (with != NULL);

    for (size_t i = 0; i < s->n_floats; i++)
        out[i] = (float)((s->sum[i] + (with ? (double)with[i] : 0)) / n);
}

static bool same_pixels(const pt_preprocess *a, const pt_preprocess *b)
{
    bool same = a->bgr == b->bgr && a->scale == b->scale;

    for (int c = 0; c < 3; c++)
        same = same && a->mean[c] == b->mean[c] && a->std[c] == b->std[c];
    return same;
}

pt_status pt_soup_check(const pt_classifier *a, const char *name_a,
                        const pt_classifier *b, const char *name_b)
{
    const pt_graph_options *x = &a->info.options, *y = &b->info.options;

    if (strcmp(a->graph->network, b->graph->network) != 0)
        return pt_fail(PT_ERR_USAGE, "%s is %s, %s is %s: no mean of these", name_a,
                       a->graph->network, name_b, b->graph->network);
    if (a->graph->n_classes != b->graph->n_classes)
        return pt_fail(PT_ERR_USAGE, "%s has %d classes, %s has %d", name_a,
                       a->graph->n_classes, name_b, b->graph->n_classes);
    if (!same_pixels(&a->augment.preprocess, &b->augment.preprocess))
        return pt_fail(PT_ERR_USAGE,
                       "%s and %s see their pixels differently: no mean "
                       "of these (data.preprocess)",
                       name_a, name_b);
    if (a->graph->n_floats != b->graph->n_floats || x->side != y->side ||
        x->stride_at != y->stride_at || x->rep_at != y->rep_at ||
        x->bn_eps != y->bn_eps || x->original_head != y->original_head)
        return pt_fail(PT_ERR_USAGE, "%s and %s were made with other options", name_a,
                       name_b);
    return PT_OK;
}

pt_status pt_soup_towards(pt_classifier *m, const char *start, double share)
{
    const pt_graph *g = m->graph;
    float *flat = pt_calloc(g->n_floats, sizeof *flat);
    char *path = pt_classifier_path(start);
    pt_status s = flat && path ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", start);

    if (s == PT_OK) s = pt_weights_load(path, NULL, g, false, flat, NULL);
    for (int i = 0; i < g->n_tensors && s == PT_OK; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (t->head) continue;
        for (size_t k = t->offset; k < t->offset + t->count; k++)
            m->flat[k] =
                (float)((1 - share) * (double)flat[k] + share * (double)m->flat[k]);
    }
    free(flat);
    free(path);
    return s;
}

pt_status pt_soup_right(const pt_classifier *m, const pt_dataset *d,
                        const uint32_t *images, size_t n, size_t *right)
{
    float *logits = pt_calloc(n * (size_t)m->graph->n_classes + 1, sizeof *logits);
    pt_score score = {0};
    pt_status s = logits ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the logits");

    if (s == PT_OK) s = pt_evaluate_model(m, d, images, n, &(pt_looking){0}, logits);
    if (s == PT_OK) s = pt_score_rows(d, images, n, logits, &score);
    *right = score.n_right;
    pt_score_fini(&score);
    free(logits);
    return s;
}
