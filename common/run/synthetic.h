/* A run without data, for measurements and plans. Pure. */
#ifndef PT_COMMON_RUN_SYNTHETIC_H
#define PT_COMMON_RUN_SYNTHETIC_H

#include "common/run/run.h"

/* The run of config on the network's own input and classes; its images 0, 1, ... are one
 * batch, and an epoch is that batch. Takes config, also on failure. PT_ERR_CONFIG for an
 * unknown network. */
PT_MUST_USE pt_status pt_run_create_synthetic(pt_config *config, int n_servers,
                                              int n_workers, pt_run **out);

#endif
