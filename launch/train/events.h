/* Event files for TensorBoard, beside metrics.jsonl (run.tensorboard): each of its
 * numbers as a scalar, a histogram of w for each epoch, a few training images. A step
 * counts as in "after step N". Rank 0.
 *
 * A job has a file of its own, events.out.tfevents.SECONDS.HOST; a resumed one cuts those
 * before it where it goes on, so that no step is there twice, and tells a TensorBoard
 * that is reading them. A file that cannot be written is a warning, once, and ends there.
 */
#ifndef PT_LAUNCH_TRAIN_EVENTS_H
#define PT_LAUNCH_TRAIN_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/data/dataset.h"

#define PT_EVENTS_PREFIX "events.out.tfevents."

typedef struct pt_events pt_events;

/* first_step, test_owed: as for pt_metrics_keep. PT_ERR_NOMEM is its only failure. */
PT_MUST_USE pt_status pt_events_open(const char *dir, uint64_t first_step, bool test_owed,
                                     pt_events **out);
void pt_events_close(pt_events **e);

/* A line of metrics.jsonl; context is a pt_events. */
void pt_events_line(void *context, const json_t *line);

/* The first of images [n] of each class, of eight classes at most. */
void pt_events_pictures(pt_events *e, const pt_dataset *d, const uint32_t *images,
                        size_t n);

#endif
