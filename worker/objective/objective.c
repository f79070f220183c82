#include "worker/objective/objective.h"

#include <stdlib.h>
#include <string.h>

#include "common/run/coupling.h"
#include "worker/objective/method.h"
#include "worker/objective/pseudo_task.h"

/* A method of the run that has hooks here. */
typedef struct {
    const pt_worker_method *hooks;
    pt_method_id id;
    void *self;
} part;

struct pt_objective {
    part parts[PT_N_METHODS + 1];   /* in the table's order; the last has no hooks */
    bool has_at_logits, has_at_rep; /* such a hook */
    int n_classes, n_source, dims;

    pt_batch batch; /* the step under way */
    const float *source_logits, *from;
    float *dlogits;      /* [images][n_classes] */
    float *dsource;      /* [images][n_source]; NULL: there is no source head */
    float *g;            /* [images][dims]: the one gradient that goes back */
    const double *terms; /* NULL: none */
    pt_terms terms_at;
};

/* ---- creation --------------------------------------------------------------------- */

static const pt_worker_method *hooks_of(const pt_run *run, int method)
{
    return pt_methods[method].is_on(run->config) ? pt_worker_methods[method] : NULL;
}

void pt_objective_net_options(const pt_run *run, pt_net_options *o)
{
    for (int m = 0; m < PT_N_METHODS; m++) {
        const pt_worker_method *h = hooks_of(run, m);

        if (h && h->net_options) h->net_options(run, o);
    }
}

void pt_objective_destroy(pt_objective **o)
{
    pt_objective *p = o ? *o : NULL;

    if (!p) return;
    for (const part *m = p->parts; m->hooks; m++)
        if (m->self) m->hooks->destroy(m->self);
    free(p->batch.images);
    free(p->batch.p);
    free(p->batch.places);
    free(p->dlogits);
    free(p->dsource);
    free(p->g);
    free(p);
    *o = NULL;
}

size_t pt_objective_bytes(const pt_run *run, const pt_net_options *net)
{
    size_t classes = (size_t)run->graph->n_classes, dims = (size_t)pt_run_rep_size(run);
    size_t n = sizeof(pt_shard_sums) + (classes + dims) * sizeof(float);

    if (run->asks & PT_SENDS_PROBABILITIES) n += classes * sizeof(double);
    if (run->asks & PT_ASKS_ANSWERS) n += sizeof(uint32_t);
    n += (size_t)pt_graph_source_classes(run->graph) * sizeof(float);
    n *= (size_t)net->max_images;
    for (int m = 0; m < PT_N_METHODS; m++) {
        const pt_worker_method *h = hooks_of(run, m);

        if (h && h->bytes) n += h->bytes(run, net);
    }
    return n;
}

static bool make_arrays(pt_objective *o, size_t n)
{
    unsigned asks = o->batch.run->asks;
    size_t classes = (size_t)o->n_classes, source = (size_t)o->n_source;
    pt_batch *b = &o->batch;
    bool ok = true;

    ok = (b->images = pt_calloc(n, sizeof *b->images)) && ok;
    ok = (o->dlogits = pt_calloc(pt_mul(n, classes), sizeof *o->dlogits)) && ok;
    ok = (o->g = pt_calloc(pt_mul(n, (size_t)o->dims), sizeof *o->g)) && ok;
    if (asks & PT_SENDS_PROBABILITIES)
        ok = (b->p = pt_calloc(pt_mul(n, classes), sizeof *b->p)) && ok;
    if (asks & PT_ASKS_ANSWERS) ok = (b->places = pt_calloc(n, sizeof *b->places)) && ok;
    if (source > 0)
        ok = (o->dsource = pt_calloc(pt_mul(n, source), sizeof *o->dsource)) && ok;
    return ok;
}

static pt_status make_parts(pt_objective *o, const pt_run *run, const pt_net_options *net)
{
    part *p = o->parts;
    pt_status s = PT_OK;

    for (int m = 0; m < PT_N_METHODS && s == PT_OK; m++) {
        const pt_worker_method *h = hooks_of(run, m);

        if (!h) continue;
        *p = (part){.hooks = h, .id = (pt_method_id)m};
        o->has_at_logits = o->has_at_logits || h->at_logits;
        o->has_at_rep = o->has_at_rep || h->at_rep;
        if (h->create) s = h->create(run, net, &p->self);
        p++;
    }
    return s;
}

