/* common/base/clock in simulated time. */
#include "common/base/clock.h"

#include <simgrid/actor.h>
#include <simgrid/engine.h>

double pt_clock(void)
{
    return simgrid_get_clock();
}

double pt_cpu_clock(void)
{
    return simgrid_get_clock();
}

double pt_process_cpu_clock(void)
{
    return simgrid_get_clock();
}

void pt_idle_begin(pt_idle *i)
{
    *i = (pt_idle){.since = pt_clock()};
}

void pt_idle_pause(pt_idle *i)
{
    i->looks++;
    sg_actor_sleep_for(1e-4);
}

void pt_idle_pause_briefly(pt_idle *i)
{
    pt_idle_pause(i);
}

double pt_idle_seconds(const pt_idle *i)
{
    return pt_clock() - i->since;
}
