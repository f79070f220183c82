#include "launch/scale/points.h"

#include <math.h>
#include <string.h>

/* Seconds that the smallest job computes for an image on one worker. */
static double seconds_of_image(const pt_scale_measured *first)
{
    double step = first->batch / first->images_per_s;
    double exposed = isnan(first->exposed_s) ? 0 : first->exposed_s;

    return (step - exposed) * first->workers / first->batch;
}

void pt_scale_points(const pt_scale_measured *jobs, size_t n, pt_scale_point *out)
{
    double image = seconds_of_image(&jobs[0]);

    for (size_t i = 0; i < n; i++) {
        const pt_scale_measured *m = &jobs[i];
        double computing = image * m->batch / m->workers;
        pt_scale_point *p = &out[i];

        *p = (pt_scale_point){.of = *m, .step_s = m->batch / m->images_per_s};
        p->speedup = m->images_per_s / jobs[0].images_per_s;
        p->efficiency = p->speedup * jobs[0].workers / m->workers;
        p->of_bound = isnan(m->bound_s) ? NAN : fmax(computing, m->bound_s) / p->step_s;
    }
}

pt_status pt_scale_same_weights(const pt_scale_measured *jobs, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(jobs[i].hash, jobs[0].hash) != 0)
            return pt_fail(PT_ERR_BUG,
                           "the weights of %d workers (%.12s) are not those of %d "
                           "(%.12s): a run must have the same bits on any number of "
                           "workers; please report this",
                           jobs[i].workers, jobs[i].hash, jobs[0].workers, jobs[0].hash);
    return PT_OK;
}
