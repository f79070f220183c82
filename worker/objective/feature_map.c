#include "worker/objective/feature_map.h"

double pt_feature_map(const float *map, const float *start, size_t n, size_t pixels,
                      double scale, float *g)
{
    double sum = 0, f = scale / (double)pixels;

    for (size_t i = 0; i < n; i++) {
        double d = (double)map[i] - start[i];

        sum += d * d;
        g[i] = (float)(f * d);
    }
    return sum / (2 * (double)pixels);
}
