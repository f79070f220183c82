#include "worker/objective/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/run/coupling.h"
#include "worker/objective/confusion.h"
#include "worker/objective/cross_entropy.h"
#include "worker/objective/distill.h"
#include "worker/objective/feature_map.h"
#include "worker/objective/mixup.h"
#include "worker/objective/pseudo_task.h"

/* What the losses say of one image. */
typedef struct {
    double ce, l_ptr, g_ce, g_ptr, cosine, rep, penalty, correct;
    bool bad; /* logits or losses are not finite */
} image_terms;

struct pt_objective {
    const pt_run *run;
    pt_threads *pool;
    pt_pseudo_task task;
    pt_coupling coupling;
    int n_classes, dims;

    /* of the step under way */
    uint64_t step;
    pt_span span;
    int b;        /* target images of the whole batch */
    double share; /* mixup; 1: none */
    const int32_t *labels;
    const float *logits, *rep, *g_ce;
    const double *terms;
    double weight;
    image_terms *images; /* [images] */
    float *dlogits;      /* [images][n_classes] */
    float *g_ptr;        /* [images][dims]; becomes the one gradient */
    double *p;           /* [images][n_classes] probabilities, where images are coupled */

    /* of the source head; NULL: there is none */
    int n_source;
    const float *source_logits;
    float *dsource;   /* [images][n_source] */
    double *softened; /* [images][2 n_source] */
    uint32_t *places; /* [images] in the plan's images */
};

/* ---- creation --------------------------------------------------------------------- */

static pt_pseudo_task task_of(const pt_run *run)
{
    const Pt__Config__PseudoTask *c = run->config->pseudo_task;

    return (pt_pseudo_task){.loss = (pt_reg_loss)c->loss,
                            .target = (pt_target)c->target,
                            .per = (pt_target_per)c->target_per,
                            .seed = run->config->seed,
                            .dims = pt_run_rep_size(run),
                            .mean = run->feature_mean,
                            .std = run->feature_std};
}

void pt_objective_destroy(pt_objective **o)
{
    if (!o || !*o) return;
    free((*o)->images);
    free((*o)->dlogits);
    free((*o)->g_ptr);
    free((*o)->p);
    free((*o)->dsource);
    free((*o)->softened);
    free((*o)->places);
    free(*o);
    *o = NULL;
}

static int source_classes(const pt_run *run)
{
    int node = run->graph->source_logits;

    return node < 0 ? 0 : run->graph->nodes[node].c;
}

size_t pt_objective_bytes(const pt_run *run, int max_images)
{
    size_t classes = (size_t)run->graph->n_classes, dims = (size_t)pt_run_rep_size(run);
    size_t one = sizeof(image_terms) + (classes + dims) * sizeof(float);

    if (pt_coupling_of(run).confusion) one += classes * sizeof(double);
    if (source_classes(run) > 0)
        one += (size_t)source_classes(run) * (sizeof(float) + 2 * sizeof(double)) +
               sizeof(uint32_t);
    return (size_t)max_images * one;
}

static bool make_distillation(pt_objective *o, size_t n)
{
    size_t c = (size_t)source_classes(o->run);

    if (c == 0) return true;
    o->n_source = (int)c;
    o->dsource = pt_calloc(pt_mul(n, c), sizeof *o->dsource);
    o->softened = pt_calloc(pt_mul(n, 2 * c), sizeof *o->softened);
    o->places = pt_calloc(n, sizeof *o->places);
    return o->dsource && o->softened && o->places;
}

pt_status pt_objective_create(const pt_run *run, pt_threads *pool, int max_images,
                              pt_objective **out)
{
    pt_objective *o = pt_calloc(1, sizeof *o);
    size_t n = (size_t)max_images, classes = (size_t)run->graph->n_classes;

    *out = NULL;
    if (!o) return pt_fail(PT_ERR_NOMEM, "no memory for the losses");
    o->run = run;
    o->pool = pool;
    o->task = task_of(run);
    o->coupling = pt_coupling_of(run);
    o->n_classes = run->graph->n_classes;
    o->dims = pt_run_rep_size(run);
    o->images = pt_calloc(n, sizeof *o->images);
    o->dlogits = pt_calloc(pt_mul(n, classes), sizeof *o->dlogits);
    o->g_ptr = pt_calloc(pt_mul(n, (size_t)o->dims), sizeof *o->g_ptr);
    if (o->coupling.confusion) o->p = pt_calloc(pt_mul(n, classes), sizeof *o->p);
    if (!o->images || !o->dlogits || !o->g_ptr || (o->coupling.confusion && !o->p) ||
        !make_distillation(o, n)) {
        pt_objective_destroy(&o);
        return pt_fail(PT_ERR_NOMEM, "no memory for the losses of %d images", max_images);
    }
    *out = o;
    return PT_OK;
}

