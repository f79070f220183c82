/* The layout of a job: which ranks are servers, on which hosts, and in which order ranks
 * are numbered. Servers are ranks 0..S-1; workers follow, those of one host one after
 * another. Pure: every rank computes the same.
 *
 * host [n]: the number of each rank's host, 0, 1, ... in the order of their first rank.
 */
#ifndef PT_COMMON_RUN_LAYOUT_H
#define PT_COMMON_RUN_LAYOUT_H

#include "common/base/status.h"
#include "common/config/config.h"

/* How many hosts n ranks are on. */
int pt_layout_hosts(const int *host, int n);

/* Servers of a job of n ranks: server.ranks, or what `auto` stands for: one on each host,
 * if placement is spread and each has two ranks or more, else 1. */
int pt_layout_servers(const Pt__Config__Server *c, const int *host, int n);

/* A host that has fewer ranks than the servers that spread would place there; -1: none.
 * *servers = how many these are. */
int pt_layout_crowded(int n_servers, const int *host, int n, int *servers);

/* order [n]: rank r is to be the one that is order[r] now. order[0] is 0. n_servers < n,
 * and with spread no host is crowded. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_layout_order(Pt__Config__Placement placement, int n_servers,
                                      const int *host, int n, int *order);

/* What helps if there are more workers than shards, in an error line: "use at most 8
 * workers, or set shards: 16 (other shards give other weights)". out [n], 96 suffice. */
void pt_layout_advise(int workers, int shards, char *out, size_t n);

#endif
