#include "worker/objective/mixup.h"

#include "common/base/pmath.h"
#include "common/base/rng.h"

/* Two powers of uniform numbers, drawn until their sum is at most 1. Each draw succeeds
 * with at least one half, so 200 of them fail never; then it is as good as any. */
enum { MAX_DRAWS = 200 };

double pt_mixup_share(uint64_t seed, uint64_t step, double alpha)
{
    pt_rng r = pt_rng_stream(seed, PT_RNG_MIXUP, step, 0);

    for (uint64_t i = 0; i < MAX_DRAWS; i++) {
        double u = pt_rng_uniform_f64(&r, 2 * i), v = pt_rng_uniform_f64(&r, 2 * i + 1);
        double x = pt_exp(pt_log(u) / alpha), y = pt_exp(pt_log(v) / alpha);

        if (x + y <= 1 && x + y > 0) return x / (x + y);
    }
    return 0.5;
}

void pt_mixup_blend(const float *a, const float *b, double share, size_t n, float *out)
{
    float s = (float)share, t = (float)(1 - share);

    for (size_t i = 0; i < n; i++) out[i] = s * a[i] + t * b[i];
}
