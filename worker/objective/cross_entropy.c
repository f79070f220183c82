#include "worker/objective/cross_entropy.h"

#include "common/pmath.h"

static int largest(const float *x, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

double pt_cross_entropy(const float *logits, int n_classes, int label, double scale,
                        float *dlogits, bool *correct)
{
    int top = largest(logits, n_classes);
    double max = logits[top], sum = 0;

    for (int i = 0; i < n_classes; i++) sum += pt_exp(logits[i] - max);
    *correct = top == label;
    for (int i = 0; i < n_classes && dlogits; i++) {
        double p = pt_exp(logits[i] - max) / sum;
        dlogits[i] = (float)(scale * (i == label ? p - 1 : p));
    }
    return pt_log(sum) + max - logits[label];
}

void pt_softmax(const float *logits, int n_classes, double *p)
{
    double max = logits[largest(logits, n_classes)], sum = 0;

    for (int i = 0; i < n_classes; i++) sum += p[i] = pt_exp(logits[i] - max);
    for (int i = 0; i < n_classes; i++) p[i] /= sum;
}
