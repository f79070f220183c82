/* What other programs call our tensors, and what pixels their networks expect. */
#ifndef PT_COMMON_WEIGHTS_NAMES_H
#define PT_COMMON_WEIGHTS_NAMES_H

#include "common/weights/table.h"
#include "common/weights/weights.h"

enum { PT_NAMES_MAX = 2 * PT_NAME_MAX };

/* The tensor of g that the file calls by our own name, or by the rule for this network
 * and format. NULL if there is none; `name` then says what was looked for. */
const pt_table_entry *pt_names_find(const pt_table *t, pt_format format,
                                    const pt_graph *g, const pt_tensor *tensor,
                                    char name[PT_NAMES_MAX]);

/* Shape of `e` in our file layout, as `tensor` would have it (a Keras kernel HWIO becomes
 * OIHW); dims of a rank that does not fit stay in their order. */
void pt_names_file_dims(const pt_table *t, const pt_table_entry *e,
                        const pt_tensor *tensor, size_t dims[PT_TABLE_DIMS_MAX]);

/* Classes of the head in the file, found by the names that heads have; 0 without one. */
int pt_names_classes(const pt_table *t);

#endif
