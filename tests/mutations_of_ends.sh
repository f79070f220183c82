# shellcheck shell=bash
# Sourced by mutations.sh: changes of when a run ends, and of what it hands on; of what it
# draws from.
mutation early_stopping_hands_on_the_last worker.run_early server/testing.c <<'M'
- if (s == PT_OK && v.best)
+ if (s == PT_OK)
M
mutation early_stopping_forgets_the_best_on_resume worker.run_early server/serve.c <<'M'
- pt_kept_copy(&state->kept, s->run, keys, n, &s->testing.kept);
M
mutation early_stopping_hands_on_the_last_average worker.run_early server/kept.c <<'M'
- second[i] = k->second[i];
M
mutation early_stopping_counts_a_test_twice launch.early_stopping launch/train/early_stopping.c <<'M'
- bool first = e->tests == 0, again = !first && step <= e->last_step;
+ bool first = e->tests == 0, again = false;
M
mutation early_stopping_a_test_late launch.early_stopping launch/train/early_stopping.c <<'M'
- .over = e->since >= c->patience};
+ .over = e->since > c->patience};
M
mutation early_stopping_asks_for_more_than_min_delta launch.early_stopping launch/train/early_stopping.c <<'M'
- return m->value > e->reference && (m->value - e->reference) / m->unit >= c->min_delta;
+ return m->value > e->reference && (m->value - e->reference) / m->unit > c->min_delta;
M
mutation early_stopping_judges_the_test_split e2e.early_stopping launch/train/journal.c <<'M'
- return pt_early_tested(&j->tally.early, j->u, step, &j->scores[PT_ROWS_VALIDATION]);
+ return pt_early_tested(&j->tally.early, j->u, step, &j->scores[PT_ROWS_TEST]);
M
