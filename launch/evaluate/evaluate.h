/* A model on the images of a packed data set, in one process, on all its cores. The
 * central view's logits are those of a run's own test, bit for bit. Local. */
#ifndef PT_LAUNCH_EVALUATE_EVALUATE_H
#define PT_LAUNCH_EVALUATE_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/data/dataset.h"
#include "launch/support/classifier.h"

typedef enum {
    PT_VIEWS_CENTRE,
    PT_VIEWS_FLIP, /* the centre, and its mirror image */
    PT_VIEWS_TEN   /* the centre and the corners, each with its mirror image */
} pt_views;

int pt_views_count(pt_views views);

/* logits [n][classes of the network] of images [n] of d. Of several views, in their
 * place, the logarithms of the mean probabilities, which rank and weigh as logits do. An
 * image that cannot be decoded fails, with its name. */
PT_MUST_USE pt_status pt_evaluate_model(const pt_classifier *m, const pt_dataset *d,
                                        const uint32_t *images, size_t n, pt_views views,
                                        float *logits);

#endif
