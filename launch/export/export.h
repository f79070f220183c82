/* A trained network as files of other programs. Tensors have our names, which are
 * torchvision's where it has the network, and PyTorch's layout. Local. */
#ifndef PT_LAUNCH_EXPORT_EXPORT_H
#define PT_LAUNCH_EXPORT_EXPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "common/data/view.h"
#include "common/graph/graph.h"

typedef struct {
    const pt_graph *graph;
    const float *flat; /* [graph->n_floats], memory layout */
    const pt_preprocess *preprocess;
    const pt_geometry *geometry;
    const char *const *classes; /* [graph->n_classes], or NULL */
} pt_export;

/* Is node i needed for the logits? A source head beside them is not; nor is dropout,
 * which passes its input on. Out: needed [n_nodes]. */
void pt_export_needed(const pt_graph *g, bool *needed);

/* What the file says of itself: keys and values, both texts, as the three formats'
 * metadata have it: network, weight_hash, producer, the preprocessing (order, scale,
 * mean, std, resize_mode, resize, crop), and, where they are known, classes as a JSON
 * array. NULL without memory. A new reference. */
json_t *pt_export_metadata(const pt_export *e);

/* The formats. path is replaced in one move, never half a file. PT_ERR_IO with the space
 * that is needed. */

/* ONNX, opset 13: input [N][3][side][side], preprocessed; output "logits" [N][classes].
 * Batch norm stays. SqueezeNet is the graph that it is. */
PT_MUST_USE pt_status pt_export_onnx(const pt_export *e, const char *path);

/* safetensors: every tensor as F32; see pt_export_metadata for __metadata__. */
PT_MUST_USE pt_status pt_export_safetensors(const pt_export *e, const char *path);

/* What torch.save makes of an OrderedDict of tensors: a state dict for load_state_dict,
 * strict where torchvision has the network. It has no room for metadata. */
PT_MUST_USE pt_status pt_export_pth(const pt_export *e, const char *path);

#endif
