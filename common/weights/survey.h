/* What a file of weights is of, where only its names and shapes can tell. */
#ifndef PT_COMMON_WEIGHTS_SURVEY_H
#define PT_COMMON_WEIGHTS_SURVEY_H

#include "common/weights/names.h"

typedef struct {
    const char *network;   /* ours, whose tensors below the head are all there, in their
                              shapes, and hardly anything else; NULL: none */
    const pt_naming *rule; /* by whose names; NULL without a network */
    size_t n_weights;      /* tensors that are weights: not counts, not scalars */
    size_t n_others;       /* tensors that are not */
    size_t n_values;       /* of the weights */
    int n_classes;         /* of the head in the file; 0: none */
} pt_survey;

/* Reads names and shapes, no values. Local. */
PT_MUST_USE pt_status pt_survey_table(const pt_table *t, pt_format format,
                                      pt_survey *out);

#endif
