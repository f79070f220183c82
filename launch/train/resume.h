/* Where a run begins: at the first step, at a checkpoint, or not at all since it is
 * finished. */
#ifndef PT_LAUNCH_TRAIN_RESUME_H
#define PT_LAUNCH_TRAIN_RESUME_H

#include "launch/train/setup.h"
#include "server/checkpoint/manifest.h"

typedef enum { PT_RESUME_FRESH, PT_RESUME_RESUMED, PT_RESUME_FINISHED } pt_resume_kind;

typedef struct {
    pt_resume_kind kind;
    json_t *identity;     /* rank 0 */
    char *root;           /* run.dir/checkpoints */
    pt_progress progress; /* RESUMED */
    pt_state state; /* RESUMED, servers: optimizer, second, kept and method are owned, the
                       rest u->run's */
} pt_resume;

/* Collective. Rank 0 looks at run.dir:
 *   not there, or empty            made; FRESH
 *   --overwrite, and a run's       cleared; FRESH
 *   the same run, unfinished       RESUMED from its newest checkpoint that verifies;
 *                                  FRESH where none was ever completed
 *   the same run, finished         FINISHED, and rank 0 prints it
 *   another run's, or run.resume: never, or in use by another job: PT_ERR_USAGE
 * RESUMED sets the run's weights, statistics, features, first_step and test_owed on every
 * rank. hosts: see pt_run_dir_describe; rank 0. */
PT_MUST_USE pt_status pt_resume_create(pt_setup *u, const pt_train_args *args,
                                       const char *hosts, pt_resume **out);
void pt_resume_destroy(pt_resume **s);

#endif
