/* Means of models that were fine-tuned from one start: model soups (Wortsman et al., ICML
 * 2022), uniform or greedy; and the line from the start to a model (WiSE-FT, Wortsman et
 * al., CVPR 2022). Local. */
#ifndef PT_LAUNCH_SOUP_SOUP_H
#define PT_LAUNCH_SOUP_SOUP_H

#include "common/data/dataset.h"
#include "launch/support/classifier.h"

/* The sum of models, in double. */
typedef struct {
    double *sum; /* [n_floats] */
    size_t n_floats;
    int n; /* models in it */
} pt_soup;

PT_MUST_USE pt_status pt_soup_init(size_t n_floats, pt_soup *out);
void pt_soup_fini(pt_soup *s);
void pt_soup_add(pt_soup *s, const float *flat);

/* out [n_floats]: the mean, rounded once. Of one model its own bits. with: one more
 * model, which is not added; NULL: none. */
void pt_soup_mean(const pt_soup *s, const float *with, float *out);

/* PT_ERR_USAGE unless b can be added to a: the same network, with the same options,
 * as many classes, and pixels prepared alike. Names: of the files. */
PT_MUST_USE pt_status pt_soup_check(const pt_classifier *a, const char *name_a,
                                    const pt_classifier *b, const char *name_b);

/* flat of m moves to (1 - share) * start + share * flat, but its head, which the start
 * does not have. start: of the same network, any classes. */
PT_MUST_USE pt_status pt_soup_towards(pt_classifier *m, const char *start, double share);

/* Images of d that the model classifies right. */
PT_MUST_USE pt_status pt_soup_right(const pt_classifier *m, const pt_dataset *d,
                                    const uint32_t *images, size_t n, size_t *right);

#endif
