/* Our own model file (HDF5; its contents are listed at pt_model_save). */
#ifndef PT_COMMON_WEIGHTS_MODEL_H
#define PT_COMMON_WEIGHTS_MODEL_H

#include <stdbool.h>

#include "common/data/h5file.h"
#include "common/weights/info.h"
#include "common/weights/table.h"

/* Whether the root says format = "ptrain-model". */
bool pt_model_is(const pt_h5file *f);

/* Reads the record: everything in *info but the weights. PT_ERR_DATA if it is not whole.
 */
PT_MUST_USE pt_status pt_model_inspect(const char *path, pt_weights_info *info);

/* Opening reads all tensors once and compares the weight hash:
 * PT_ERR_DATA if it differs, so a file that opens holds what was saved. */
PT_MUST_USE pt_status pt_model_open(const char *path, pt_table **out);

/* Class names that our model file records: NULL-terminated, one block that free(*names)
 * releases; *names is NULL and *n 0 where it has none. */
PT_MUST_USE pt_status pt_model_class_names(const char *path, char ***names, size_t *n);

/* The graph of a model whose network a file described (pt_graph_is_of_file); *g is NULL
 * for a network of ours. PT_ERR_DATA if it is damaged. */
PT_MUST_USE pt_status pt_model_graph(const char *path, pt_graph **g);

/* Bytes that a model file of g takes, at most. */
uint64_t pt_model_bytes(const pt_graph *g);

/* Writes our model file (HDF5): every tensor under its name in file layout as float32,
 * below /weights; /tensors: their names in the order of the hash; attributes of the root:
 * format = "ptrain-model", format_version = 1, network, n_classes, side, original_head
 * (0, 1), stride_at (conv2, conv1), rep_at (after_relu, before_relu, after_dropout),
 * dropout, bn_eps, weight_hash; with has_preprocess preprocess_order (rgb, bgr),
 * preprocess_scale, preprocess_mean, preprocess_std; with has_geometry resize_mode
 * (square, short_side, no_resize), resize; convolution = "direct" where it is.
 * class_names: /classes [n_classes], or NULL. /graph: the packed graph, of one that a
 * file described. record_crc32c: of the names, of all attributes and of the graph.
 * Reading checks it and the hash; a file of ours with neither right is refused. Written
 * to a temporary name and renamed: never half a file.
 *
 * info: what pt_model_inspect gives back: options, preprocess, geometry, direct. */
PT_MUST_USE pt_status pt_model_save(const char *path, const pt_graph *g,
                                    const pt_weights_info *info, const float *flat,
                                    const char *const *class_names);

#endif
