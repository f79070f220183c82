/* DELTA's distance of feature maps, without its attention (Li et al., ICLR 2019). Pure.
 */
#ifndef PT_WORKER_FEATURE_MAP_H
#define PT_WORKER_FEATURE_MAP_H

#include <stddef.h>

/* map, start [n] of one image, n = pixels * channels:
 *
 *     loss = 1 / (2 pixels) |map - start|^2,    g = scale / pixels * (map - start)
 *
 * Returns the loss. */
double pt_feature_map(const float *map, const float *start, size_t n, size_t pixels,
                      double scale, float *g);

#endif
