/* When a checkpoint is due, the snapshot for it, and how the previous one ended: the part
 * of the server's own thread. checkpoint/saver.h writes. */
#ifndef PT_SERVER_SAVES_H
#define PT_SERVER_SAVES_H

#include "common/comm/comm.h"
#include "server/checkpoint/saver.h"
#include "server/hooks.h"
#include "server/methods/methods.h"
#include "server/store.h"

typedef struct pt_saves pt_saves;

/* What a snapshot is taken of, besides the run. */
typedef struct {
    const pt_store *store;
    const pt_server_methods *methods;
    const pt_kept *kept;
} pt_saves_of;

/* Borrows all. options: NULL = the run is not saved; then only pt_saves_on, _destroy,
 * _costs, _hang, _free_library and _end may be called. */
PT_MUST_USE pt_status pt_saves_create(const pt_run *run, pt_comm *comm,
                                      const pt_save_options *options,
                                      const pt_server_hooks *hooks, pt_saves_of of,
                                      pt_saves **out);
void pt_saves_destroy(pt_saves **s);

bool pt_saves_on(const pt_saves *s);

/* The first step begins: the time to the first save counts from here. */
void pt_saves_start(pt_saves *s);

/* Rank 0: does a checkpoint follow this step? */
bool pt_saves_due(pt_saves *s, uint64_t step);

/* Copies what this server owns and starts to write it as the state before step p->step.
 * The tally in *p is filled by the hook. PT_ERR_IO if the previous save hangs. */
PT_MUST_USE pt_status pt_saves_begin(pt_saves *s, pt_progress *p);

/* Waits until the current save has ended, and returns its status; PT_ERR_IO if it hangs.
 */
PT_MUST_USE pt_status pt_saves_wait(pt_saves *s);

/* Waits for the writer if it holds the HDF5 library's lock, for a hook that will need it;
 * PT_ERR_IO if it hangs there. */
PT_MUST_USE pt_status pt_saves_free_library(pt_saves *s);

/* At the end: waits for the current save. A warning if it hangs or failed. */
void pt_saves_end(pt_saves *s);

/* A checkpoint that was due could not begin: counted. */
void pt_saves_miss(pt_saves *s);

/* Does the current save hang? */
bool pt_saves_hang(const pt_saves *s);

/* save_s, saves, missed. */
void pt_saves_costs(const pt_saves *s, pt_server_costs *c);

#endif
