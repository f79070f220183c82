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
- pt_early_tested(&j->tally.early, j->u, step, &j->scores[PT_ROWS_VALIDATION]);
+ pt_early_tested(&j->tally.early, j->u, step, &j->scores[PT_ROWS_TEST]);
M
mutation a_run_without_a_test_split_is_tested e2e.untested server/evaluate.c <<'M'
- if (s == PT_OK && n->n_test > 0)
+ if (s == PT_OK)
M
mutation a_run_that_was_not_tested_is_a_seed launch.verdict launch/report/block.c <<'M'
- if (other && isfinite(a->runs[i]->test) && isfinite(other->test))
+ if (other)
M
mutation balanced_sampling_repeats_an_image common.balance common/run/balance.c <<'M'
- order[b->slots[slot]] = places[b->drawn[k % of_class]];
+ order[b->slots[slot]] = places[b->drawn[0]];
M
mutation balanced_sampling_favours_a_class common.balance common/run/balance.c <<'M'
- size_t turn = (size_t)(epoch % b->n_classes) * more % b->n_classes;
+ size_t turn = more > b->n ? 1 : 0;
M
mutation balanced_sampling_is_not_done worker.run_bits common/run/plan.c <<'M'
- if (c->data->sampling != PT__CONFIG__DATA__SAMPLING__BALANCED) return PT_OK;
+ if (c) return PT_OK;
M
mutation balanced_class_weights_are_equal worker.methods worker/objective/weighting.c <<'M'
- weights[c] = weights[c] > 0 ? (double)n / (classes * weights[c]) : 1;
+ weights[c] = n > 0 ? 1 : 0;
M
