/* The jobs of a scaling series, as runs of a sweep (launch/sweep/table.h). */
#ifndef PT_LAUNCH_SCALE_SERIES_H
#define PT_LAUNCH_SCALE_SERIES_H

#include <stdbool.h>

#include "launch/scale/points.h"
#include "launch/scale/table_file.h"
#include "launch/sweep/table.h"

typedef struct {
    const char *config; /* a file */
    const char *const *sets;
    size_t n_sets;
    const char *dir; /* of the series; made where it is missing */
    bool weak;
    int workers[PT_SCALE_MAX_JOBS]; /* [n], rising */
    size_t n;
} pt_scale_request;

/* "1,2,4,8" as numbers, rising, each once. PT_ERR_USAGE. */
PT_MUST_USE pt_status pt_scale_read_workers(const char *text, pt_scale_request *r);

/* Writes DIR/strong.yaml (or weak) and opens it: a run for each number of workers, in
 * their order. PT_ERR_USAGE where more workers than shards are asked for, or a setting
 * decides their number. pt_sweep_destroy ends it. */
PT_MUST_USE pt_status pt_scale_open(const pt_scale_request *r, pt_sweep **out);

/* What the finished runs of s reached, into out [s->n]; returns how many by *n. */
PT_MUST_USE pt_status pt_scale_collect(const pt_sweep *s, pt_scale_measured *out,
                                       size_t *n);

/* Writes a batch script DIR/strong-wN.sbatch for each job that is not done, `per_node`
 * workers and one server on each node, and logs their names. */
PT_MUST_USE pt_status pt_scale_write_slurm(const pt_scale_request *r, int per_node);

#endif
