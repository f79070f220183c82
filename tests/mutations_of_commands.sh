# shellcheck shell=bash
# Sourced by mutations.sh: changes of commands that look at pictures and pack them.
mutation rows_of_all_ranks_in_one_place e2e.eval_ranks launch/evaluate/ranks.c <<'M'
- memcpy(w->logits + first * w->classes, theirs, n * w->classes * sizeof *w->logits);
+ memcpy(w->logits, theirs, n * w->classes * sizeof *w->logits);
M
mutation heat_with_dropout launch.heat launch/evaluate/heat.c <<'M'
- nodes[i].dropout = 0;
M
mutation heat_of_an_average launch.heat launch/evaluate/heat.c <<'M'
- bool mean = n->op == PT_OP_GLOBAL_AVG_POOL || n->op == PT_OP_ADAPTIVE_AVG_POOL;
+ bool mean = n->op == PT_OP_GLOBAL_AVG_POOL;
M
mutation a_folder_of_pictures_is_not_meant launch.only launch/layouts/listing.c <<'M'
- if (s == PT_OK && meant > 0) name_first(l, path);
+ if (s == PT_OK && meant == all) name_first(l, path);
M
