/* The images that choose between models (data.validation_split, data.validation_share):
 * neither trained on nor of the test split. A pure function of the data set and these
 * keys; every rank computes the same. */
#ifndef PT_COMMON_RUN_HELD_OUT_H
#define PT_COMMON_RUN_HELD_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/config/config.h"
#include "common/data/dataset.h"

/* Zeros: nothing is held out. */
typedef struct {
    uint32_t *images; /* [n], in split order */
    size_t n;
    bool *has; /* [n_all] by image number */
    size_t n_all;
} pt_held_out;

/* The images of data.validation_split; or of each class of data.train_split the share
 * data.validation_share, rounded, but at least one and not all, drawn with
 * data.validation_seed; or none. PT_ERR_DATA where a class has too few, or where images
 * of the split are trained on or in the test split as well. On failure *out is zeros. */
PT_MUST_USE pt_status pt_held_out_init(const Pt__Config__Data *c, const pt_dataset *d,
                                       pt_held_out *out);
void pt_held_out_fini(pt_held_out *h);

/* h: NULL: nothing is held out. */
bool pt_held_out_has(const pt_held_out *h, size_t image);

#endif
