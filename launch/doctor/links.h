/* Measures the ways between hosts, from the first rank of each. */
#ifndef PT_LAUNCH_DOCTOR_LINKS_H
#define PT_LAUNCH_DOCTOR_LINKS_H

#include "launch/doctor/facts.h"

/* Whom host h of n meets in a round, 0 .. pt_links_rounds(n) - 1: every two hosts meet
 * once, disjoint pairs at the same time. -1: nobody. Pure. */
int pt_links_partner(int h, int n, int round);
int pt_links_rounds(int n);

/* host [n]: of each rank (pt_job_hosts). wall_s: of this rank, as in pt_rank_facts.
 * Rank 0 gets *pair [*n_pairs], malloc'd, ordered by a, then b; the others NULL.
 * Two ranks that cannot reach each other end the job with a line that names both.
 * Collective. */
void pt_links_measure(const int *host, int n, double wall_s, pt_pair_facts **pair,
                      size_t *n_pairs);

#endif
