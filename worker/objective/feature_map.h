/* DELTA's distance of feature maps (Li et al., ICLR 2019, equation 5). Pure. */
#ifndef PT_WORKER_FEATURE_MAP_H
#define PT_WORKER_FEATURE_MAP_H

#include <stddef.h>

/* map, start [pixels][channels] of one image, d = map - start; factor [channels], NULL:
 * 1:
 *
 *     loss = 1 / (2 pixels) sum of factor d^2,    g = scale / pixels * factor * d
 *
 * Returns the loss. */
double pt_feature_map(const float *map, const float *start, size_t pixels,
                      size_t channels, const float *factor, double scale, float *g);

#endif
