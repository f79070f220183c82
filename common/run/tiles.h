/* The parts in which a gradient arrives: the sums of the aligned sub-trees that each
 * sender owns, left to right, one message each. They tile the shards of all senders,
 * whatever the number of these, so merging them always gives the same bits. Pure. */
#ifndef PT_COMMON_RUN_TILES_H
#define PT_COMMON_RUN_TILES_H

#include "common/run/hosts.h"

typedef struct {
    const pt_run *run;
    pt_sender *senders; /* [n_senders], left to right */
    int n_senders;
    int max; /* of any step */

    /* of the step */
    int n;
    pt_subtree *trees; /* [max] */
    int *sender;       /* [max]: who sends it */
    int *index;        /* [max]: its number in the sender's cover */
    bool *full;        /* [max]: it has images */
    void **values;     /* [max]: set by the caller; NULL where it has none */
} pt_tiles;

/* Of senders [n], copied; borrows run. */
PT_MUST_USE pt_status pt_tiles_init(pt_tiles *p, const pt_run *run,
                                    const pt_sender *senders, int n);
/* Of workers of s, each of which sends its own. */
PT_MUST_USE pt_status pt_tiles_init_each(pt_tiles *p, const pt_run *run, pt_sender s);
void pt_tiles_fini(pt_tiles *p);

/* Those of step. */
void pt_tiles_enter(pt_tiles *p, uint64_t step);

/* Merges the values, [count] floats each, which are overwritten, into those of the cover
 * of all senders' shards: out as for pt_tree_merge, returns how many it has. */
int pt_tiles_merge(const pt_tiles *p, size_t count, void *out[PT_MAX_COVER]);

#endif
