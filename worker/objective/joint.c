/* Joint training: at the source head, the source task's cross-entropy, of source images
 * alone. */
#include "worker/objective/method.h"

#include <string.h>

static void at_source(void *self, const pt_batch *b, int i, const float *z, float *g)
{
    double weight = b->run->config->regularizers->joint->weight, correct;
    const pt_graph *graph = b->run->graph;
    int n = pt_graph_source_classes(graph);

    memset(g, 0, (size_t)n * sizeof *g);
    if (!pt_is_source(b, i)) return;
    pt_penalize(b, i, weight,
                pt_cross_entropy(z, n, pt_class(b->labels[i] - graph->n_classes),
                                 weight / b->b, g, &correct));
}

const pt_worker_method pt_worker_joint = {.at_source = at_source};
