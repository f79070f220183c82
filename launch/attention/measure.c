#include "launch/attention/measure.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/run/wire.h"
#include "launch/support/gather_to_root.h"
#include "worker/engine/net/net.h"
#include "worker/input/packed.h"
#include "worker/objective/cross_entropy.h"

typedef struct {
    const pt_attention_task *task;
    pt_threads *pool;
    pt_net *net;
    float *pixels;  /* [PT_EVAL_BLOCK][side][side][3] */
    int32_t *label; /* [PT_EVAL_BLOCK] */
    int n;          /* images of the block */
    size_t n_channels;
    double *sums; /* [n_channels + 1] of cross-entropies: with this rank's channels at
                     zero, and with all of them */
    double started;
} measurement;

static size_t image_floats(const pt_graph *g)
{
    const pt_node *in = &g->nodes[0];

    return (size_t)in->h * (size_t)in->w * (size_t)in->c;
}

static void close_measurement(measurement *m)
{
    pt_net_destroy(&m->net);
    pt_threads_destroy(&m->pool);
    free(m->pixels);
    free(m->label);
    free(m->sums);
}

static pt_status open_measurement(measurement *m)
{
    const pt_attention_task *t = m->task;
    pt_status s;

    m->n_channels = pt_delta_channels(&t->maps);
    m->pixels = pt_calloc(PT_EVAL_BLOCK * image_floats(t->maps.graph), sizeof(float));
    m->label = pt_calloc(PT_EVAL_BLOCK, sizeof *m->label);
    m->sums = pt_calloc(m->n_channels + 1, sizeof *m->sums);
    if (!m->pixels || !m->label || !m->sums)
        return pt_fail(PT_ERR_NOMEM, "no memory for a block of images");
    s = pt_threads_create(t->threads, &m->pool);
    if (s != PT_OK) return s;
    return pt_net_create(&(pt_net_options){.graph = t->maps.graph,
                                           .pool = m->pool,
                                           .weights = t->weights,
                                           .max_images = PT_EVAL_BLOCK,
                                           .n_shards = 1,
                                           .hi = 1,
                                           .maps = t->maps.nodes,
                                           .n_maps = t->maps.n,
                                           .repeats = true},
                         &m->net);
}

/* The images from `first` on that fill a block. */
static pt_status read_block(measurement *m, size_t first)
{
    const pt_attention_task *t = m->task;
    size_t one = image_floats(t->maps.graph);
    pt_status s = PT_OK;

    for (m->n = 0; s == PT_OK && m->n < PT_EVAL_BLOCK && first + (size_t)m->n < t->n;
         m->n++) {
        uint32_t image = t->images[first + (size_t)m->n];
        pt_image im;

        s = pt_packed_decode(t->data, image, NULL, &im);
        if (s == PT_OK)
            s = pt_augment_test(t->augment, &im, m->pixels + (size_t)m->n * one);
        pt_image_fini(&im);
        m->label[m->n] = pt_dataset_label(t->data, image);
    }
    return s;
}

static double sum_of_losses(const measurement *m)
{
    const pt_graph *g = m->task->maps.graph;
    const float *logits = pt_net_output(m->net, g->logits);
    double sum = 0, correct;

    for (int i = 0; i < m->n; i++)
        sum += pt_cross_entropy(logits + (size_t)i * (size_t)g->n_classes, g->n_classes,
                                pt_class(m->label[i]), 1, NULL, &correct);
    return sum;
}

/* The highest map below node `under`, as the engine wants them; *first: its first channel
 * among all. -1: there is none. */
static int next_map(const pt_delta_maps *maps, int under, size_t *first)
{
    size_t at = 0;
    int found = -1;

    for (int k = 0; k < maps->n; at += (size_t)maps->graph->nodes[maps->nodes[k]].c, k++)
        if (maps->nodes[k] < under &&
            (found < 0 || maps->nodes[k] > maps->nodes[found])) {
            found = k;
            *first = at;
        }
    return found;
}

/* One block with all channels, then without each of this rank's. */
static pt_status measure_block(measurement *m)
{
    const pt_delta_maps *maps = &m->task->maps;
    size_t first = 0;
    pt_status s = pt_net_evaluate(m->net, m->n, m->pixels);

    if (s == PT_OK) m->sums[m->n_channels] += sum_of_losses(m);
    for (int k = next_map(maps, INT_MAX, &first); k >= 0 && s == PT_OK;
         k = next_map(maps, maps->nodes[k], &first))
        for (int c = 0; c < maps->graph->nodes[maps->nodes[k]].c && s == PT_OK; c++) {
            size_t channel = first + (size_t)c;

            if (channel % (size_t)pt_job_size() != (size_t)pt_job_rank()) continue;
            s = pt_net_evaluate_without(m->net, k, c);
            if (s == PT_OK) m->sums[channel] += sum_of_losses(m);
            pt_comm_poll(pt_job_comm());
        }
    return s;
}

static void report_progress(const measurement *m, size_t done)
{
    double left = (pt_clock() - m->started) / (double)done * (double)(m->task->n - done);

    if (pt_job_rank() == 0)
        pt_log_info("%zu of %zu images, about %.0f s to go", done, m->task->n, left);
}

static pt_status measure(measurement *m)
{
    size_t n = m->task->n;
    pt_status s = PT_OK;

    pt_comm_at(pt_job_comm(), 0, "measuring channels");
    m->started = pt_clock();
    for (size_t at = 0; at < n && s == PT_OK; at += PT_EVAL_BLOCK) {
        s = read_block(m, at);
        if (s == PT_OK) s = measure_block(m);
        if (s == PT_OK) report_progress(m, at + (size_t)m->n);
    }
    return s;
}

static void add_sums(void *context, int rank, const void *theirs)
{
    measurement *m = context;
    const double *sums = theirs;

    for (size_t i = 0; i < m->n_channels; i++) m->sums[i] += sums[i];
}

/* Sums of zero come from ranks that did not measure the channel: x + 0 is x. */
static pt_status conclude(measurement *m, float *increase, double *loss)
{
    double n = (double)m->task->n;

    pt_gather_to_root(m->sums, (m->n_channels + 1) * sizeof *m->sums, add_sums, m);
    if (pt_job_rank() > 0) return PT_OK;
    *loss = m->sums[m->n_channels] / n;
    for (size_t i = 0; i < m->n_channels; i++) {
        increase[i] = (float)(m->sums[i] / n - *loss);
        if (!isfinite(increase[i]))
            return pt_fail(PT_ERR_NUMERIC,
                           "the loss is not finite (%g with all channels)", *loss);
    }
    return PT_OK;
}

pt_status pt_attention_measure(const pt_attention_task *t, float *increase, double *loss)
{
    measurement m = {.task = t};
    pt_status s = pt_job_agree(open_measurement(&m));

    if (s == PT_OK) s = pt_job_agree(measure(&m));
    if (s == PT_OK) s = pt_job_agree(conclude(&m, increase, loss));
    close_measurement(&m);
    return s;
}
