/* Weights of classes in the cross-entropy, as torch.nn.CrossEntropyLoss(weight): the mean
 * over a batch divides by the sum of its labels' weights. So an image's loss, whose mean
 * over b is taken everywhere else, has the factor b / sum. Every worker computes the sum
 * by itself, in batch order, from the labels of all images of the batch. */
#include <stdlib.h>

#include "worker/objective/method.h"

typedef struct {
    double *weights;  /* [n_classes] */
    uint32_t *places; /* [batch] */
    double factor;    /* of this step: b / sum of the weights of its labels */
} weighting;

static void destroy(void *self)
{
    weighting *w = self;

    free(w->weights);
    free(w->places);
    free(w);
}

static size_t bytes(const pt_run *run, const pt_net_options *net)
{
    return (size_t)run->graph->n_classes * sizeof(double) +
           (size_t)run->plan->batch * sizeof(uint32_t);
}

/* n / (C n_c) for class c with n_c of the n training images, 1 for one without any. */
static void balance(const pt_run *run, double *weights)
{
    int classes = run->graph->n_classes;
    size_t n = run->plan->n_images;

    for (size_t i = 0; i < n; i++) weights[run->given.labels[i]]++;
    for (int c = 0; c < classes; c++)
        weights[c] = weights[c] > 0 ? (double)n / (classes * weights[c]) : 1;
}

static pt_status create(const pt_run *run, const pt_net_options *net, void **self)
{
    const Pt__Config__CrossEntropy *c = run->config->cross_entropy;
    weighting *w = *self = pt_calloc(1, sizeof *w);
    size_t classes = (size_t)run->graph->n_classes;

    if (w) {
        w->weights = pt_calloc(classes, sizeof *w->weights);
        w->places = pt_calloc((size_t)run->plan->batch, sizeof *w->places);
    }
    if (!w || !w->weights || !w->places)
        return pt_fail(PT_ERR_NOMEM, "no memory for the weights of classes");
    if (c->weights == PT__CONFIG__CROSS_ENTROPY__WEIGHTS__BALANCED)
        balance(run, w->weights);
    for (size_t i = 0; i < c->n_class_weights && i < classes; i++)
        w->weights[i] = c->class_weights[i];
    return PT_OK;
}

static const float *input(void *self, const pt_batch *b, const float *pixels)
{
    weighting *w = self;
    double sum = 0;

    pt_plan_places(b->run->plan, b->step, 0, b->b, w->places);
    for (int i = 0; i < b->b; i++) sum += w->weights[b->run->given.labels[w->places[i]]];
    w->factor = b->b / sum;
    return pixels;
}

static void classes(void *self, const pt_batch *b, int i, pt_class_target *t)
{
    const weighting *w = self;

    t->weights = w->weights;
    t->factor = w->factor;
}

const pt_worker_method pt_worker_weighting = {.create = create,
                                              .destroy = destroy,
                                              .bytes = bytes,
                                              .input = input,
                                              .classes = classes};
