/* StochNorm (Kou et al., NeurIPS 2020): how often batch norm takes running statistics. */
#include "worker/objective/method.h"

static void net_options(const pt_run *run, pt_net_options *o)
{
    o->bn_moving = 1 - run->config->network->stoch_norm;
}

const pt_worker_method pt_worker_stoch_norm = {.net_options = net_options};
