/* Which cores of a machine are whose, and how many threads a worker has
 * (engine.threads: auto). Pure: every rank of the machine computes the same. */
#ifndef PT_COMMON_RUN_PLACEMENT_H
#define PT_COMMON_RUN_PLACEMENT_H

#include <sched.h>
#include <stdbool.h>

enum { PT_PLACE_MAX_THREADS = 256 };

/* A rank of the machine. */
typedef struct {
    bool server;
    cpu_set_t allowed; /* CPUs that it may use */
    cpu_set_t use;     /* set: those that it is to use */
    int threads;       /* set: of a worker, at least 1; of a server 0 */
    bool bound;        /* set: to cores that no worker has but itself */
} pt_place;

/* Places the n ranks of one machine. core [CPU_SETSIZE]: common/base/cores.h.
 *
 * A worker has as many threads as cores, where a core that k workers may use counts 1/k
 * for each. Each is bound to that many, the lowest that are free, workers with little
 * choice first; hyperthreads stay with their core. None is bound if one of them finds too
 * few (there are more workers than cores, or their masks overlap oddly) or has one
 * thread, which would lose time on a busy core while another is idle. If at least one
 * core for each server is left, servers are bound to what is left; otherwise they sleep
 * beside the workers. A rank whose CPUs are not known (an empty set) binds nobody.
 *
 * quota: CPUs' worth of time that the ranks have together (common/base/quota.h), 0: no
 * limit. Where it is less than the threads, the workers share it out evenly, at least one
 * thread each, and nobody is bound: which CPUs are free is not known. */
void pt_place_ranks(const int *core, pt_place *rank, int n, int quota);

/* Shares a machine among n jobs (.server is false): each to cores of its own, or if
 * there are too few, to one core, in turn. */
void pt_place_jobs(const int *core, pt_place *job, int n);

#endif
