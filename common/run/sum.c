#include "common/run/sum.h"

void pt_sum_add(float *restrict into, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++) into[i] += from[i];
}
