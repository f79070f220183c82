# shellcheck shell=bash
# Sourced by mutations.sh: changes of the optimizers, their rates, and what they move by.
mutation nesterov_without_looking_ahead server.sgd server/sgd.c <<'M'
- float moved = w[i] - lr * (decayed + mu * speed);
+ float moved = w[i] - lr * speed;
M
mutation a_gradient_is_not_clipped worker.methods server/votes.c <<'M'
- v->factor = pt_squares_clip(out->norm, v->run->config->optimizer->clip_norm);
+ v->factor = 1;
M
mutation the_norm_is_of_one_server worker.run_bits server/votes.c <<'M'
- v->squares[k] = *from++;
+ from++;
M
mutation adamw_adds_eps_before_the_root server.adamw server/adamw.c <<'M'
- float moved = f.keep * w[i] - f.rate * (first / (sqrtf(second) / f.root + f.eps));
+ float moved = f.keep * w[i] - f.rate * (first / (sqrtf(second + f.eps) / f.root));
M
mutation adamw_counts_steps_of_frozen_tensors worker.methods server/store.c <<'M'
- for (int t = 0; t < s->run->graph->n_params; t++) s->updates[t] += s->run->trained[t];
+ for (int t = 0; t < s->run->graph->n_params; t++) s->updates[t]++;
M
mutation l2_sp_draws_the_head_as_the_trunk worker.methods server/methods/l2_sp.c <<'M'
- d->coefficient = t->head ? c->beta : c->alpha;
+ d->coefficient = c->alpha;
M
mutation head_at_the_trunks_rate worker.algorithm1 server/store.c <<'M'
- float lr = t->head ? record->head_lr : record->lr;
+ float lr = record->lr;
M
mutation head_without_a_rate_stands_still worker.run server/step_record.c <<'M'
- c->optimizer->has_head_lr ? (float)(c->optimizer->head_lr * factor) : r->lr;
+ c->optimizer->has_head_lr ? (float)(c->optimizer->head_lr * factor) : 0;
M
mutation rate_falls_a_step_late server.schedule server/schedule.c <<'M'
- if (k >= s->at[i] * total * (1 - 1e-12)) f *= s->factor;
+ if (k > s->at[i] * total) f *= s->factor;
M
mutation class_weights_divide_by_the_images worker.methods worker/objective/weighting.c <<'M'
- w->factor = b->b / sum;
+ w->factor = 1;
M
