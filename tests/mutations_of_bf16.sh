# shellcheck shell=bash
# Sourced by mutations.sh: changes of operands and values in bf16.
mutation tiny_is_decided_before_rounding common.gemm_bf16 common/gemm/bf16_step.h <<'M'
- return size == PT_SMALLEST && sum >= PT_BELOW_IS_TINY ? r : copysignf(0.0f, r);
+ return size == PT_SMALLEST && sum >= PT_SMALLEST ? r : copysignf(0.0f, r);
M
mutation positions_share_a_pair worker.kernels_bf16 worker/engine/conv/exact.c <<'M'
- return pt_kernel_bf16(s->kernel) ? 2 * pt_gemm_pairs(c) : c;
+ return c;
M
mutation rows_with_other_windows_are_computed_together worker.kernels worker/engine/conv/depthwise.c <<'M'
- if (last < end && v.n > 0 && v.n == other.n && v.w == other.w) break;
+ if (last < end && v.n == other.n && v.w == other.w) break;
M

mutation stored_values_are_cut worker.stored worker/engine/values.h <<'M'
- to[i] = (uint16_t)(pt_bf16_operand(u) >> 16);
+ to[i] = (uint16_t)(u >> 16);
M
mutation a_stored_block_is_not_masked worker.stored_convs worker/engine/conv/exact.c <<'M'
- for (size_t i = 0; p->mask.at && i < n; i += ROOM) {
+ for (size_t i = 0; p->mask.at && !p->y.bf16 && i < n; i += ROOM) {
M
mutation maps_for_others_are_stored_as_bf16 worker.net_storage worker/engine/net/plan_storage.c <<'M'
- !p->nodes[i].map && n->h * n->w > 1;
+ n->h * n->w > 1;
M
mutation products_of_few_images_are_not_rounded worker.run_bits worker/engine/net/forward.c <<'M'
- pt_kernel_bf16(n->opt.kernel), pt_net_float_y(n, node->in[0]),
+ pt_kernel_bf16(n->opt.kernel) && n->n_images > 4, pt_net_float_y(n, node->in[0]),
M
