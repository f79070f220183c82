/* Reading pretrained weights written by other programs, and our own model file.
 * The format is found by content, never by the file's name. */
#ifndef PT_COMMON_WEIGHTS_H
#define PT_COMMON_WEIGHTS_H

#include <stdbool.h>

#include "common/base/status.h"
#include "common/graph/graph.h"
#include "common/weights/info.h"
#include "common/weights/table.h"

/* Inspects without loading: format, classes of the head, and the record of our own model
 * file. Files of other programs do not name their network: what is known about them comes
 * from loading. path: a file, or a directory that holds `entry`, or model.json where
 * entry is NULL. */
PT_MUST_USE pt_status pt_weights_inspect(const char *path, const char *entry,
                                         pt_weights_info *info);

/* Names and shapes of what the file holds; end *t. Errors as pt_weights_load. Local. */
PT_MUST_USE pt_status pt_weights_open(const char *path, pt_format *format, pt_table **t);

/* Loads every tensor of `g` from the file into flat (memory layout, see graph.h).
 *
 * with_head   false: head tensors are neither required nor read and stay as they are
 * entry       file inside a directory, or NULL
 * info        out, may be NULL
 * Only tensors that the graph asks for must exist; all others must be accounted for, by
 * the head or by info->left: a file that holds more than the graph is of another network
 * and refused, with the names of the first five. All misfits of a file are listed, one
 * line each, naming the tensor and both shapes ("features.0.weight: file has 64x3x7x7,
 * network needs 64x3x3x3") or the file that misses; of missing tensors three, and how
 * many there are; then PT_ERR_WEIGHTS and flat is unspecified. A file that has no tensor
 * of the network at all, or is of another one that we know, gets one line. A file that
 * cannot be read is PT_ERR_IO, a broken one PT_ERR_DATA.
 * For a graph that a file described (pt_graph_is_of_file) an ONNX model's layers are
 * found as those of its own graph (onnx_graph.h). Local. Reads at most what the file
 * holds; every length is checked against its size. */
PT_MUST_USE pt_status pt_weights_load(const char *path, const char *entry,
                                      const pt_graph *g, bool with_head, float *flat,
                                      pt_weights_info *info);

/* The graph that the file describes: an ONNX model, or a model of ours that was trained
 * on one. PT_ERR_WEIGHTS for other formats, which describe none, and for a model whose
 * network is one of ours. Local. */
PT_MUST_USE pt_status pt_weights_graph(const char *path, pt_graph **g);

/* Class names that a file of ours records, a model or its export to ONNX:
 * NULL-terminated, one block that free(*names) releases; *names is NULL and *n 0 where it
 * has none. */
PT_MUST_USE pt_status pt_weights_class_names(const char *path, pt_format format,
                                             char ***names, size_t *n);

/* Reads all that inspecting and loading may read of an HDF5 file (a model of ours, or of
 * Keras) and keeps nothing: for a process that may crash in the HDF5 library. Tensors
 * that cannot be read are ignored, as the network may not need them; if the library runs
 * out of memory, PT_ERR_NOMEM. Files of other formats are only recognised. Errors as
 * pt_weights_load. Local. */
PT_MUST_USE pt_status pt_weights_try(const char *path, const char *entry);

#endif
