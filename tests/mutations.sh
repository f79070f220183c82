#!/usr/bin/env bash
# mutations.sh [NAME...]: one-line changes of the program's meaning, in a copy of the tree
# with a build of its own. Each must make its test fail; one that does not says that the
# test proves nothing about that line. Prints a row of a table for each (tests/RESULTS.md)
# and exits with 1 if a change was not noticed.
#
#     PT_MUTATIONS   the copy and its build; build-mutations of the checkout
#     JOBS           of the build; all cores
#
# A change is a source line and its replacement, without indentation. A line
# that is not there exactly once is an error: the change was for another program.
set -u
cd "$(dirname "$0")/.." || exit 1
source=$PWD place=${PT_MUTATIONS:-$PWD/build-mutations} jobs=${JOBS:-$(nproc)}
tree=$place/tree build=$place/build
names=() tests=() files=() lines=() others=()

# mutation NAME TEST FILE < "- line" and, unless the line is taken out, "+ line"
mutation() {
    local line other=
    IFS= read -r line
    IFS= read -r other
    names+=("$1") tests+=("$2") files+=("$3") lines+=("${line#- }") others+=("${other#+ }")
}

# ---- the changes -------------------------------------------------------------------------

# placement
mutation server_counts_as_worker common.placement common/run/placement.c <<'M'
- users[c] += !rank[r].server && CPU_ISSET(c, &cores);
+ users[c] += CPU_ISSET(c, &cores);
M
mutation limit_of_the_groups_above_is_missed common.quota common/base/quota.c <<'M'
- least = lesser(least, limit_of(dir));
+ least = least == 0 ? limit_of(dir) : least;
M

# Algorithm 1
mutation w_without_R server.algorithm1 server/algorithm1.c <<'M'
- w = g_ce / (g_ptr * c->ratio);
+ w = g_ce / g_ptr;
M
mutation w_of_the_first_workers_images worker.algorithm1 server/step_record.c <<'M'
- pt_algorithm1_means(p->shards, v, &out->means);
+ pt_algorithm1_means(p->shards, v / d->run->n_workers, &out->means);
M
mutation gate_shuts_again server.algorithm1 server/algorithm1.c <<'M'
- if (g->kind == PT_GATE_EMA && g->ema < g->threshold) g->open = true;
+ if (g->kind == PT_GATE_EMA) g->open = g->ema < g->threshold;
M
mutation norm_of_the_batch_mean worker.algorithm1 worker/objective/objective.c <<'M'
- image->g_ce = pt_norm(b->g_ce + at, o->dims) * b->b;
+ image->g_ce = pt_norm(b->g_ce + at, o->dims);
M
mutation smooth_l1_is_l1 worker.algorithm1 worker/objective/pseudo_task.c <<'M'
- d = a < 1 ? d : d < 0 ? -1 : 1;
+ d = d < 0 ? -1 : 1;
M
mutation fixed_target_drawn_anew worker.pseudo_task worker/objective/pseudo_task.c <<'M'
- uint64_t a = p->per == PT_PER_RUN ? FIXED_STEP : step;
+ uint64_t a = p->per == PT_PER_RUN ? FIXED_STEP + step : step;
M
mutation matched_target_without_deviation worker.pseudo_task worker/objective/pseudo_task.c <<'M'
- for (size_t d = 0; d < n; d++) t[d] = p->mean[d] + p->std[d] * t[d];
+ for (size_t d = 0; d < n; d++) t[d] = p->mean[d] + t[d];
M

# weights of other programs
mutation a_link_out_of_the_models_folder_is_followed common.weights_onnx common/weights/beside.c <<'M'
- else if (!is_below(file, folder))
+ else if (!is_below(file, folder) && !folder)
M
mutation merged_tensors_have_one_name common.weights_onnx common/weights/onnx.c <<'M'
- if (s == PT_OK) s = add_all_merged(m, t);
+ if (t->n > PT_TABLE_ENTRIES_MAX) s = add_all_merged(m, t);
M
mutation a_file_of_another_network_is_not_named common.weights_names common/weights/weights.c <<'M'
- if (found.network && strcmp(found.network, g->network) != 0)
+ if (found.network && strcmp(found.network, g->network) == 0)
M

