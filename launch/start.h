/* Where a run begins: afresh, from a checkpoint, or not at all since it is finished. */
#ifndef PT_LAUNCH_START_H
#define PT_LAUNCH_START_H

#include "launch/setup.h"
#include "server/checkpoint/manifest.h"

typedef enum { PT_START_FRESH, PT_START_RESUMED, PT_START_FINISHED } pt_start_kind;

typedef struct {
    pt_start_kind kind;
    json_t *identity;     /* rank 0 */
    char *root;           /* run.dir/checkpoints */
    pt_progress progress; /* RESUMED */
    pt_state state;       /* RESUMED, servers: velocity is owned, the rest u->run's */
} pt_start;

/* Collective. Rank 0 looks at run.dir:
 *   not there, or empty            made; FRESH
 *   --overwrite, and a run's       cleared; FRESH
 *   the same run, unfinished       RESUMED from its newest checkpoint that verifies;
 *                                  FRESH where none was ever completed
 *   the same run, finished         FINISHED, and rank 0 says so
 *   another run's, or run.resume: never, or in use by another job: PT_ERR_USAGE
 * RESUMED sets the run's weights, statistics, features, first_step and test_owed on every
 * rank. hosts: see pt_run_dir_describe; rank 0. */
PT_MUST_USE pt_status pt_start_create(pt_setup *u, const pt_train_args *args,
                                      const char *hosts, pt_start **out);
void pt_start_destroy(pt_start **s);

#endif
