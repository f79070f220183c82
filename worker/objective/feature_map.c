#include "worker/objective/feature_map.h"

double pt_feature_map(const float *map, const float *start, size_t pixels,
                      size_t channels, const float *factor, double scale, float *g)
{
    double sum = 0, f = scale / (double)pixels;

    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < channels; c++) {
            double d = (double)map[c] - start[c], a = factor ? (double)factor[c] : 1;

            sum += a * (d * d);
            g[c] = (float)(f * a * d);
        }
        map += channels;
        start += channels;
        g += channels;
    }
    return sum / (2 * (double)pixels);
}