/* ---- at the logits ---------------------------------------------------------------- */

/* In joint training: an image of the source data set, whose labels come after the
 * target's. */
static bool is_source(const pt_objective *o, int i)
{
    return o->labels[i] >= o->n_classes;
}

static void classify_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    size_t c = (size_t)o->n_classes;
    const float *logits = o->logits + (size_t)i * c;
    image_terms *t = &o->images[i];
    pt_class_target target = pt_class(o->labels[i]);

    *t = (image_terms){0};
    if (is_source(o, i)) {
        memset(o->dlogits + (size_t)i * c, 0, c * sizeof *o->dlogits);
        return;
    }

    target.share = o->share;
    target.smoothing = o->run->config->cross_entropy->label_smoothing;
    if (o->share < 1) target.other = o->labels[pt_span_images(&o->span) + i];
    t->ce = pt_cross_entropy(logits, o->n_classes, target, 1.0 / o->b,
                             o->dlogits + (size_t)i * c, &t->correct);
    t->bad = !isfinite(t->ce);
    for (size_t k = 0; k < c; k++) t->bad = t->bad || !isfinite(logits[k]);
    if (o->p) pt_softmax(logits, o->n_classes, o->p + (size_t)i * c);
}

const float *pt_objective_classify(pt_objective *o, uint64_t step, const pt_span *span,
                                   const float *logits, const int32_t *labels)
{
    double alpha = o->run->config->cross_entropy->mixup;

    o->step = step;
    o->span = *span;
    o->b = o->run->plan->source ? span->b / 2 : span->b;
    o->share = alpha > 0 ? pt_mixup_share(o->run->config->seed, step, alpha) : 1;
    o->labels = labels;
    o->logits = logits;
    pt_threads_run(o->pool, pt_span_images(span), classify_image, o);
    return o->dlogits;
}

/* LwF: towards the start weights' answers to the image; Co-Tuning: to its class. */
static void distill_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    const Pt__Config__Distillation *c = o->run->config->regularizers->lwf;
    double related = o->run->config->regularizers->co_tuning->weight;
    double weight = related > 0 ? related : c->weight;
    size_t n = (size_t)o->n_source, at = (size_t)i * n;
    size_t place = related > 0 ? (size_t)o->labels[i] : o->places[i];
    double loss = pt_distill(o->source_logits + at, o->run->responses + place * n,
                             o->n_source, related > 0 ? 1 : c->temperature, weight / o->b,
                             o->softened + 2 * at, o->dsource + at);

    o->images[i].penalty += weight * loss;
    o->images[i].bad = o->images[i].bad || !isfinite(loss);
}

/* The source task's cross-entropy, of source images alone. */
static void join_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    double weight = o->run->config->regularizers->joint->weight, loss, correct;
    size_t n = (size_t)o->n_source, at = (size_t)i * n;
    pt_class_target target = pt_class(o->labels[i] - o->n_classes);

    memset(o->dsource + at, 0, n * sizeof *o->dsource);
    if (!is_source(o, i)) return;
    loss = pt_cross_entropy(o->source_logits + at, o->n_source, target, weight / o->b,
                            o->dsource + at, &correct);
    o->images[i].penalty += weight * loss;
    o->images[i].bad = o->images[i].bad || !isfinite(loss);
}

const float *pt_objective_at_source(pt_objective *o, const float *source_logits)
{
    int n = pt_span_images(&o->span);

    o->source_logits = source_logits;
    if (o->run->plan->source) {
        pt_threads_run(o->pool, n, join_image, o);
        return o->dsource;
    }
    pt_plan_places(o->run->plan, o->step, pt_span_first(&o->span), n, o->places);
    pt_threads_run(o->pool, n, distill_image, o);
    return o->dsource;
}

/* Images of one node's maps. */
typedef struct {
    pt_objective *o;
    int first;
    size_t channels, pixels;
    const float *map, *start, *factor;
    float *g;
} maps;

