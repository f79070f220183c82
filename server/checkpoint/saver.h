/* Writes checkpoints in the background: the server copies its arrays into the snapshot,
 * a thread writes them while training continues, and rank 0's thread, once the parts of
 * all servers are in the directory, seals the checkpoint and removes what is older than
 * the previous one. The servers' threads communicate only through the file system: none
 * calls MPI.
 *
 * A file-system call may never return (a dead file server). Nothing can end the thread
 * then; the others use pt_saver_check, continue without it, and leave it behind.
 *
 * If this machine's HDF5 library is not thread-safe, pt_saver_begin writes by itself, and
 * the step waits. */
#ifndef PT_SERVER_SAVER_H
#define PT_SERVER_SAVER_H

#include "server/checkpoint/manifest.h"

typedef struct pt_saver pt_saver;

/* root: the directory of checkpoints; identity: of the run. Borrowed. deadline_s: a save
 * that makes no system call for longer hangs. */
typedef struct {
    const char *root;
    const json_t *identity;
    double deadline_s;
} pt_save_options;

PT_MUST_USE pt_status pt_saver_create(const pt_run *run, int server,
                                      const pt_save_options *o, pt_saver **out);
/* Waits for a save in progress, but leaves one that hangs: its thread then keeps *s, and
 * the run and the options must not be freed until the process ends. */
void pt_saver_destroy(pt_saver **s);

bool pt_saver_busy(pt_saver *s);

/* PT_ERR_IO if the current save hangs, with the call and the file: "fsync of
 * .../part-0.h5 has not returned for 12 s". */
PT_MUST_USE pt_status pt_saver_check(pt_saver *s);

/* Does the thread hold the lock of the HDF5 library at this moment? */
bool pt_saver_in_library(pt_saver *s);

/* Arrays for the caller to fill with what this server owns; not while busy. */
pt_state *pt_saver_snapshot(pt_saver *s);

/* Starts to write the snapshot as the checkpoint of *p; not while busy. */
void pt_saver_begin(pt_saver *s, const pt_progress *p);

/* True once for each save that has ended; *how: PT_OK, it is sealed, or why it is not. */
bool pt_saver_ended(pt_saver *s, pt_status *how);

/* Memory of the snapshot. */
size_t pt_saver_bytes(const pt_run *run);

#endif
