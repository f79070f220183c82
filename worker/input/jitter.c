#include "worker/input/jitter.h"

#include "worker/input/colour.h"
#include "worker/input/tone.h"

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE, N };

bool pt_jitter_is_on(const pt_jitter *j)
{
    return j->brightness > 0 || j->contrast > 0 || j->saturation > 0 || j->hue > 0;
}

static float draw(const pt_rng *r, uint64_t i, double low, double high)
{
    return (float)(low + pt_rng_uniform_f64(r, i) * (high - low));
}

static float draw_factor(const pt_rng *r, uint64_t i, double far)
{
    return draw(r, i, far < 1 ? 1 - far : 0, 1 + far);
}

static void draw_order(const pt_rng *r, int order[N])
{
    for (int i = 0; i < N; i++) order[i] = i;
    for (int i = N - 1; i > 0; i--) {
        int j = (int)pt_rng_below(r, (uint64_t)(N + i), (uint64_t)i + 1);
        int last = order[i];

        order[i] = order[j];
        order[j] = last;
    }
}

void pt_jitter_apply(const pt_jitter *j, const pt_rng *r, pt_image *im)
{
    const float far[N] = {j->brightness, j->contrast, j->saturation, j->hue};
    int order[N];

    draw_order(r, order);
    for (int i = 0; i < N; i++) {
        int which = order[i];
        double x = far[which];
        uint64_t at = (uint64_t)which;

        if (x == 0) continue;
        if (which == BRIGHTNESS) pt_tone_brightness(im, draw_factor(r, at, x));
        if (which == CONTRAST) pt_tone_contrast(im, draw_factor(r, at, x));
        if (which == SATURATION) pt_colour_saturation(im, draw_factor(r, at, x));
        if (which == HUE) pt_colour_hue(im, draw(r, at, -x, x));
    }
}
