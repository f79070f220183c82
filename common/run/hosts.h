/* Who sends a server the gradients, and so gets the new weights. Pure. */
#ifndef PT_COMMON_RUN_HOSTS_H
#define PT_COMMON_RUN_HOSTS_H

#include "common/run/run.h"

/* Workers [first, first + n), whose sums arrive together: the cover of their shards. */
typedef struct {
    int first, n;
} pt_sender;

/* Those of the keys of `server`, from left to right, into out [n_workers]; returns how
 * many. */
int pt_run_senders(const pt_run *r, int server, pt_sender *out);

/* The rank that sends the sums of key, and receives its new weights. */
int pt_sender_rank(const pt_run *r, const pt_sender *s, int key);

/* Their shards of the batch of step. */
pt_span pt_sender_span(const pt_run *r, const pt_sender *s, uint64_t step);

#endif
