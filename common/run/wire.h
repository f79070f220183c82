/* What the messages of a step hold: one place for both ends. common/run/traffic.h counts
 * the bytes. Pure.
 *
 * A worker's payload is doubles, in this order:
 *     PT_PAYLOAD_TIMES       seconds of its last step (pt_step_time)
 *     1 at PT_PAYLOAD_STOP   not 0: this worker was asked to stop
 *     per shard it owns      pt_shard_sums
 *     per shard it owns      where pseudo_task.norm is batch: the sums of g_ce and g_ptr,
 *                            2 * rep size
 *     per image it owns      pt_image_norms
 *     per image it owns      its row for methods that couple images
 *                            (common/run/coupling.h)
 *     per batch norm node that computes statistics, in graph order, per cover
 *     sub-tree with images   moments (common/run/moments.h)
 */
#ifndef PT_COMMON_RUN_WIRE_H
#define PT_COMMON_RUN_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/run/run.h"
#include "proto/record.pb-c.h"

enum { PT_RECORD_BYTES = 128 };

/* What a worker reports about one shard before the backward pass: sums over its images,
 * in image order. Doubles only: a payload holds the struct as it is. */
typedef struct {
    double n;  /* images; beside a source data set those of the target, as in all sums
                  but bad and penalty */
    double ce; /* sum of cross-entropies */
    double correct; /* images whose largest logit is their label's */
    double g_ce;    /* sum over images of |d CE_i / d rep_i| */
    double g_ptr;   /* sum over images of |d L_ptr_i / d rep_i| */
    double l_ptr;   /* sum of the regression losses */
    double rep;     /* sum of |rep_i| */
    double cosine;  /* sum of cos(g_ce_i, g_ptr_i) */
    double bad;     /* images with a loss or norm that is not finite */
    double penalty; /* sum of the regularizers' losses that an image has by itself */
} pt_shard_sums;

/* And of one image; of a source image all are 0, but bad may be 1. */
typedef struct {
    double g_ce;   /* |d CE_i / d rep_i| */
    double g_ptr;  /* |d L_ptr_i / d rep_i| */
    double cosine; /* of the angle between these two gradients */
    double rep;    /* |rep_i| */
    double bad;    /* not 0: a number of the image is not finite */
} pt_image_norms;

enum {
    PT_SHARD_DOUBLES = sizeof(pt_shard_sums) / sizeof(double),
    PT_IMAGE_DOUBLES = sizeof(pt_image_norms) / sizeof(double)
};

/* How a worker's step spent its time, in seconds: all but the last add up to it. */
typedef enum {
    PT_TIME_INPUT,   /* waiting for decoded images */
    PT_TIME_COMPUTE, /* forward, losses, backward */
    PT_TIME_WEIGHTS, /* waiting for new weights, or for gradients to leave */
    PT_TIME_SUMS,    /* waiting for other workers' batch-norm sums */
    PT_TIME_RECORD,  /* waiting for what rank 0 sends: the record, terms, statistics */
    PT_TIME_HIDDEN,  /* of COMPUTE: while gradients were under way */
    PT_PAYLOAD_TIMES
} pt_step_time;

/* Seconds that a worker waited for other ranks. */
double pt_times_waited(const double times[PT_PAYLOAD_TIMES]);

enum { PT_PAYLOAD_STOP = PT_PAYLOAD_TIMES, PT_PAYLOAD_HEAD };

/* What a server but rank 0 reports as a step begins, of the steps before it: its costs,
 * as pt_server_costs (server/hooks.h), and whether it was asked to stop. Doubles only. */
typedef struct {
    double stop; /* not 0: it was */
    double tree_s, update_s, save_s, saves, missed, held_s;
} pt_server_report;

/* Offsets in doubles into the payload of `worker` at `step` (the stage must be entered).
 */
typedef struct {
    size_t shards, vectors, images, rows, moments, total;
    int n_shards, n_images, n_trees; /* n_trees: cover sub-trees with images */
} pt_payload;
pt_payload pt_payload_layout(const pt_run *r, int worker, uint64_t step);

/* Doubles of a shard's two sums of gradients at the representation; 0: they are not sent.
 */
size_t pt_payload_vector(const pt_run *r);

/* Doubles that bound every worker's payload at every step of every stage. */
size_t pt_payload_bound(const pt_run *r);

/* Cover sub-trees of a span: all of them; *n_full = how many have images. */
int pt_span_cover(const pt_span *p, pt_subtree out[PT_MAX_COVER], int *n_full);

/* Doubles of one batch norm exchange value: forward moments, backward two sums. */
size_t pt_exchange_len(int channels, bool backward);

/* Bytes of a push of `count` values: floats, or, with pt_run_wire_bf16, bfloat16, which
 * holds them exactly. New weights are always floats. */
size_t pt_push_bytes(const pt_run *r, size_t count);

/* Doubles of one value in all of a step's exchanges: forward where a node computes
 * statistics, backward where in addition something below it is trained. *exchanges = how
 * many they are. */
uint64_t pt_exchange_doubles(const pt_run *r, uint64_t *exchanges);

/* Record to and from its fixed-size message. PT_ERR_COMM, with *rec untouched, if it is
 * not a record or has unknown fields or an unknown verdict. */
void pt_record_pack(const Pt__Record__StepRecord *rec, uint8_t out[PT_RECORD_BYTES]);
PT_MUST_USE pt_status pt_record_unpack(const uint8_t in[PT_RECORD_BYTES],
                                       Pt__Record__StepRecord *rec);

/* Bytes of the running statistics, which every worker receives before a testing pass. */
uint64_t pt_traffic_of_running(const pt_run *r);

/* Bytes of the weights that every worker receives for a test of a method's second set,
 * and for going on from there; 0: no method has one. */
uint64_t pt_traffic_of_second(const pt_run *r);

/* Bytes that every worker receives after a test where the run may end early; and, once it
 * ends, of the weights that it hands on. 0: it may not. */
uint64_t pt_traffic_of_decision(const pt_run *r);
uint64_t pt_traffic_of_handing_on(const pt_run *r);

/* Bytes of the rows [n][dims] that worker sends in one testing pass over n images. */
uint64_t pt_traffic_of_rows(const pt_run *r, int worker, size_t n, int dims);

#endif
