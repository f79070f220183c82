/* The parts in which the keys of a tensor arrive at a server: sums that senders push or
 * lend, and sums that the server forms from the factors of several workers at once
 * (server/factor_sums.h). Pure. */
#ifndef PT_SERVER_ARRIVALS_H
#define PT_SERVER_ARRIVALS_H

#include "common/run/tiles.h"

enum { PT_LENT = -1 };

typedef struct {
    pt_tiles tiles;
    int rank;     /* of the server */
    bool *formed; /* [tiles.n_senders]: from factors */
    int *copy;    /* [tiles.max]: a part's place among the copies; PT_LENT: it has none */
    int n_copies; /* of any step */
} pt_arrivals;

/* Of the keys of tensor at server `rank`; -1: of a tensor of which no factors come.
 * PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_arrivals_init(pt_arrivals *a, const pt_run *run, int rank,
                                       int tensor);
void pt_arrivals_fini(pt_arrivals *a);

/* Those of step. */
void pt_arrivals_enter(pt_arrivals *a, uint64_t step);

static inline bool pt_arrivals_lent(const pt_arrivals *a, int part)
{
    return a->copy[part] == PT_LENT;
}

static inline bool pt_arrivals_formed(const pt_arrivals *a, int part)
{
    return a->formed[a->tiles.sender[part]];
}

#endif
