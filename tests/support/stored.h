/* What a layer gives for values that are stored as bfloat16, against what it gives for
 * the same floats. */
#ifndef PT_TESTS_STORED_H
#define PT_TESTS_STORED_H

#include "tests/support/layers.h"
#include "worker/engine/values.h"

enum { STORED_MAX_IN = 2 };

typedef struct stored_case stored_case;

/* out = something of in[0..]; those of no values do not exist. */
typedef void (*stored_work)(const stored_case *c, const pt_values *in, pt_values out);

struct stored_case {
    const char *name;
    stored_work work;
    size_t in[STORED_MAX_IN], out;
    bool keep; /* out is read */
    bool float_out;
    layer l;
    bool other; /* with a ReLU or its mask, or of other sizes */
};

/* Fails unless, for every choice of which values are stored, an out of floats is the same
 * in every bit and a stored one that, rounded as an operand. Inputs are random. */
void stored_check(const stored_case *c);

#endif
