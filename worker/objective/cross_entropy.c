#include "worker/objective/cross_entropy.h"

#include "common/base/pmath.h"

static int largest(const float *x, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* q of class i, of n. */
static double wanted(const pt_class_target *t, int n, int i)
{
    double q = i == t->label ? t->share : 0;

    if (t->share < 1 && i == t->other) q += 1 - t->share;
    if (t->smoothing > 0) q = (1 - t->smoothing) * q + t->smoothing / n;
    return t->weights ? t->factor * t->weights[i] * q : q;
}

/* The sum of q. */
static double total_of(const pt_class_target *t, int n)
{
    double sum = 0;

    for (int i = 0; i < n && t->weights; i++) sum += wanted(t, n, i);
    return t->weights ? sum : 1;
}

/* The sum of the logits times q. */
static double expected(const float *logits, int n, const pt_class_target *t)
{
    double sum = 0, mean = t->share * logits[t->label];

    for (int i = 0; i < n && t->weights; i++) sum += wanted(t, n, i) * logits[i];
    if (t->weights) return sum;
    if (t->share < 1) mean += (1 - t->share) * logits[t->other];
    if (t->smoothing == 0) return mean;
    for (int i = 0; i < n; i++) sum += logits[i];
    return (1 - t->smoothing) * mean + t->smoothing * (sum / n);
}

double pt_cross_entropy(const float *logits, int n_classes, pt_class_target target,
                        double scale, float *dlogits, double *correct)
{
    int top = largest(logits, n_classes);
    double max = logits[top], sum = 0, total = total_of(&target, n_classes);

    for (int i = 0; i < n_classes; i++) sum += pt_exp(logits[i] - max);
    *correct = top == target.label ? target.share : 0;
    if (target.share < 1 && top == target.other) *correct += 1 - target.share;
    for (int i = 0; i < n_classes && dlogits; i++) {
        double p = pt_exp(logits[i] - max) / sum;
        dlogits[i] = (float)(scale * (p * total - wanted(&target, n_classes, i)));
    }
    return (pt_log(sum) + max) * total - expected(logits, n_classes, &target);
}

void pt_softmax(const float *logits, int n_classes, double *p)
{
    double max = logits[largest(logits, n_classes)], sum = 0;

    for (int i = 0; i < n_classes; i++) sum += p[i] = pt_exp(logits[i] - max);
    for (int i = 0; i < n_classes; i++) p[i] /= sum;
}