pt_status pt_objective_create(const pt_run *run, const pt_net_options *net,
                              pt_objective **out)
{
    pt_objective *o = pt_calloc(1, sizeof *o);
    pt_status s = PT_OK;

    *out = NULL;
    if (!o) return pt_fail(PT_ERR_NOMEM, "no memory for the losses");
    o->batch = (pt_batch){.run = run, .pool = net->pool};
    o->n_classes = run->graph->n_classes;
    o->n_source = pt_graph_source_classes(run->graph);
    o->dims = pt_run_rep_size(run);
    if (!make_arrays(o, (size_t)net->max_images))
        s = pt_fail(PT_ERR_NOMEM, "no memory for the losses of %d images",
                    net->max_images);
    if (s == PT_OK) s = make_parts(o, run, net);
    if (s == PT_OK) {
        *out = o;
        o = NULL;
    }
    pt_objective_destroy(&o);
    return s;
}

void pt_objective_each_net(pt_objective *o, void (*each)(void *context, pt_net *net),
                           void *context)
{
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->net) each(context, p->hooks->net(p->self));
}

/* ---- at the logits ---------------------------------------------------------------- */

const float *pt_objective_begin(pt_objective *o, uint64_t step, const pt_span *span,
                                const float *pixels, const int32_t *labels)
{
    pt_plan *plan = o->batch.run->plan;
    pt_batch *b = &o->batch;

    b->step = step;
    b->span = *span;
    b->n = pt_span_images(span);
    b->b = plan->source ? span->b / 2 : span->b;
    b->labels = labels;
    if (b->places) pt_plan_places(plan, step, pt_span_first(span), b->n, b->places);
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->input) pixels = p->hooks->input(p->self, b, pixels);
    return pixels;
}

static void classify_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    const pt_batch *b = &o->batch;
    size_t c = (size_t)o->n_classes, at = (size_t)i * c;
    const float *logits = b->logits + at;
    pt_shard_sums *image = &b->images[i];
    pt_class_target target = pt_class(b->labels[i]);

    *image = (pt_shard_sums){.n = !pt_is_source(b, i)};
    if (pt_is_source(b, i)) {
        memset(o->dlogits + at, 0, c * sizeof *o->dlogits);
        return;
    }
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->classes) p->hooks->classes(p->self, b, i, &target);
    image->ce = pt_cross_entropy(logits, o->n_classes, target, 1.0 / b->b,
                                 o->dlogits + at, &image->correct);
    if (!isfinite(image->ce)) image->bad = 1;
    for (size_t k = 0; k < c; k++)
        if (!isfinite(logits[k])) image->bad = 1;
    if (b->p) pt_softmax(logits, o->n_classes, b->p + at);
}

const float *pt_objective_classify(pt_objective *o, const float *logits)
{
    o->batch.logits = logits;
    pt_threads_run(o->batch.pool, o->batch.n, classify_image, o);
    return o->dlogits;
}

static void source_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    size_t at = (size_t)i * (size_t)o->n_source;

    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->at_source)
            p->hooks->at_source(p->self, &o->batch, i, o->source_logits + at,
                                o->dsource + at);
}

const float *pt_objective_at_source(pt_objective *o, const float *source_logits)
{
    o->source_logits = source_logits;
    pt_threads_run(o->batch.pool, o->batch.n, source_image, o);
    return o->dsource;
}

pt_status pt_objective_at_maps(pt_objective *o, pt_net *net, const float *input)
{
    pt_status s = PT_OK;

    for (const part *p = o->parts; p->hooks && s == PT_OK; p++)
        if (p->hooks->at_maps) s = p->hooks->at_maps(p->self, &o->batch, net, input);
    return s;
}

/* This part's terms. */
static const double *terms_of(const pt_objective *o, const part *p)
{
    return o->terms ? o->terms + o->terms_at.at[p->id] : NULL;
}

static void take_terms(pt_objective *o, const double *terms)
{
    o->terms = terms;
    if (terms) o->terms_at = pt_terms_layout(o->batch.run, o->batch.n);
}

static void at_logits_of_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    float *g = o->dlogits + (size_t)i * (size_t)o->n_classes;

    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->at_logits)
            p->hooks->at_logits(p->self, &o->batch, i, terms_of(o, p), g);
}

const float *pt_objective_at_logits(pt_objective *o, const double *terms)
{
    if (!o->has_at_logits) return NULL;
    take_terms(o, terms);
    pt_threads_run(o->batch.pool, o->batch.n, at_logits_of_image, o);
    return o->dlogits;
}

/* ---- at the representation -------------------------------------------------------- */

