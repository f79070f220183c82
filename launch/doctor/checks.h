/* The checks of `ptrain doctor`: each looks at facts and reports findings. Pure. */
#ifndef PT_LAUNCH_DOCTOR_CHECKS_H
#define PT_LAUNCH_DOCTOR_CHECKS_H

#include "launch/doctor/facts.h"

typedef enum { PT_FINDING_OK, PT_FINDING_WARN, PT_FINDING_FAIL } pt_finding_level;

extern const char *const pt_finding_names[]; /* "ok", "warn", "fail" */

/* One line for people: what was found, with its numbers, and what to do. */
typedef struct {
    pt_finding_level level;
    const char *check; /* of the table below */
    char text[512];
} pt_finding;

enum { PT_MAX_FINDINGS = 64 };

typedef struct {
    pt_finding list[PT_MAX_FINDINGS]; /* further ones are counted, not kept */
    size_t n, dropped;
} pt_findings;

void pt_findings_add(pt_findings *to, pt_finding_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One row of the table of checks; each adds at least one finding where it applies. */
typedef struct {
    const char *name, *about;
    void (*check)(const pt_facts *f, pt_findings *out);
} pt_check;

extern const pt_check pt_checks[];
extern const size_t pt_n_checks;

/* Runs all. */
void pt_checks_run(const pt_facts *f, pt_findings *out);

/* Those of the table in other files. */
void pt_check_binding(const pt_facts *f, pt_findings *out);
void pt_check_cores(const pt_facts *f, pt_findings *out);

#endif