static void hold_image(void *context, int i, int thread)
{
    maps *m = context;
    image_terms *t = &m->o->images[m->first + i];
    double weight = m->o->run->config->regularizers->delta->weight, loss;
    size_t at = (size_t)i * m->pixels * m->channels;

    loss = pt_feature_map(m->map + at, m->start + at, m->pixels, m->channels, m->factor,
                          weight / m->o->b, m->g + at);
    t->penalty += weight * loss;
    t->bad = t->bad || !isfinite(loss);
}

void pt_objective_hold_map(pt_objective *o, int k, int first, int n, const float *map,
                           const float *start, float *g)
{
    const pt_run *r = o->run;
    const pt_node *node = &r->graph->nodes[r->delta_nodes[k]];
    maps m = {.o = o,
              .first = first,
              .channels = (size_t)node->c,
              .pixels = (size_t)node->h * (size_t)node->w,
              .map = map,
              .start = start,
              .g = g};

    if (r->attention) {
        pt_delta_maps below = pt_run_maps(r);

        below.n = k;
        m.factor = r->attention + pt_delta_channels(&below);
    }
    pt_threads_run(o->pool, n, hold_image, &m);
}

static void confuse_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    const Pt__Config__Confusion *c = o->run->config->regularizers->confusion;
    size_t n = (size_t)o->n_classes;
    pt_terms at = pt_terms_layout(&o->coupling, pt_span_images(&o->span));
    const double *partner = o->terms + at.confusion + (size_t)i * (n + 1);

    if (partner[0] >= 0)
        pt_confusion_add(o->p + (size_t)i * n, partner + 1, o->n_classes, c->squared,
                         c->weight / o->b, o->dlogits + (size_t)i * n);
}

const float *pt_objective_at_logits(pt_objective *o, const double *terms)
{
    if (!o->coupling.confusion || !terms) return NULL;
    o->terms = terms;
    pt_threads_run(o->pool, pt_span_images(&o->span), confuse_image, o);
    return o->dlogits;
}

/* ---- at the representation -------------------------------------------------------- */

/* Norms of one image's gradients at the representation. They are norms of the gradient of
 * the image's own loss: the 1/b of the batch mean is taken out. */
static void regress_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    size_t at = (size_t)i * (size_t)o->dims;
    const float *rep = o->rep + at, *g_ce = o->g_ce + at;
    float *g = o->g_ptr + at;
    image_terms *t = &o->images[i];
    double ce = pt_norm(g_ce, o->dims), ptr = 0;

    if (is_source(o, i)) {
        memset(g, 0, (size_t)o->dims * sizeof *g);
        return;
    }
    t->rep = pt_norm(rep, o->dims);
    t->penalty += o->run->config->regularizers->fnp->weight * t->rep * t->rep;
    t->g_ce = ce * o->b;
    t->l_ptr = t->g_ptr = t->cosine = 0;
    t->bad = t->bad || !isfinite(t->g_ce) || !isfinite(t->penalty);
    if (o->task.loss == PT_LOSS_NONE) return;
    pt_pseudo_task_target(&o->task, o->step, pt_span_first(&o->span) + i, g);
    t->l_ptr = pt_pseudo_task_gradient(&o->task, rep, g, 1.0 / o->b, g);
    ptr = pt_norm(g, o->dims);
    t->g_ptr = ptr * o->b;
    t->bad = t->bad || !isfinite(t->g_ptr) || !isfinite(t->l_ptr);
    if (ce > 0 && ptr > 0) t->cosine = pt_dot(g_ce, g, o->dims) / (ce * ptr);
}

void pt_objective_regress(pt_objective *o, const float *rep, const float *g_ce)
{
    o->rep = rep;
    o->g_ce = g_ce;
    pt_threads_run(o->pool, pt_span_images(&o->span), regress_image, o);
}

const float *pt_objective_pseudo_gradient(const pt_objective *o)
{
    return o->g_ptr;
}

/* g <- g + 2 eta factor * direction, for each of the k (Chen et al., NeurIPS 2019). */
static void shrink(const pt_objective *o, int i, const double *terms, float *g)
{
    size_t n = (size_t)pt_span_images(&o->span), dims = (size_t)o->dims;
    double eta = o->run->config->regularizers->bss->weight;

    for (int k = 0; k < o->coupling.k; k++, terms += n + dims)
        for (size_t d = 0; d < dims; d++)
            g[d] = (float)(g[d] + 2 * eta * terms[i] * terms[n + d]);
}

