/* What a run will be: layout, sizes, bytes and steps. */
#ifndef PT_LAUNCH_TRAIN_DRY_RUN_H
#define PT_LAUNCH_TRAIN_DRY_RUN_H

#include "launch/train/setup.h"

/* Lines of it, as --dry-run prints them (rank 0). */
void pt_dry_run_print(const pt_setup *u);

#endif
