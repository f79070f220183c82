/* Runs summed up: blocks of comparable runs, methods with means over their seeds, and
 * gains over plain fine-tuning paired by seed. */
#ifndef PT_LAUNCH_REPORT_SUMMARY_H
#define PT_LAUNCH_REPORT_SUMMARY_H

#include "launch/report/block.h"

typedef struct {
    pt_block *blocks;
    size_t n_blocks;
    const pt_finished_run **runs; /* [n], storage of the methods' lists */
} pt_summary;

/* Borrows results [n], n >= 1. The order of `results` does not matter. A run that repeats
 * another (same settings, seed and weight hash) counts once, with a note; PT_ERR_DATA
 * where the hashes differ, one line for each such pair.
 * Source of the table: Zhong and Maki, CVPR 2020; the deviation of a gain is that of the
 * differences paired by seed. */
PT_MUST_USE pt_status pt_summary_create(const pt_finished_run *results, size_t n,
                                        pt_summary **out);
void pt_summary_destroy(pt_summary **s);

#endif
