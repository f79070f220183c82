/* Label smoothing (Szegedy et al., CVPR 2016); the formula: pt_class_target. */
#include "worker/objective/method.h"

static void classes(void *self, const pt_batch *b, int i, pt_class_target *t)
{
    t->smoothing = b->run->config->cross_entropy->label_smoothing;
}

const pt_worker_method pt_worker_label_smoothing = {.classes = classes};
