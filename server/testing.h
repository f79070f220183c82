/* The tests of a run, on every server: collects the weights where files need them, lets
 * the workers compute with them (server/evaluate.h) and with a method's second set, and,
 * where the run may end early, obeys rank 0's verdict: which weights are kept, whether
 * the run is over, and what it hands on. */
#ifndef PT_SERVER_TESTING_H
#define PT_SERVER_TESTING_H

#include "server/evaluate.h"
#include "server/kept.h"
#include "server/methods/methods.h"
#include "server/step_record.h"
#include "server/store.h"
#include "server/update.h"

/* Borrows all but what is kept. */
typedef struct {
    pt_run *run;
    pt_comm *comm;
    pt_store *store;
    pt_update *update;
    pt_step_record *record;
    pt_server_methods *methods;
    pt_evaluation evaluation; /* rank 0 */
    pt_kept kept;
    bool handed_over; /* the run's weights are those that were kept */
} pt_testing;

void pt_testing_fini(pt_testing *t);

/* Collective over the servers, with the workers, after `step`. *over: in, it was the
 * last; out, the run ends here, and its weights are those that it hands on. */
PT_MUST_USE pt_status pt_testing_run(pt_testing *t, uint64_t step, bool *over);

/* The run's weights are those before the last test again, for a checkpoint. */
void pt_testing_take_back(pt_testing *t);

#endif
