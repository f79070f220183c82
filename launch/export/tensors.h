/* The tensors of an exported network in a file's order: parameters first, as the hash has
 * them. */
#ifndef PT_LAUNCH_EXPORT_TENSORS_H
#define PT_LAUNCH_EXPORT_TENSORS_H

#include "launch/export/export.h"
#include "launch/export/sink.h"

typedef struct {
    const pt_export *export;
    const pt_tensor **list; /* [n]: those that the logits need */
    size_t n;
    uint64_t bytes; /* of all their values */
    float *scratch; /* of the largest */
} pt_export_tensors;

PT_MUST_USE pt_status pt_export_tensors_init(const pt_export *e, pt_export_tensors *t);
void pt_export_tensors_fini(pt_export_tensors *t);

/* The values of tensor i in PyTorch's layout, float32. */
PT_MUST_USE pt_status pt_export_tensors_write(const pt_export_tensors *t, size_t i,
                                              pt_sink *k);

#endif
