#include "worker/input/feed.h"

#include <stdlib.h>

#include "common/run/wire.h"
#include "worker/input/loader.h"

enum { DEPTH = 2 };

struct pt_feed {
    pt_run *run;
    const pt_dataset *data;
    int worker;
    pt_loader *train, *test, *held; /* held: whose batch is with the caller */
    uint64_t next_step;             /* first step not yet asked for */
    uint32_t *ids;
    const uint32_t *asked; /* block that the test loader works on, or NULL */
};

static pt_rand_augment rand_augment_of(const Pt__Config__RandAugment *r)
{
    return (pt_rand_augment){.num_ops = (int)r->num_ops,
                             .magnitude = (int)r->magnitude,
                             .bins = (int)r->num_magnitude_bins};
}

static pt_jitter jitter_of(const Pt__Config__ColorJitter *j)
{
    return (pt_jitter){.brightness = j->brightness,
                       .contrast = j->contrast,
                       .saturation = j->saturation,
                       .hue = j->hue};
}

static pt_erasing erasing_of(const Pt__Config__RandomErasing *e)
{
    return (pt_erasing){.probability = e->probability,
                        .min_area = e->min_area,
                        .max_area = e->max_area,
                        .min_aspect = e->min_aspect,
                        .max_aspect = e->max_aspect,
                        .value = e->value,
                        .noise = e->with == PT__CONFIG__ERASE_WITH__NOISE};
}

pt_augment pt_augment_of(const pt_config *c, const pt_preprocess *preprocess)
{
    const Pt__Config__Data *d = c->data;

    return (pt_augment){.resize_mode = (pt_resize_mode)d->resize_mode,
                        .resize = (int)d->resize,
                        .crop = (int)d->crop,
                        .train_crop = (pt_crop_mode)d->train_crop,
                        .pad = (int)d->pad,
                        .min_area = d->min_area,
                        .flip = d->flip,
                        .preprocess = *preprocess,
                        .rand_augment = rand_augment_of(d->rand_augment),
                        .jitter = jitter_of(d->color_jitter),
                        .erasing = erasing_of(d->random_erasing)};
}

void pt_feed_destroy(pt_feed **f)
{
    if (!f || !*f) return;
    pt_loader_destroy(&(*f)->train);
    pt_loader_destroy(&(*f)->test);
    free((*f)->ids);
    free(*f);
    *f = NULL;
}

/* Does a batch hold its images twice, the second time from its end? */
static bool mirrors(const pt_feed *f)
{
    return f->run->asks & PT_ASKS_MIRROR;
}

pt_status pt_feed_create(pt_run *run, const pt_dataset *data,
                         const pt_preprocess *preprocess, int worker, pt_feed **out)
{
    pt_augment augment = pt_augment_of(run->config, preprocess);
    pt_loader_options o = {.data = data,
                           .augment = &augment,
                           .seed = run->config->seed,
                           .n_threads = (int)run->config->data->input_threads,
                           .depth = DEPTH,
                           .max_images = run->config->data->batch};
    pt_feed *f = pt_calloc(1, sizeof *f);
    pt_status s = PT_OK;
    pt_span span = pt_run_span(run, worker, 0);

    *out = NULL;
    if (!f) return pt_fail(PT_ERR_NOMEM, "no memory for the input");
    f->run = run;
    f->data = data;
    f->worker = worker;
    f->next_step = run->first_step;
    o.max_images = (size_t)pt_span_images(&span) + 1; /* see worker/step.c */
    if (mirrors(f)) o.max_images *= 2;
    f->ids = pt_calloc(o.max_images, sizeof *f->ids);
    if (!f->ids) s = pt_fail(PT_ERR_NOMEM, "no memory for the input");
    if (s == PT_OK) s = pt_loader_create(&o, &f->train);
    o.max_images = PT_EVAL_BLOCK;
    if (s == PT_OK) s = pt_loader_create(&o, &f->test);
    if (s == PT_OK) {
        *out = f;
        f = NULL;
    }
    pt_feed_destroy(&f);
    return s;
}

/* Asks for the steps from next_step on, as many as the loader takes. */
static void ask_ahead(pt_feed *f)
{
    while (f->next_step < f->run->plan->total_steps) {
        pt_span span = pt_run_span(f->run, f->worker, f->next_step);
        int n =
            pt_plan_span_images(f->run->plan, f->next_step, &span, mirrors(f), f->ids);

        if (n > 0) {
            if (!pt_loader_request(f->train, f->ids, (size_t)n, true,
                                   pt_plan_view(f->run->plan, f->next_step)))
                return;
        }
        f->next_step++;
    }
}

static pt_status batch(void *context, uint64_t step, const pt_span *span,
                       const float **pixels, const int32_t **labels)
{
    pt_feed *f = context;
    pt_status s;
    size_t n;

    ask_ahead(f);
    s = pt_loader_get(f->train, pixels, labels, &n);
    f->held = f->train;
    PT_CHECK(s != PT_OK || n == (size_t)pt_span_images(span) * (mirrors(f) ? 2 : 1),
             "batch of %zu images", n);
    return s;
}

static pt_status block(void *context, const uint32_t *images, size_t n,
                       const uint32_t *next, size_t n_next, const float **pixels)
{
    pt_feed *f = context;
    const int32_t *labels;
    pt_status s;
    size_t got;

    if (f->asked != images) pt_loader_request(f->test, images, n, false, 0);
    s = pt_loader_get(f->test, pixels, &labels, &got);
    f->held = f->test;
    f->asked = NULL;
    if (n_next > 0 && pt_loader_request(f->test, next, n_next, false, 0)) f->asked = next;
    return s;
}

static void release(void *context)
{
    pt_feed *f = context;

    if (f->held) pt_loader_release(f->held);
    f->held = NULL;
}

pt_source pt_feed_source(pt_feed *f)
{
    return (pt_source){f, batch, block, release};
}
