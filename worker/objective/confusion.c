#include "worker/objective/confusion.h"

#include <math.h>

void pt_confusion_add(const double *p, const double *q, int n_classes, bool squared,
                      double scale, float *g)
{
    double square = 0, dot = 0, of_p;

    for (int k = 0; k < n_classes; k++) {
        square += (p[k] - q[k]) * (p[k] - q[k]);
        dot += (p[k] - q[k]) * p[k];
    }
    if (square == 0) return;
    of_p = squared ? 2 * scale : scale / sqrt(square); /* d L / d p = of_p (p - q) */
    for (int k = 0; k < n_classes; k++)
        g[k] = (float)(g[k] + of_p * p[k] * (p[k] - q[k] - dot));
}
