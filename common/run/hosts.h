/* Who sends a server the gradients, and so gets the new weights. Pure.
 *
 * Workers that share memory with each other, but not with a key's server, send their sums
 * of the key together: they lend them to one of them, the home of the key on their host,
 * which merges what is whole there, sends the server the cover of their shards, and lends
 * the others the new weights that come back. So these cross the network once a host. The
 * keys of a server go round the workers of the host. */
#ifndef PT_COMMON_RUN_HOSTS_H
#define PT_COMMON_RUN_HOSTS_H

#include "common/run/run.h"

/* Workers [first, first + n), whose sums arrive together: the cover of their shards. */
typedef struct {
    int first, n;
} pt_sender;

/* The workers that share memory with `worker`, itself among them. */
pt_sender pt_run_sharing(const pt_run *r, int worker);

/* The senders of the keys of `server`, from left to right, into out [n_workers]; returns
 * how many. */
int pt_run_senders(const pt_run *r, int server, pt_sender *out);

/* Sums of a key that reach server by messages and are not lent: as many as it needs
 * copies of a key. */
int pt_run_copies(const pt_run *r, int server);

/* The rank that sends the sums of key, and receives its new weights. */
int pt_sender_rank(const pt_run *r, const pt_sender *s, int key);

/* The rank that worker gives its sums of key, and gets the new weights from: the key's
 * server or its home, which may be the worker itself. */
int pt_run_home(const pt_run *r, int worker, int key);

/* Their shards of the batch of step. */
pt_span pt_sender_span(const pt_run *r, const pt_sender *s, uint64_t step);

/* Sub-trees of the cover of these shards, the same in every step. */
int pt_sender_parts(const pt_run *r, const pt_sender *s);

#endif
