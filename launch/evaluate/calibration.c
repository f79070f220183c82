#include "launch/evaluate/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "launch/train/predictions.h"
#include "worker/objective/cross_entropy.h"

static void finish(pt_calibration *out, size_t n)
{
    for (int k = 0; k < PT_CALIBRATION_BINS; k++) {
        pt_calibration_bin *b = &out->bin[k];

        if (b->n == 0) continue;
        out->confidence += b->confidence / (double)n;
        b->confidence /= (double)b->n;
        b->accuracy /= (double)b->n;
        out->error += (double)b->n / (double)n * fabs(b->accuracy - b->confidence);
    }
}

pt_status pt_calibration_of(const float *logits, const int *labels, size_t n, int c,
                            pt_calibration *out)
{
    double *p = pt_calloc((size_t)c, sizeof *p);

    *out = (pt_calibration){.error = 0};
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for %d classes", c);
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * (size_t)c;
        int best = pt_logits_best(row, c), k;

        pt_softmax(row, c, p);
        k = (int)ceil(p[best] * PT_CALIBRATION_BINS) - 1;
        k = k < 0 ? 0 : k >= PT_CALIBRATION_BINS ? PT_CALIBRATION_BINS - 1 : k;
        out->bin[k].n++;
        out->bin[k].confidence += p[best];
        out->bin[k].accuracy += best == labels[i];
    }
    finish(out, n);
    free(p);
    return PT_OK;
}
