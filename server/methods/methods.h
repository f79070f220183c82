/* The run's methods as a server sees them: one object that holds what they keep, and
 * loops over their hooks in the order of the table (method.h). Pure. */
#ifndef PT_SERVER_METHODS_METHODS_H
#define PT_SERVER_METHODS_METHODS_H

#include "server/methods/method.h"

typedef struct pt_server_methods pt_server_methods;

/* Borrows run. rank: 0..n_servers-1. */
PT_MUST_USE pt_status pt_server_methods_create(const pt_run *run, int rank,
                                               pt_server_methods **out);
void pt_server_methods_destroy(pt_server_methods **m);
size_t pt_server_methods_bytes(const pt_run *run, int rank);

/* ---- rank 0, before the first step ------------------------------------------------- */

/* features [n][rep size] of the training images. */
PT_MUST_USE pt_status pt_server_methods_start(pt_server_methods *m, const float *features,
                                              size_t n);

/* PT_ASKS_RELATION: answers [n][classes] to the training images, to the run's responses.
 */
PT_MUST_USE pt_status pt_server_methods_relate(const pt_run *run, const float *answers,
                                               size_t n, size_t classes);

/* ---- rank 0, in a step ------------------------------------------------------------- */

/* Takes the rows [b][row] of a batch, in batch order; borrowed until the next call.
 * *penalty: what the methods add to the batch's loss. */
PT_MUST_USE pt_status pt_server_methods_take(pt_server_methods *m, uint64_t step,
                                             const double *rows, int b, double *penalty);

/* Terms [pt_terms_doubles] for the images first..first+n-1. */
void pt_server_methods_terms(const pt_server_methods *m, int first, int n, double *out);

/* ---- every server ------------------------------------------------------------------ */

/* This key's weight decay: the optimizer's, unless a method has its own. */
pt_decay pt_server_methods_decay(const pt_run *run, const pt_key *key);

/* The weights have moved by the gradients of step: advances what follows them. */
void pt_server_methods_moved(pt_server_methods *m, uint64_t step);

/* The second set of weights [n_param_floats] of a method, this server's keys of it; NULL:
 * no method of the run has one. And its name, or NULL. */
float *pt_server_methods_second(const pt_server_methods *m);
const char *pt_server_methods_second_name(const pt_run *run);

/* ---- checkpoints, rank 0 ----------------------------------------------------------- */

/* Floats of all that the next step depends on, in any run; out to a checkpoint, and back.
 */
size_t pt_server_methods_floats(const pt_run *run);
void pt_server_methods_save(const pt_server_methods *m, float *to);
void pt_server_methods_restore(pt_server_methods *m, const float *from);

#endif
