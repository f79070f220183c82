#include "common/run/window.h"

#include "common/run/hosts.h"

enum { SLOT_BUDGET = 64 << 20, PUSHES = 8 };

bool pt_window_unasked(const pt_run *r, const pt_comm *c)
{
    return !pt_run_holds(r) && !c->ops->wait;
}

size_t pt_window_largest_key(const pt_run *r)
{
    size_t max = 1;

    for (int k = 0; k < r->keys->n; k++)
        if (r->keys->keys[k].count > max) max = r->keys->keys[k].count;
    return max;
}

static int within(int n, int lo, int hi)
{
    return n < lo ? lo : n > hi ? hi : n;
}

int pt_window_slots(const pt_run *r, int server)
{
    size_t bytes =
        pt_window_largest_key(r) * sizeof(float) * (size_t)pt_run_copies(r, server);

    return bytes > 0 ? within((int)(SLOT_BUDGET / bytes), 2, PT_WINDOW_SLOTS)
                     : PT_WINDOW_SLOTS;
}

int pt_window_pushes(const pt_run *r, int server)
{
    return within(pt_window_slots(r, server), 2, PUSHES);
}
