/* What rank 0's journal had counted at a checkpoint, so that a resumed run continues from
 * the same numbers. Plain values; one JSON object in the manifest. */
#ifndef PT_SERVER_TALLY_H
#define PT_SERVER_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The test whose model is best.h5 (run.keep_best). */
typedef struct {
    uint64_t step;
    uint64_t right, images;           /* of those that select; images 0: no test yet */
    uint64_t test_right, test_images; /* of the test split, in the same test */
    char digest[65];                  /* SHA-256 of the file; "": unknown */
} pt_best;

/* early_stopping: what the tests said until now (launch/train/early_stopping.h). */
typedef struct {
    uint64_t tests;     /* that counted; 0: none yet */
    uint64_t last_step; /* after which the last of them was */
    uint64_t best_step; /* after which the best was: its weights are kept */
    double best;        /* what it measured: more is better */
    double reference;   /* the same of the last improvement that was large enough */
    uint64_t since;     /* tests after that one */
} pt_early;

typedef struct {
    bool known; /* false: an older version wrote the checkpoint, without these */
    uint64_t gate_opened; /* step + 1 at which the gate opened, 0 = not yet */
    double w_sum;         /* of the steps with w > 0 */
    uint64_t w_steps;
    double seconds;      /* of all jobs of the run together */
    double step_seconds; /* of timed steps, and the images in them */
    uint64_t timed_images;
    pt_best best;
    pt_early early;
} pt_tally;

/* NULL without memory. */
json_t *pt_tally_to_json(const pt_tally *t);

/* NULL, or not an object: unknown. */
pt_tally pt_tally_of_json(const json_t *j);

#endif
