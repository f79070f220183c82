/* Checks of a table, before its runs are assembled. */
#ifndef PT_LAUNCH_SWEEP_RULES_H
#define PT_LAUNCH_SWEEP_RULES_H

#include <stdbool.h>

#include "common/config/config.h"
#include "proto/sweep.pb-c.h"

enum { PT_SWEEP_MAX_SEEDS = 1000, PT_SWEEP_MAX_AXES = 16, PT_SWEEP_MAX_NAME = 100 };

typedef struct {
    uint64_t seed;
    size_t entry; /* of the table's `seeds` */
} pt_sweep_seed;

/* Adds the faults that the schema cannot express, each at its location. True if runs can
 * be assembled in spite of them. */
bool pt_sweep_check(pt_config_file *f);

/* The seeds of a table, ranges counted out, into out [PT_SWEEP_MAX_SEEDS]; what is faulty
 * is left out. Returns how many. f: NULL, or where faults are reported. */
size_t pt_sweep_seeds(const Pt__Sweep__Table *t, pt_sweep_seed *out, pt_config_file *f);

#endif
