/* From a command line to a run on every rank: reads, agrees, checks. Collective: all
 * ranks of the job call these together, and a failure is one line from one rank. */
#ifndef PT_LAUNCH_TRAIN_SETUP_H
#define PT_LAUNCH_TRAIN_SETUP_H

#include <stdbool.h>

#include "common/data/dataset.h"
#include "common/run/run.h"
#include "common/weights/weights.h"
#include "launch/support/args.h"
#include "launch/train/network.h"
#include "launch/train/placement.h"
#include "launch/train/rates.h"

/* The command line of `ptrain train`. */
typedef struct {
    const char *file;
    pt_words sets;
    bool overwrite, dry_run;
    int workers; /* 0 = as configured */
    int argc;
    char **argv;
} pt_train_args;

typedef struct {
    pt_run *run;
    int n_servers;
    pt_placement *placement;
    pt_dataset *data;
    pt_dataset *source; /* a second one, appended to data; NULL: no method asks for it */
    pt_network network;
    pt_preprocess preprocess;
    pt_weights_info weights; /* of the start weights; rank 0 */
    const uint32_t *test;    /* borrowed from data */
    size_t n_test;
    pt_held_out validation;              /* none if the configuration names none */
    char start_hash[65];                 /* of the start weights; rank 0 */
    uint64_t worker_bytes, server_bytes; /* of the largest rank of each role */
    uint64_t memory_bytes;               /* available on this host, 0 = not known */
    pt_rates rates;                      /* rank 0, once the run is to begin */
    double started; /* when the set-up began, seconds since 1970; 0: not known */
} pt_setup;

/* Everything but buffers and files of the run: configuration, layout (the job's ranks may
 * change places: common/run/layout.h), data, network, start weights (on every rank),
 * memory check. */
PT_MUST_USE pt_status pt_setup_create(const pt_train_args *args, pt_setup **out);
void pt_setup_destroy(pt_setup **s);

#endif
