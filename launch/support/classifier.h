/* A network with the weights of a file and its preprocessing, ready to classify images.
 */
#ifndef PT_LAUNCH_SUPPORT_CLASSIFIER_H
#define PT_LAUNCH_SUPPORT_CLASSIFIER_H

#include <stdbool.h>

#include "common/weights/weights.h"
#include "worker/input/augment.h"

typedef struct {
    pt_graph *graph;
    float *flat; /* [graph->n_floats], memory layout */
    pt_weights_info info;
    pt_augment augment; /* the test view, as the file has it or as ImageNet's is */
} pt_classifier;

/* The file of a model that a person names: that of a run, DIR/model.h5, where `name` is
 * the directory of one. malloc'd; NULL without memory. */
char *pt_classifier_path(const char *name);

/* network: its name; NULL: the file's own, which model files of ptrain have, and ONNX
 * models: one of ours by its names, or else the graph of the file (onnx_graph.h). entry:
 * file inside a directory, or NULL. with_head false: what is above the representation is
 * not read, and 0. *out is to be ended by pt_classifier_fini, also after a failure.
 * Local.
 */
PT_MUST_USE pt_status pt_classifier_open(const char *path, const char *entry,
                                         const char *network, bool with_head,
                                         pt_classifier *out);

/* The names of its classes: the lines of `file`, or where that is NULL those that path, a
 * file of ours, records; *names NULL: there are none. One block that free(*names)
 * releases. PT_ERR_DATA if there are not as many as classes. */
PT_MUST_USE pt_status pt_classifier_names(const pt_classifier *m, const char *path,
                                          const char *file, char ***names);

/* Collective: the same on every rank, whose weights must be the same; a failure is
 * agreed. */
PT_MUST_USE pt_status pt_classifier_open_all(const char *path, const char *network,
                                             bool with_head, pt_classifier *out);
void pt_classifier_fini(pt_classifier *m);

#endif
