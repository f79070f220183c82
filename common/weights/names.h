/* A file's tensors against a network's, by the rules of naming.h. */
#ifndef PT_COMMON_WEIGHTS_NAMES_H
#define PT_COMMON_WEIGHTS_NAMES_H

#include "common/weights/naming.h"
#include "common/weights/table.h"

/* The rule of this format and network by which the file has most of g's tensors; the
 * first of several. Never NULL: our own names fit every network. */
const pt_naming *pt_names_choose(const pt_table *t, pt_format format, const pt_graph *g);

/* The tensor of g as the file calls it by the rule. NULL if there is none; `name` is what
 * was looked for. */
const pt_table_entry *pt_names_find(const pt_table *t, const pt_naming *rule,
                                    const pt_graph *g, const pt_tensor *tensor,
                                    char name[PT_NAMES_MAX]);

/* The file's bias of a convolution that has none in g; NULL without one, or where the
 * rule knows of none. */
const pt_table_entry *pt_names_find_bias(const pt_table *t, const pt_naming *rule,
                                         const pt_graph *g, const pt_node *conv);

/* Whether the rule has no such tensor and *value stands for all of its values: of a batch
 * norm that was folded into the convolution before it only beta is left, the others make
 * it the identity under running statistics. */
bool pt_names_fill(const pt_naming *rule, const pt_graph *g, const pt_tensor *tensor,
                   float *value);

/* Shape of `e` in our file layout, as `tensor` would have it (a Keras kernel HWIO becomes
 * OIHW; a convolution over the whole map is a linear layer); returns its rank. dims of a
 * rank that does not fit stay in their order. */
int pt_names_file_dims(const pt_naming *rule, const pt_table_entry *e,
                       const pt_tensor *tensor, size_t dims[PT_TABLE_DIMS_MAX]);

/* Whether `e` has the shape of `tensor` by the rule. */
bool pt_names_fits(const pt_naming *rule, const pt_table_entry *e,
                   const pt_tensor *tensor);

/* Classes of the head in the file, found by the names that heads have; 0 without one. */
int pt_names_classes(const pt_table *t);

/* Integers, scalars (limits of a clip) and PyTorch's counts are not weights. */
bool pt_names_is_weight(const pt_table_entry *e);

/* What of a file a network took. Counts are of weights: not of integers, scalars and
 * PyTorch's num_batches_tracked, which are nobody's weights. */
typedef struct {
    size_t n_weights, n_used;
    bool head_left;             /* a head of the file was not asked for */
    char left[PT_WEIGHTS_NOTE]; /* what the rule explains: "5 tensors are not used
                                   (conv_pw_13/kernel ...): the network ends at ..." */
} pt_names_use;

/* used [g->n_tensors]: the entries of g's tensors, NULL where none was read.
 * PT_ERR_WEIGHTS, naming the first five, if the file holds weights that neither g, nor a
 * head, nor the rule accounts for: it is of another network. */
PT_MUST_USE pt_status pt_names_account(const pt_table *t, const pt_naming *rule,
                                       const pt_graph *g,
                                       const pt_table_entry *const *used,
                                       pt_names_use *use);

#endif