/* Norms are of the gradient of the image's own loss: the 1/b of the mean is taken out. */
static void regress_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    const pt_batch *b = &o->batch;
    size_t at = (size_t)i * (size_t)o->dims;
    pt_shard_sums *image = &b->images[i];

    if (!pt_is_source(b, i)) {
        image->rep = pt_norm(b->rep + at, o->dims);
        image->g_ce = pt_norm(b->g_ce + at, o->dims) * b->b;
    }
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->regress) p->hooks->regress(p->self, b, i);
    if (!isfinite(image->g_ce) || !isfinite(image->penalty)) image->bad = 1;
}

void pt_objective_regress(pt_objective *o, const float *rep, const float *g_ce)
{
    o->batch.rep = rep;
    o->batch.g_ce = g_ce;
    pt_threads_run(o->batch.pool, o->batch.n, regress_image, o);
}

const float *pt_objective_weighted_gradient(const pt_objective *o)
{
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->gradient) return p->hooks->gradient(p->self);
    return NULL;
}

static void at_rep_of_image(void *context, int i, int thread)
{
    pt_objective *o = context;
    size_t n = (size_t)o->dims, at = (size_t)i * n;

    memcpy(o->g + at, o->from + at, n * sizeof *o->g);
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->at_rep)
            p->hooks->at_rep(p->self, &o->batch, i, terms_of(o, p), o->g + at);
}

const float *pt_objective_at_rep(pt_objective *o, const float *g, double weight,
                                 const double *terms)
{
    if (!o->has_at_rep) return g;
    o->from = g;
    o->batch.weight = weight;
    take_terms(o, terms);
    pt_threads_run(o->batch.pool, o->batch.n, at_rep_of_image, o);
    return o->g;
}

/* ---- the payload ------------------------------------------------------------------ */

static void add_image(const pt_shard_sums *image, pt_shard_sums *sum)
{
    sum->n += image->n;
    sum->ce += image->ce;
    sum->correct += image->correct;
    sum->g_ce += image->g_ce;
    sum->g_ptr += image->g_ptr;
    sum->l_ptr += image->l_ptr;
    sum->rep += image->rep;
    sum->cosine += image->cosine;
    sum->bad += image->bad;
    sum->penalty += image->penalty;
}

static pt_image_norms norms_of(const pt_shard_sums *image)
{
    return (pt_image_norms){.g_ce = image->g_ce,
                            .g_ptr = image->g_ptr,
                            .cosine = image->cosine,
                            .rep = image->rep,
                            .bad = image->bad};
}

static void fill_row(const pt_objective *o, int i, const pt_row *at, double *row)
{
    size_t c = (size_t)o->n_classes, dims = (size_t)o->dims;
    const pt_batch *b = &o->batch;
    unsigned asks = b->run->asks;

    if (asks & PT_SENDS_LABEL) row[at->label] = b->labels[i];
    if (asks & PT_SENDS_PROBABILITIES)
        memcpy(row + at->probabilities, b->p + (size_t)i * c, c * sizeof *row);
    for (size_t d = 0; d < dims && asks & PT_SENDS_REP; d++)
        row[at->rep + d] = b->rep[(size_t)i * dims + d];
}

static void add_sums(const pt_objective *o, int i, double *sums)
{
    for (const part *p = o->parts; p->hooks; p++)
        if (p->hooks->add_sums) p->hooks->add_sums(p->self, &o->batch, i, sums);
}

void pt_objective_fill(const pt_objective *o, const pt_payload *at, double *payload)
{
    pt_shard_sums *sums = (pt_shard_sums *)(payload + at->shards);
    pt_image_norms *images = (pt_image_norms *)(payload + at->images);
    const pt_batch *b = &o->batch;
    pt_row row = pt_row_layout(b->run);
    size_t of_shard = pt_payload_vector(b->run);
    int i = 0;

    memset(payload + at->shards, 0, (at->images - at->shards) * sizeof *payload);
    for (int s = 0; s < at->n_shards; s++) {
        int n = at->n_images > 0 ? pt_shard_size(&b->span, b->span.lo + s) : 0;

        for (int k = 0; k < n; k++, i++) {
            add_image(&b->images[i], &sums[s]);
            images[i] = norms_of(&b->images[i]);
            fill_row(o, i, &row, payload + at->rows + (size_t)i * row.total);
            if (of_shard > 0)
                add_sums(o, i, payload + at->vectors + (size_t)s * of_shard);
        }
    }
}
