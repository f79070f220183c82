/* Scores of logits, and the predictions file with its hash. */
#ifndef PT_LAUNCH_TRAIN_PREDICTIONS_H
#define PT_LAUNCH_TRAIN_PREDICTIONS_H

#include <jansson.h>

#include "common/data/dataset.h"
#include "launch/train/setup.h"
#include "server/hooks.h"

typedef struct {
    size_t n, n_right;     /* images; of them top-1 right */
    double top1, top5, ce; /* shares, and the mean in nats */
    int n_classes;
    uint32_t *right, *of; /* [n_classes] */
    const pt_dataset *data;
} pt_score;

/* logits [n][classes of d] of images [n]. Equal logits: the lower class comes first. */
PT_MUST_USE pt_status pt_score_rows(const pt_dataset *d, const uint32_t *images, size_t n,
                                    const float *logits, pt_score *out);
void pt_score_fini(pt_score *s);

/* x, a number of s; null where there was no test. */
json_t *pt_score_number(const pt_score *s, double x);

/* {"class name": accuracy, ...}; classes without images have null. */
json_t *pt_score_per_class(const pt_score *s);

/* Adds a test after `step` to its line of metrics.jsonl: step, right, of, accuracy, top5,
 * ce. Takes line, which may be NULL; NULL without memory. */
json_t *pt_score_line(json_t *line, uint64_t step, const pt_score *s);

/* The class of the largest logit; of equal ones the first. */
int pt_logits_best(const float *logits, int n);

/* Rank of `label` among logits [n]: 0 if it is the largest. */
int pt_logits_rank(const float *logits, int n, int label);

/* SHA-256 over, for each image in order, its number (uint32), label (int32) and logits
 * (float32), little-endian. */
PT_MUST_USE pt_status pt_predictions_hash(const pt_dataset *d, const uint32_t *images,
                                          size_t n, const float *logits, char hash[65]);

/* Upper bound for the size of such a file, in bytes. */
uint64_t pt_predictions_bytes(const pt_dataset *d, const uint32_t *images, size_t n);

/* dir/name: image, label, prediction, logits, name, and the classes; hash: out, see
 * above. Space is checked first. */
PT_MUST_USE pt_status pt_predictions_write(const char *dir, const char *name,
                                           const pt_dataset *d, const uint32_t *images,
                                           size_t n, const float *logits, char hash[65]);

/* "test", "train", "validation"; and the images of that set. */
const char *pt_rows_name(pt_rows_of set);
const uint32_t *pt_rows_images(const pt_setup *u, pt_rows_of set);

#endif
