#include "launch/plan/trial.h"

#include <stdlib.h>

#include "common/run/synthetic.h"

enum { MIN_SHARDS = 8, STEPS = 1000 };

int pt_trial_places(const pt_trial *t)
{
    return t->nodes + (t->apart ? t->servers : 0);
}

int pt_trial_shards(int nodes)
{
    int v = MIN_SHARDS;

    while (v < nodes) v *= 2;
    return v;
}

static pt_status make_config(const pt_trial *t, pt_config **out)
{
    Pt__Config__Config c = PT__CONFIG__CONFIG__INIT;
    Pt__Config__Data data = PT__CONFIG__DATA__INIT;
    Pt__Config__Network network = PT__CONFIG__NETWORK__INIT;
    Pt__Config__Stage stage = PT__CONFIG__STAGE__INIT, *stages[] = {&stage};

    c.has_shards = data.has_batch = stage.has_steps = true;
    c.shards = (uint32_t)pt_trial_shards(t->nodes);
    data.batch = (uint32_t)(t->batch * t->nodes);
    pt_synthetic_configure(&network, t->network);
    stage.steps = STEPS;
    c.data = &data;
    c.network = &network;
    c.n_stages = 1;
    c.stages = stages;
    return pt_config_copy(&c, out);
}

/* The node of each rank. */
static int *make_hosts(const pt_trial *t)
{
    int *host = pt_calloc((size_t)t->servers + (size_t)t->nodes, sizeof *host);

    for (int s = 0; host && s < t->servers; s++)
        host[s] = t->apart ? t->nodes + s : s % t->nodes;
    for (int w = 0; host && w < t->nodes; w++) host[t->servers + w] = w;
    return host;
}

pt_status pt_trial_run_create(const pt_trial *t, pt_run **out)
{
    pt_config *c = NULL;
    pt_status s = make_config(t, &c);

    *out = NULL;
    if (s == PT_OK) s = pt_run_create_synthetic(c, t->servers, t->nodes, out);
    if (s != PT_OK) return s;
    (*out)->host = make_hosts(t);
    if ((*out)->host) return PT_OK;
    pt_run_destroy(out);
    return pt_fail(PT_ERR_NOMEM, "no memory for %d nodes", t->nodes);
}
