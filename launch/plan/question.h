/* What `ptrain plan` asks its simulator, one line of JSON on standard input, and the
 * answer, one line on standard output. Both programs are of one build. */
#ifndef PT_LAUNCH_PLAN_QUESTION_H
#define PT_LAUNCH_PLAN_QUESTION_H

#include <stdio.h>

#include "launch/plan/costs.h"
#include "launch/plan/trial.h"

/* PT_ERR_IO, PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_question_write(const pt_trial *t, const pt_costs *c, FILE *out);

/* t->network is malloc'd. PT_ERR_DATA if it is no request. */
PT_MUST_USE pt_status pt_question_read(FILE *in, pt_trial *t, pt_costs *c);

/* Of one step, once steps are alike. */
typedef struct {
    double step_s;
    uint64_t busiest; /* bytes on the link and in the direction that carries most */
    uint64_t messages;
} pt_answer;

PT_MUST_USE pt_status pt_answer_write(const pt_answer *a, FILE *out);
PT_MUST_USE pt_status pt_answer_read(FILE *in, pt_answer *a);

#endif
