/* What methods need to know about the start weights before the first step: workers
 * compute it for the training images, rank 0 keeps it and sends each rank what it needs.
 */
#ifndef PT_SERVER_GIVEN_H
#define PT_SERVER_GIVEN_H

#include "server/methods/methods.h"
#include "server/workers.h"

/* Rank 0, in a fresh run that needs them: the pretrained features, for methods
 * of rank 0 (m) and, as mean and deviation, for every worker. */
PT_MUST_USE pt_status pt_given_features(pt_workers *w, pt_run *run, pt_server_methods *m);

/* Rank 0: the start weights' outputs, if the run needs them; computed in a fresh run, and
 * sent to every worker then and after a resume. */
PT_MUST_USE pt_status pt_given_answers(pt_workers *w, pt_run *run);

#endif
