#include "launch/train/times.h"

#include <stdlib.h>

const char *const pt_times_names[PT_PAYLOAD_TIMES] = {
    [PT_TIME_INPUT] = "input_s",     [PT_TIME_COMPUTE] = "compute_s",
    [PT_TIME_WEIGHTS] = "weights_s", [PT_TIME_SUMS] = "sums_s",
    [PT_TIME_RECORD] = "record_s",   [PT_TIME_HIDDEN] = "hidden_s"};

pt_status pt_times_init(pt_times *t, int n_workers)
{
    size_t n = (size_t)n_workers;

    *t = (pt_times){.n_workers = n_workers};
    t->workers = pt_calloc(n * PT_PAYLOAD_TIMES, sizeof *t->workers);
    t->waited_for = pt_calloc(n, sizeof *t->waited_for);
    return t->workers && t->waited_for
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for the times of %d workers",
                         n_workers);
}

void pt_times_fini(pt_times *t)
{
    free(t->workers);
    free(t->waited_for);
    *t = (pt_times){0};
}

double pt_times_all(const double times[PT_PAYLOAD_TIMES])
{
    return times[PT_TIME_INPUT] + times[PT_TIME_COMPUTE] + pt_times_waited(times);
}

/* The worker that waited least for `what` in a step; those that did not take part (no
 * images: no sums) waited for nothing. -1: nobody did. */
static int least(const double *times, int n, pt_step_time what)
{
    int found = -1;

    for (int w = 0; w < n; w++) {
        double s = times[w * PT_PAYLOAD_TIMES + what];

        if (s > 0 && (found < 0 || s < times[found * PT_PAYLOAD_TIMES + what])) found = w;
    }
    return found;
}

/* Waits in which all workers come together: for sums, for the record. */
static void add_meeting(pt_times *t, const double *times, pt_step_time what, pt_split *s)
{
    int n = t->n_workers, last = least(times, n, what);
    double waited = 0, floor;

    if (last < 0) return;
    floor = times[last * PT_PAYLOAD_TIMES + what];
    for (int w = 0; w < n; w++) {
        double mine = times[w * PT_PAYLOAD_TIMES + what];

        if (mine > 0) waited += mine - floor;
    }
    t->waited_for[last] += waited;
    s->uneven += waited / n;
    s->exposed += s->of[what] - waited / n;
}

static void add(pt_split *to, const pt_split *s)
{
    for (int i = 0; i < PT_PAYLOAD_TIMES; i++) to->of[i] += s->of[i];
    to->exposed += s->exposed;
    to->uneven += s->uneven;
}

pt_split pt_times_add(pt_times *t, const double *times)
{
    pt_split s = {.exposed = 0};

    for (int i = 0; i < t->n_workers * PT_PAYLOAD_TIMES; i++)
        s.of[i % PT_PAYLOAD_TIMES] += times[i] / t->n_workers;
    if (pt_times_all(s.of) <= 0) return (pt_split){.exposed = 0};
    for (int i = 0; i < t->n_workers * PT_PAYLOAD_TIMES; i++) t->workers[i] += times[i];
    s.exposed = s.of[PT_TIME_WEIGHTS];
    add_meeting(t, times, PT_TIME_SUMS, &s);
    add_meeting(t, times, PT_TIME_RECORD, &s);
    add(&t->sum, &s);
    t->steps++;
    return s;
}

double pt_times_exposed(const pt_times *t)
{
    return t->steps > 0 ? t->sum.exposed / (double)t->steps : 0;
}

double pt_times_communication(const pt_times *t)
{
    return t->steps > 0 ? (t->sum.exposed + t->sum.of[PT_TIME_HIDDEN]) / (double)t->steps
                        : 0;
}

double pt_times_uneven(const pt_times *t)
{
    double all = pt_times_all(t->sum.of);

    return all > 0 ? t->sum.uneven / all : 0;
}
