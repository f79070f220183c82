#include "launch/train/pacing.h"

#include <math.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

static const double AGAIN_S = 0.1; /* between two records */

void pt_pacing_init(pt_pacing *p, const pt_run *r)
{
    *p = (pt_pacing){.run = r, .mode = pt_pace_asked(), .started = pt_clock()};
}

/* Steps of this job so far took what those to come will take; tests and checkpoints are
 * among them. */
static pt_pace pace_of(const pt_pacing *p, const pt_step_report *r, double images_per_s)
{
    double elapsed = pt_clock() - p->started,
           done = (double)(r->step + 1 - p->run->first_step);
    pt_pace x = {.step = r->step + 1,
                 .steps = p->run->plan->total_steps,
                 .elapsed_s = elapsed,
                 .images_per_s = images_per_s,
                 .ce = r->means.ce,
                 .accuracy = r->means.accuracy,
                 .w = r->w};

    x.left_s = elapsed / done * (double)(x.steps - x.step);
    if (images_per_s <= 0 && elapsed > 0) x.images_per_s = r->images * done / elapsed;
    return x;
}

static void print_line(const pt_pacing *p, const pt_step_report *r, const pt_pace *x,
                       double exposed_s)
{
    char elapsed[PT_DURATION], left[PT_DURATION];

    pt_duration_text(x->elapsed_s, elapsed);
    pt_duration_text(x->left_s, left);
    pt_log_info("step %llu/%llu  epoch %.2f  ce %.4f  acc %.3f  w %.3g  lr %.3g  "
                "%.1f images/s  exposed %.4f s  elapsed %s  left %s",
                (unsigned long long)x->step, (unsigned long long)x->steps,
                pt_plan_progress(p->run->plan, x->step), x->ce, x->accuracy, x->w, r->lr,
                x->images_per_s, exposed_s, elapsed, left);
}

static void print_record(pt_pacing *p, const pt_pace *x)
{
    double now = pt_clock();
    char text[PT_PACE_RECORD];

    if (p->shown > 0 && now - p->shown < AGAIN_S && x->step < x->steps) return;
    p->shown = now;
    pt_pace_record(x, text);
    pt_log_out(text, strlen(text));
}

void pt_pacing_step(pt_pacing *p, const pt_step_report *r, double images_per_s,
                    double exposed_s)
{
    pt_pace x = pace_of(p, r, images_per_s);
    bool due = x.step % p->run->config->run->log_every == 0 || x.step == x.steps ||
               r->step == p->run->first_step;

    p->last = x;
    if (p->mode != PT_PACE_LINES) print_record(p, &x);
    if (p->mode != PT_PACE_BAR_ALONE && due) print_line(p, r, &x, exposed_s);
}

void pt_pacing_over(pt_pacing *p)
{
    pt_pace *x = &p->last;

    if (x->step == 0 || p->mode == PT_PACE_LINES) return;
    x->steps = x->step;
    x->left_s = 0;
    print_record(p, x);
}
