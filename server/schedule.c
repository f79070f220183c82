#include "server/schedule.h"

#include "common/base/pmath.h"

static double stepped(const pt_schedule *s, double k, double total)
{
    double f = 1;

    for (size_t i = 0; i < s->n_at; i++)
        if (k >= s->at[i] * total * (1 - 1e-12)) f *= s->factor;
    return f;
}

static double cosine(double k, double total)
{
    return k < total ? 0.5 * (1 + pt_cos_turns(0.5 * (k / total))) : 0;
}

double pt_schedule_factor(const pt_schedule *s, uint64_t step, uint64_t total)
{
    double k = (double)step, f = 1;

    if (s->kind == PT_SCHEDULE_STEP) f = stepped(s, k, (double)total);
    if (s->kind == PT_SCHEDULE_COSINE) f = cosine(k, (double)total);
    if (step < s->warmup_steps) f *= (k + 1) / ((double)s->warmup_steps + 1);
    return f;
}
