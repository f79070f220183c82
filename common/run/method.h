/* A method's hooks in the run itself, for what every rank must know before the first
 * step: the files common/run/NAME.c of the table's lines (common/config/methods.h). */
#ifndef PT_COMMON_RUN_METHOD_H
#define PT_COMMON_RUN_METHOD_H

#include "common/base/status.h"
#include "common/config/methods.h"

typedef struct pt_run pt_run; /* common/run/run.h */

typedef struct {
    /* Once graph, plan and keys exist: finds what the method needs, and allocates its
     * arrays in r->given. */
    pt_status (*create)(pt_run *r);

    /* A file that rank 0 reads before the first step. `what` names its kind
     * ("attention"), in messages, for the trial and in the identity of a run; key: of its
     * path; help: where one comes from. */
    const char *what, *key, *help;
    const char *(*path)(const pt_config *c);              /* NULL: none is given */
    pt_status (*try)(const char *path);                   /* reads all, for a trial */
    pt_status (*read)(const char *path, const pt_run *r); /* into what follows */
    float *(*values)(const pt_run *r, size_t *n);         /* of r->given; [*n] */
} pt_run_method;

#define PT_RUN_METHOD(NAME, name, run, ...)                                              \
    PT_IF_##run(extern const pt_run_method pt_run_method_##name;)
PT_METHOD_LIST(PT_RUN_METHOD)

/* NULL: a method without hooks here. */
extern const pt_run_method *const pt_run_methods[PT_N_METHODS];

#endif