/* g <- g + d / d rep of lambda * mean over batch and dimensions of (rep - target)^2. */
static void aim(const pt_objective *o, int i, const double *targets, float *g)
{
    size_t dims = (size_t)o->dims, at = (size_t)i * dims;
    double f = 2 * o->run->config->regularizers->adarand->weight / o->b / o->dims;

    for (size_t d = 0; d < dims; d++)
        g[d] = (float)(g[d] + f * (o->rep[at + d] - targets[at + d]));
}

static void combine_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    size_t at = (size_t)i * (size_t)o->dims, n = (size_t)o->dims;
    const float *from = o->g_ce + at, *rep = o->rep + at;
    float *g = o->g_ptr + at, f = (float)o->weight;
    double fnp = 2 * o->run->config->regularizers->fnp->weight / o->b;
    pt_terms terms;

    for (size_t d = 0; d < n; d++) g[d] = f > 0 ? from[d] + f * g[d] : from[d];
    if (is_source(o, i)) return;
    for (size_t d = 0; d < n && fnp > 0; d++) g[d] = (float)(g[d] + fnp * rep[d]);
    if (!o->terms) return;
    terms = pt_terms_layout(&o->coupling, pt_span_images(&o->span));
    if (o->coupling.adarand) aim(o, i, o->terms + terms.adarand, g);
    if (o->coupling.shrinkage) shrink(o, i, o->terms + terms.shrinkage, g);
}

const float *pt_objective_at_rep(pt_objective *o, const float *g, double weight,
                                 const double *terms)
{
    if (weight == 0 && !o->coupling.shrinkage && !o->coupling.adarand &&
        o->run->config->regularizers->fnp->weight == 0)
        return g;
    o->g_ce = g;
    o->weight = weight;
    o->terms = terms;
    pt_threads_run(o->pool, pt_span_images(&o->span), combine_image, o);
    return o->g_ptr;
}

/* ---- the payload ------------------------------------------------------------------ */

/* Adds image i to the two sums of its shard [2][dims]: gradients of its own loss. */
static void add_vectors(const pt_objective *o, int i, double *sum)
{
    size_t n = (size_t)o->dims, at = (size_t)i * n;
    double b = o->b;

    for (size_t d = 0; d < n; d++) {
        sum[d] += b * o->g_ce[at + d];
        sum[n + d] += b * o->g_ptr[at + d];
    }
}

static void add_image(const image_terms *t, bool source, pt_shard_sums *sum,
                      pt_image_norms *image)
{
    sum->n += !source; /* whose other terms are 0 */
    sum->ce += t->ce;
    sum->correct += t->correct;
    sum->g_ce += t->g_ce;
    sum->g_ptr += t->g_ptr;
    sum->l_ptr += t->l_ptr;
    sum->rep += t->rep;
    sum->cosine += t->cosine;
    sum->bad += t->bad;
    sum->penalty += t->penalty;
    *image = (pt_image_norms){.g_ce = t->g_ce,
                              .g_ptr = t->g_ptr,
                              .cosine = t->cosine,
                              .rep = t->rep,
                              .bad = t->bad};
}

static void fill_row(const pt_objective *o, int i, double *row)
{
    size_t c = (size_t)o->n_classes, dims = (size_t)o->dims;

    bool rep = o->coupling.shrinkage || o->coupling.adarand;

    if (o->coupling.confusion || o->coupling.adarand) row[0] = o->labels[i];
    if (o->coupling.confusion) memcpy(row + 1, o->p + (size_t)i * c, c * sizeof *row);
    for (size_t d = 0; d < dims && rep; d++)
        row[o->coupling.rep_at + d] = o->rep[(size_t)i * dims + d];
}

void pt_objective_fill(const pt_objective *o, const pt_payload *at, double *payload)
{
    pt_shard_sums *sums = (pt_shard_sums *)(payload + at->shards);
    pt_image_norms *images = (pt_image_norms *)(payload + at->images);
    size_t vectors = at->images - at->vectors, of_shard;
    int i = 0;

    of_shard = at->n_shards > 0 ? vectors / (size_t)at->n_shards : 0;
    memset(payload + at->shards, 0, (at->images - at->shards) * sizeof *payload);
    for (int s = 0; s < at->n_shards; s++) {
        int n = at->n_images > 0 ? pt_shard_size(&o->span, o->span.lo + s) : 0;

        for (int k = 0; k < n; k++, i++) {
            add_image(&o->images[i], is_source(o, i), &sums[s], &images[i]);
            fill_row(o, i, payload + at->rows + (size_t)i * o->coupling.row);
            if (of_shard > 0)
                add_vectors(o, i, payload + at->vectors + (size_t)s * of_shard);
        }
    }
}
