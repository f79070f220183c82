#include "server/algorithm1.h"

#include <math.h>
#include <string.h>

#include "common/base/pmath.h"

void pt_algorithm1_means(const pt_shard_sums *shards, int n_shards, pt_batch_means *out)
{
    pt_shard_sums t = {0};
    double b;

    for (int s = 0; s < n_shards; s++) {
        const pt_shard_sums *p = &shards[s];
        t.bad += p->bad;
        t.penalty += p->penalty;
        if (p->n == 0) continue; /* no images, or source images alone */
        t.n += p->n;
        t.ce += p->ce;
        t.correct += p->correct;
        t.g_ce += p->g_ce;
        t.g_ptr += p->g_ptr;
        t.l_ptr += p->l_ptr;
        t.rep += p->rep;
        t.cosine += p->cosine;
    }
    b = t.n > 0 ? t.n : 1;
    *out = (pt_batch_means){.ce = t.ce / b,
                            .accuracy = t.correct / b,
                            .g_ce = t.g_ce / b,
                            .g_ptr = t.g_ptr / b,
                            .l_ptr = t.l_ptr / b,
                            .rep = t.rep / b,
                            .cosine = t.cosine / b,
                            .penalty = t.penalty / b,
                            .bad = (int)t.bad};
}

static double norm_of(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

void pt_algorithm1_norms_of_means(const pt_shard_sums *shards, int n_shards,
                                  const double *vectors, int dims, double *scratch,
                                  pt_batch_means *out)
{
    double b = 0;

    memset(scratch, 0, 2 * (size_t)dims * sizeof *scratch);
    for (int s = 0; s < n_shards; s++) {
        const double *v = vectors + (size_t)s * 2 * (size_t)dims;

        if (shards[s].n == 0) continue;
        b += shards[s].n;
        for (int i = 0; i < 2 * dims; i++) scratch[i] += v[i];
    }
    if (b == 0) b = 1;
    out->batch_ce = norm_of(scratch, dims) / b;
    out->batch_ptr = norm_of(scratch + dims, dims) / b;
}

void pt_gate_init(pt_gate *g, const Pt__Config__PseudoTask *c, int n_classes)
{
    *g = (pt_gate){.kind = (pt_gate_kind)c->gate,
                   .threshold = c->gate_fraction * pt_log(n_classes),
                   .decay = c->gate_decay,
                   .epoch = c->gate_epoch};
}

bool pt_gate_step(pt_gate *g, double ce, double epoch)
{
    g->ema = g->started ? g->decay * g->ema + (1 - g->decay) * ce : ce;
    g->started = true;
    if (g->kind == PT_GATE_ALWAYS) g->open = true;
    if (g->kind == PT_GATE_EPOCH && epoch >= g->epoch) g->open = true;
    if (g->kind == PT_GATE_EMA && g->ema < g->threshold) g->open = true;
    return g->open;
}

double pt_algorithm1_weight(const Pt__Config__PseudoTask *c, const pt_batch_means *m,
                            bool open)
{
    bool batch = c->norm == PT__CONFIG__PSEUDO_TASK__NORM__BATCH;
    double g_ce = batch ? m->batch_ce : m->g_ce, g_ptr = batch ? m->batch_ptr : m->g_ptr;
    double w;

    if (!open || !(g_ce > 0) || !(g_ptr > 0)) return 0;
    w = g_ce / (g_ptr * c->ratio);
    return isfinite(w) ? w : 0;
}
