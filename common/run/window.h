/* How many keys of a server are under way at once. Pure.
 *
 * Gradients leave without asking whether the server has room (PT_MSG_UNASKED_BYTES in
 * common/comm/carrier.h), so a worker has to know: it pushes a key when the new weights
 * of the key `window` places before it, among those that it pushes to this server, have
 * come. The server finishes keys in the same order, so their memory is free by then. A
 * small window also keeps workers together: a server can update a key only when the last
 * worker's sums are there, and until then the link carries what the others push ahead.
 *
 * Where servers hold gradients (pt_run_holds) no weights come before all of these are
 * there: there is no window, and messages wait for MPI's permission. */
#ifndef PT_COMMON_RUN_WINDOW_H
#define PT_COMMON_RUN_WINDOW_H

#include "common/comm/carrier.h"
#include "common/run/run.h"

enum { PT_WINDOW_SLOTS = 32 };

/* Do gradients and weights leave unasked on this carrier? The same on all ranks. Not
 * where servers hold gradients, nor on a carrier with a wait of its own, a simulation's,
 * which does not call comm's poll. */
bool pt_window_unasked(const pt_run *r, const pt_comm *c);

/* Keys for which `server` has memory and posts receives: 2 to PT_WINDOW_SLOTS. */
int pt_window_slots(const pt_run *r, int server);

/* Keys that a worker may push to server before their new weights come. */
int pt_window_pushes(const pt_run *r, int server);

/* Floats of the largest key, at least 1. */
size_t pt_window_largest_key(const pt_run *r);

#endif