# shards, the tree, batch norm
mutation shards_are_rounded_up common.shards common/run/shards.c <<'M'
- return (int)((int64_t)s * b / n_shards);
+ return (int)(((int64_t)s * b + n_shards - 1) / n_shards);
M
mutation tree_merges_its_right_half_first common.shards common/run/shards.c <<'M'
- if (right) f->add(f->context, left, right);
+ if (right) f->add(f->context, right, left);
M
mutation rounding_is_what_a_library_made_it e2e.float_mode launch/main.c <<'M'
- pt_float_mode_standard();
M
mutation ranks_decode_to_other_pixels e2e.run_dir launch/support/agree.c <<'M'
- if (s == PT_OK) s = agree_on_decoders();
M
mutation rounding_is_what_the_mpi_made_it e2e.float_mode common/comm/job_collectives.c <<'M'
- if (s == PT_OK && done) pt_float_mode_standard();
M
mutation bf16_leaves_are_not_rounded worker.kernel_bits worker/engine/layers/tree_sum.c <<'M'
- if (span->bf16) pt_bf16_round(out, n);
M
mutation bf16_sums_of_servers_are_not_rounded worker.run_bits common/run/tiles.c <<'M'
- pt_bf16_add(into, from, *(const size_t *)count);
+ for (size_t i = 0; i < *(const size_t *)count; i++) ((float *)into)[i] += ((const float *)from)[i];
M
mutation factors_of_keys_begin_at_the_same_column worker.run_factors server/factor_sums.c <<'M'
- if (keys[k].server == f->comm->rank) at += pt_key_rows(f->run, k, &first);
M
mutation diagnostic_passes_form_rows_that_are_wanted worker.net_rows worker/engine/net/backward.c <<'M'
- if (s == PT_OK) weight_pass(n, last, NULL);
+ if (s == PT_OK) weight_pass(n, last, n->rows[tensor]);
M
mutation factors_are_added_in_another_order worker.run_factors server/factor_sums.c <<'M'
- pt_outer_plan(&f->span, tree, &plan);
+ pt_outer_plan(&f->span, tree, &plan); for (int i = 0; i < plan.n_leaves; i++) plan.merges[i] = i > 0;
M
mutation rows_of_sums_beside_factors_are_not_formed worker.run_factors worker/factor_pushes.c <<'M'
- if (pt_factor_pushes_has(p, keys->keys[k].server, tensor)) continue;
+ if (tensor >= 0) continue;
M
mutation workers_without_images_exchange common.allreduce common/run/allreduce.c <<'M'
- if (pt_span_images(&span) == 0) continue;
+ if (images == 0) continue;
M
mutation larger_half_swaps_without_its_spare_member common.allreduce common/run/allreduce.c <<'M'
- for (int i = at - mine; i < others; i += n_mine)
+ for (int i = at - mine; i < others; i += others + n_mine)
M
mutation every_member_of_a_host_swaps common.allreduce common/run/allreduce.c <<'M'
- if (i == 0 || m->host[i] != m->host[i - 1]) s->lead[s->n_leads++] = i;
+ s->lead[s->n_leads++] = i;
M
mutation sums_merged_in_order_of_arrival worker.exchange worker/exchange.c <<'M'
- if (!own && m->lo > x->lo) add_list(x, &t, x->lo, x->hi, x->list);
+ if (!own) add_list(x, &t, x->lo, x->hi, x->list);
M
mutation lists_that_are_sent_need_room worker.exchange worker/exchange.c <<'M'
- PT_CHECK(!m->receives || (size_t)(at + n) <= x->max_values,
+ PT_CHECK((size_t)(at + n) <= x->max_values,
M
mutation exchange_waits_for_its_end worker.exchange worker/exchange.c <<'M'
- if (s != PT_OK || !done) break;
+ if (s != PT_OK || !done || x->at > 0) break;
M
mutation weight_gradients_at_their_own_turn worker.net_overlap worker/engine/net/plan_gradients.c <<'M'
- p->nodes[above].weights_at = i;
+ p->nodes[above].weights_at = above;
M
mutation gradient_dies_before_its_weights worker.net_overlap worker/engine/net/plan_gradients.c <<'M'
- int weights = data_tick(p, p->nodes[i].weights_at) - 1;
+ int weights = data_tick(p, i) - 1;
M
mutation sums_leave_after_the_weight_gradients worker.net_overlap worker/engine/net/backward.c <<'M'
- if (owed < 0 || n->plan.nodes[owed].weights_at != i) return PT_OK;
+ if (owed < 0 || n->plan.nodes[owed].weights_at != i + 1) return PT_OK;
M
mutation empty_shards_are_added worker.run_edges server/gather.c <<'M'
- parts->values[p] = parts->full[p] ? part(g, s, (piece){a, p, k}) : NULL;
+ parts->values[p] = part(g, s, (piece){a, p, k});
M
mutation lent_weights_are_not_read worker.run_bits worker/client.c <<'M'
- memcpy(c->run->flat + k->offset, lent, k->count * sizeof(float));
M
mutation workers_of_a_host_send_by_themselves common.hosts common/run/hosts.c <<'M'
- return pt_run_lends(r, server, r->n_servers + worker)
+ return pt_run_lends(r, server, r->n_servers + worker) || r->lends
M
mutation homes_do_not_wait_for_their_own_sums worker.run_hosts worker/home.c <<'M'
- *done = d->ready;
+ *done = true;
M
mutation homes_add_in_another_order worker.run_hosts worker/home.c <<'M'
- t->values[i] = !t->full[i]    ? NULL
+ t->values[(i + 1) % t->n] = !t->full[i]    ? NULL
M
mutation homes_send_floats_as_bf16 worker.run_hosts worker/home.c <<'M'
- if (pt_run_wire_bf16(h->run)) pt_bf16_pack(sum, count, (uint16_t *)(void *)sum);
M
mutation hosts_send_what_each_worker_has worker.run_traffic common/run/traffic.c <<'M'
- add_values(c, home - c->r->n_servers, k->server, up, one, trees_of(c, s), false);
+ add_values(c, home - c->r->n_servers, k->server, up, one, trees_of(c, &(pt_sender){s->first, 1}), false);
M
mutation lent_keys_count_in_full worker.run_traffic common/run/traffic.c <<'M'
- received = down.keys * PT_MSG_PLACE_BYTES;
M
mutation another_process_s_memory_is_taken common.segments common/comm/segments.c <<'M'
- if (s == PT_OK && memcmp(g->base + mark_at(bytes), &mark, sizeof mark) != 0)
+ if (s == PT_OK && memcmp(g->base + mark_at(bytes), &mark, 0) != 0)
M
mutation moments_merged_without_their_distance common.moments common/run/moments.c <<'M'
- m2[k] = (m2[k] + other_m2[k]) + d * d * (na * (nb / n));
+ m2[k] = m2[k] + other_m2[k];
M
mutation running_variance_with_n common.moments common/run/moments.c <<'M'
- double unbiased = m2[k] / (n > 2 ? n - 1 : 1);
+ double unbiased = m2[k] / n;
M
mutation statistics_move_in_skipped_steps worker.run_nonfinite server/serve.c <<'M'
- if (r->verdict == PT__RECORD__VERDICT__APPLY) st = apply(s, r, &report);
+ if (r->verdict == PT__RECORD__VERDICT__APPLY) st = apply(s, r, &report); else if (is_first(s)) pt_running_update(s->run, s->step, pt_step_record_payloads(s->record)->payload);
M
mutation statistics_move_in_steps_voted_out worker.run_nonfinite server/serve.c <<'M'
- if (is_first(s) && v.bad < 0)
+ if (is_first(s))
M

# order, input
mutation every_epoch_in_the_same_order worker.algorithm1 common/run/plan.c <<'M'
- pt_rng r = pt_rng_stream(p->seed, PT_RNG_ORDER, epoch, b);
+ pt_rng r = pt_rng_stream(p->seed, PT_RNG_ORDER, 0, b);
M
mutation every_epoch_with_the_same_crops worker.augment worker/input/augment.c <<'M'
- return pt_rng_stream(d->seed, purpose, d->epoch, d->sample);
+ return pt_rng_stream(d->seed, purpose, 0 * d->epoch, d->sample);
M
mutation hue_and_saturation_in_fixed_order worker.augmentations worker/input/jitter.c <<'M'
- order[i] = order[j];
M
mutation averages_over_a_grid_backward_of_others worker.net_grid worker/engine/layers/avg_pool.c <<'M'
- for (int k = 0; k < n; k++) sum[k] += (double)g[k] / pixels;
+ for (int k = 0; k < n; k++) sum[k] += (double)g[k] / (pixels + 1);
M
mutation cutmix_labels_by_the_drawn_area worker.methods worker/objective/cutmix.c <<'M'
- m->share = 1 - (double)(w.y1 - w.y0) * (w.x1 - w.x0) / ((double)in->h * in->w);
+ m->share = pt_mixing_share(b, b->run->config->cross_entropy->cutmix);
M
mutation mixup_and_cutmix_at_once worker.methods worker/objective/mixing.c <<'M'
- return pt_rng_below(&r, 0, n) == mine;
+ return pt_rng_below(&r, 0, n) <= mine;
M
mutation test_views_augmented worker.augmentations worker/input/augment.c <<'M'
- return view(a, NULL, im, s, y, x, mirrored, out);
+ return view(a, &(draw){0, 0, 0}, im, s, y, x, mirrored, out);
M
mutation gray_of_16_bits_by_its_upper_byte worker.picture worker/input/png.c <<'M'
- uint8_t gray = v[2 * x] ? 255 : v[2 * x + 1];
+ uint8_t gray = v[2 * x];
M
mutation round_a_frame_black_for_transparent worker.picture worker/input/gif.c <<'M'
- r->blank = block[4]; /* the transparent colour */
+ r->blank = 0;
M
mutation files_of_a_folder_left_out_without_asking launch.pack launch/commands/cmd_pack.c <<'M'
- if (o->skip_bad) {
+ if (o->input) {
M
mutation share_for_the_test_rounded_down launch.folders launch/layouts/folders.c <<'M'
- size_t rounded = (size_t)floor(share * (double)n + 0.5);
+ size_t rounded = (size_t)floor(share * (double)n);
M
mutation dropout_is_not_scaled worker.pointwise worker/engine/layers/pointwise.c <<'M'
- float v = u >= prob ? x[i] * scale : 0.0f;
+ float v = u >= prob ? x[i] * scale * (1.0f - prob) : 0.0f;
M
mutation nan_in_a_whole_window_is_lost worker.pool2d worker/engine/layers/pool2d.c <<'M'
- bool wins = v > best || v != v;
+ bool wins = v > best;
M
mutation frozen_parts_are_trained worker.run common/run/run.c <<'M'
- r->trained[i] = !pt_tensor_frozen(&r->graph->tensors[i], frozen, n_frozen);
+ r->trained[i] = !pt_tensor_frozen(&r->graph->tensors[i], frozen, 0 * n_frozen);
M

# checkpoints, resuming, sums of what is stored
mutation one_generation_is_kept server.checkpoint server/checkpoint/saver.c <<'M'
- enum { GENERATIONS = 2, TEXT_BYTES = 1024 };
+ enum { GENERATIONS = 1, TEXT_BYTES = 1024 };
M
mutation checksum_of_a_part_not_compared server.checkpoint server/checkpoint/manifest.c <<'M'
- if (strcmp(found, crc) != 0)
+ if (strlen(found) != strlen(crc))
M
mutation momentum_of_another_key_restored worker.run_resume server/store.c <<'M'
- memcpy(s->velocity[k], from->velocity + key->offset, bytes);
+ memcpy(s->velocity[k], from->velocity, bytes);
M
mutation open_gate_not_restored worker.run_resume server/step_record.c <<'M'
- d->gate.open = p->gate_open;
M
mutation skips_in_a_row_not_restored worker.run_resume server/step_record.c <<'M'
- d->skips.in_a_row = p->skipped_in_a_row;
M
mutation average_of_the_wrong_side worker.methods server/methods/average.c <<'M'
- double rest = 1 - a->run->config->average->decay;
+ double rest = a->run->config->average->decay;
M
mutation average_not_restored worker.methods server/serve.c <<'M'
- memcpy(second, state->second, s->run->graph->n_param_floats * sizeof *second);
+ memcpy(second, second, s->run->graph->n_param_floats * sizeof *second);
M
mutation last_number_of_adarand_not_restored worker.methods server/methods/methods.c <<'M'
- memcpy(pt_server_methods_table[i]->state(m->self[i]), from, n * sizeof *from);
+ memcpy(pt_server_methods_table[i]->state(m->self[i]), from, (n - 1) * sizeof *from);
M
mutation hash_of_some_rows common.tensor common/graph/tensor.c <<'M'
- pt_digest_add(digest, rows, n * d.c * d.hw * sizeof *rows);
+ pt_digest_add(digest, rows, n * d.c * sizeof *rows);
M
mutation another_engine_is_the_same_run launch.identity launch/train/identity.c <<'M'
- "evaluation.",
+ "e",
M
mutation damaged_image_is_taken common.dataset_damage common/data/dataset_sums.c <<'M'
- if (crc == d->index.crc[image]) return false;
+ if (crc != 0 || d->index.crc[image] != 0) return false;
M

mutation idle_worker_is_waited_for launch.times launch/train/times.c <<'M'
- if (s > 0 && (found < 0 || s < times[found * PT_PAYLOAD_TIMES + what])) found = w;
+ if (found < 0 || s < times[found * PT_PAYLOAD_TIMES + what]) found = w;
M
mutation model_without_the_keys_of_others worker.run server/testing.c <<'M'
- pt_status s = files ? pt_collect(t->run, t->comm, t->run->flat) : PT_OK;
+ pt_status s = files ? PT_OK : PT_OK;
M
mutation second_set_without_the_keys_of_others worker.run server/testing.c <<'M'
- s = pt_collect(t->run, t->comm, pt_server_methods_second(t->methods));
+ s = PT_OK;
M
mutation workers_of_a_host_are_scattered common.layout common/run/layout.c <<'M'
- if (host[r] == h && !taken[r]) order[at++] = r;
+ if (!taken[r] && h == 0) order[at++] = r;
M
mutation bytes_of_the_last_report_are_forgotten worker.run_traffic common/run/traffic.c <<'M'
- uint64_t n = c->step + 1 == c->r->plan->total_steps ? 2 : 1;
+ uint64_t n = 1;
M
mutation an_equal_model_is_better launch.journal launch/train/best.c <<'M'
- if (best->images > 0 && right <= best->right) return false;
+ if (best->images > 0 && right < best->right) return false;
M
mutation the_best_of_many_methods_is_believed launch.verdict launch/report/verdict.c <<'M'
- p = fmax(p, other->p * (double)behind(b, other));
+ p = fmax(p, other->p);
M
mutation a_test_of_one_run_stands_for_all launch.report_parts launch/report/course.c <<'M'
- if (p->runs != n_runs) continue;
+ if (p->runs > n_runs) continue;
M
mutation the_bar_reaches_the_last_column launch.pace launch/support/pace.c <<'M'
- int room = columns - 1 - 5, width; /* "100 %" */
+ int room = columns - 5, width; /* "100 %" */
M
mutation a_test_done_again_is_there_twice launch.events launch/train/events.c <<'M'
- return x->step < first_step || (x->step == first_step && !(test && test_owed));
+ return x->step <= first_step || (test && x->step < first_step && test_owed);
M

mutation some_hosts_never_meet launch.doctor launch/doctor/links.c <<'M'
- if (h == odd) return round * ((odd + 1) / 2) % odd;
+ if (h == odd) return round % odd;
M
mutation bound_to_one_core_is_fine launch.doctor launch/doctor/cores.c <<'M'
- return CPU_COUNT(&both) > 0 && CPU_COUNT(&either) < 2;
+ return CPU_COUNT(&both) > 0 && CPU_COUNT(&either) < 1;
M

# messages, agreement, what is said and refused
mutation checksum_of_a_message_not_compared common.comm common/comm/comm.c <<'M'
- if (crc == r->crc) return PT_OK;
+ if (crc == r->crc || r->bytes > 0) return PT_OK;
M
mutation two_kinds_of_messages_share_tags common.message common/comm/message.c <<'M'
- return first + at;
+ return at;
M
mutation traffic_of_one_value_a_message worker.run_traffic common/run/traffic.c <<'M'
- values * doubles * sizeof(double), exchanges);
+ (values > 0) * doubles * sizeof(double), exchanges);
M
mutation traffic_without_checksums worker.run_traffic common/run/wire.c <<'M'
- bytes += rows * (uint64_t)dims * sizeof(float) + PT_MSG_CHECK_BYTES;
+ bytes += rows * (uint64_t)dims * sizeof(float);
M
mutation failure_of_one_rank_is_no_failure mpi.job.np2 common/comm/job_collectives.c <<'M'
- s = pt_mpi_check(MPI_Iallreduce(&rank, &first, 1, MPI_INT, MPI_MIN, pt_job.world, &r),
+ s = pt_mpi_check(MPI_Iallreduce(&rank, &first, 1, MPI_INT, MPI_MAX, pt_job.world, &r),
M
mutation failed_push_is_forgotten worker.client worker/client_push.c <<'M'
- if (r->active && c->lost == PT_OK) pt_client_keep(c, pt_comm_test(c->comm, r, &done));
+ if (r->active && c->lost == PT_OK && pt_comm_test(c->comm, r, &done)) return;
M
mutation pushes_know_no_window worker.client worker/turns.c <<'M'
- if (!waits(t, l) || l->pushed - l->came >= l->window) return -1;
+ if (!waits(t, l)) return -1;
M
mutation watchdog_counts_steps_from_0 common.watchdog common/comm/watchdog.c <<'M'
- snprintf(step, sizeof step, "step %llu", (unsigned long long)dog.step + 1);
+ snprintf(step, sizeof step, "step %llu", (unsigned long long)dog.step);
M
mutation a_stop_is_a_failure common.status common/base/status.c <<'M'
- return (unsigned)s < PT_STATUS_COUNT ? exit_codes[s] : 1;
+ return (unsigned)s < PT_STATUS_COUNT ? exit_codes[s] != 0 : 1;
M
mutation an_open_end_is_included common.config_ranges common/config/check.c <<'M'
- (r->right == ']' ? x <= r->high : x < r->high);
+ x <= r->high;
M
mutation contradiction_is_trained worker.method_pairs common/config/methods.c <<'M'
- if (is_set(c, a) && is_set(c, b)) found(context, &x);
+ if (is_set(c, a) && is_set(c, b) && a != PT_METHOD_CO_TUNING) found(context, &x);
M

. tests/mutations_of_bf16.sh
. tests/mutations_of_plans.sh
. tests/mutations_of_updates.sh
. tests/mutations_of_graphs.sh
. tests/mutations_of_ends.sh
. tests/mutations_of_commands.sh

# ---- the work ----------------------------------------------------------------------------

die() { echo "error: $*" >&2; exit 2; }

# A copy whose files keep their times, so that a build goes on; what the last run may have
# left changed is built again.
copy_tree() {
    mkdir -p "$tree" || die "$tree: cannot be made"
    tar -C "$source" --exclude='./build*' --exclude=./.git --exclude=./quickstart-run -cf - . |
        tar -C "$tree" -xf - || die "$tree: the copy failed"
    (cd "$tree" && touch "${files[@]}") || die "a file of the list is not there"
}

# check I: the line is there once
check() {
    local n
    n=$(sed 's/^[ \t]*//' "$source/${files[$1]}" | grep -cFx -e "${lines[$1]}")
    [ "$n" = 1 ] || die "${names[$1]}: '${lines[$1]}' is in ${files[$1]} $n times, not once"
}

# change I: in the copy
change() {
    local file=$tree/${files[$1]}
    LINE=${lines[$1]} OTHER=${others[$1]} awk '
        { text = $0; sub(/^[ \t]+/, "", text) }
        text != ENVIRON["LINE"] { print; next }
        ENVIRON["OTHER"] != "" { print ENVIRON["OTHER"] }' "$file" >"$place/changed"
    cmp -s "$file" "$place/changed" && die "${names[$1]}: changes nothing"
    cat "$place/changed" >"$file"
}
restore() { cat "$source/${files[$1]}" >"$tree/${files[$1]}"; }

# build_test TEST: a test of ctest, np2 and the like being no part of its program's name
build_test() {
    cmake --build "$build" -j"$jobs" --target "${1%.np[0-9]}" >"$place/build.log" 2>&1
}
run_test() {
    ctest --test-dir "$build" -R "^${1//./\\.}\$" --timeout 120 --no-tests=error \
        >"$place/test.log" 2>&1
}

wanted() { # NAME
    [ ${#only[@]} = 0 ] && return 0
    local n
    for n in "${only[@]}"; do [ "$n" = "$1" ] && return 0; done
    return 1
}

only=("$@")
for name in "${only[@]}"; do
    [[ " ${names[*]} " == *" $name "* ]] || die "there is no change '$name'"
done
for i in "${!names[@]}"; do check "$i"; done
copy_tree
cmake -S "$tree" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=ON >"$place/build.log" 2>&1 ||
    { tail -20 "$place/build.log"; die "$build: cmake failed"; }

# Unchanged, every test passes: a red one would prove nothing.
for i in "${!names[@]}"; do
    wanted "${names[$i]}" && echo "${tests[$i]}"
done | sort -u >"$place/tests"
while read -r test; do
    build_test "$test" || { tail -20 "$place/build.log"; die "$test: the build failed"; }
    run_test "$test" || { tail -20 "$place/test.log"; die "$test fails without a change"; }
done <"$place/tests"

noticed=0 missed=0
echo "| change | file | noticed by |"
echo "|---|---|---|"
for i in "${!names[@]}"; do
    wanted "${names[$i]}" || continue
    change "$i"
    build_test "${tests[$i]}" ||
        { restore "$i"; tail -20 "$place/build.log"; die "${names[$i]}: does not compile"; }
    if run_test "${tests[$i]}"; then
        missed=$((missed + 1))
        by="NOTHING (${tests[$i]} passes)"
    else
        noticed=$((noticed + 1))
        by=${tests[$i]}
    fi
    restore "$i"
    echo "| ${names[$i]//_/ } | ${files[$i]} | $by |"
done
echo "$noticed noticed, $missed not"
[ $missed = 0 ]
