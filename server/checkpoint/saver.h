/* Writes checkpoints in the background: the server copies its arrays into the snapshot,
 * a thread writes them while training goes on, and rank 0's thread, once the parts of
 * all servers are in the directory, seals the checkpoint and removes what is older than
 * the one before. The servers' threads meet in the file system alone: none calls MPI.
 *
 * Where this machine's HDF5 library is not safe for threads, pt_saver_begin writes
 * itself, and the step waits. */
#ifndef PT_SERVER_SAVER_H
#define PT_SERVER_SAVER_H

#include "server/checkpoint/manifest.h"

typedef struct pt_saver pt_saver;

/* root: the directory of checkpoints; identity: of the run. Borrowed. */
typedef struct {
    const char *root;
    const json_t *identity;
} pt_save_options;

PT_MUST_USE pt_status pt_saver_create(const pt_run *run, int server,
                                      const pt_save_options *o, pt_saver **out);
/* Waits for a save that is under way. */
void pt_saver_destroy(pt_saver **s);

bool pt_saver_busy(pt_saver *s);

/* Arrays for the caller to fill with what this server owns; not while busy. */
pt_state *pt_saver_snapshot(pt_saver *s);

/* Starts to write the snapshot as the checkpoint of *p; not while busy. */
void pt_saver_begin(pt_saver *s, const pt_progress *p);

/* How the last save ended, once for each (PT_OK afterwards); not while busy. */
PT_MUST_USE pt_status pt_saver_result(pt_saver *s);

/* Memory of the snapshot. */
size_t pt_saver_bytes(const pt_run *run);

#endif
