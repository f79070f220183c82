# shellcheck shell=bash
# Sourced by mutations.sh: changes of graphs that files describe.
mutation graphs_are_read_before_they_are_made common.weights_onnx_graph common/weights/onnx_graph.c <<'M'
- if (*name && !k && !pt_onnx_model_find(&x->m, name))
+ if (*name && !k && !x->at && !pt_onnx_model_find(&x->m, name))
M
mutation the_order_of_matmuls_weights_is_that_of_gemm worker.onnx_graph common/weights/onnx_layers.c <<'M'
- from.transposed = !trans_b;
+ from.transposed = trans_b != 0;
M
mutation a_bias_of_a_depthwise_convolution_is_lost worker.onnx_graph common/weights/onnx_layers.c <<'M'
- from = (pt_onnx_source){.bias = bias};
+ from = (pt_onnx_source){0};
M
mutation an_added_bias_is_normalized common.graph_like common/graph/builder.c <<'M'
- b->g->tensors[n->weight].fixed = true;
+ b->g->tensors[n->weight].fixed = false;
M
mutation a_packed_graph_forgets_strides common.graph_like common/graph/packed.c <<'M'
- set(&l->stride, &l->has_stride, w->stride);
+ set(&l->stride, &l->has_stride, w->kh);
M
mutation padding_of_an_average_does_not_count worker.avg_pool worker/engine/layers/avg_pool.c <<'M'
- s->count_pad ? pt_min_int(start + s->k, s->in + s->after) - start : r.to - r.from;
+ r.to - r.from;
M
mutation names_say_more_than_an_export launch.export common/weights/weights.c <<'M'
- if (info->format == PT_FORMAT_MODEL || info->has_preprocess)
+ if (info->format == PT_FORMAT_MODEL)
M
