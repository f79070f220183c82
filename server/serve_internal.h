/* What serve.c, record.c, update.c, rows.c and save.c share. Nobody else includes this.
 */
#ifndef PT_SERVER_INTERNAL_H
#define PT_SERVER_INTERNAL_H

#include "server/checkpoint/saver.h"
#include "server/coupling.h"
#include "server/gather.h"
#include "server/schedule.h"
#include "server/serve.h"
#include "server/store.h"

struct pt_server {
    pt_run *run;
    pt_comm *comm;
    pt_test_sizes tests;
    pt_server_hooks hooks;
    pt_store *store;
    pt_gather *gather;
    pt_gate gate;
    pt_schedule schedule;
    uint64_t step;

    double **payload;       /* [n_workers]: rank 0 */
    size_t payload_len;     /* doubles, of the largest */
    pt_shard_sums *shards;  /* [V] */
    pt_image_norms *images; /* [batch] */
    double *times;
    double *vectors,
        *rows;           /* pseudo_task.norm: batch; coupled images (common/run/wire.h) */
    double *mean_room;   /* [2 rep size] */
    pt_coupler *coupler; /* NULL: no images are coupled */
    double **coupled;    /* [n_workers] terms being sent */
    pt_request *coupled_sent;
    bool stop_asked;      /* a worker, or this rank, was asked to stop */
    pt_request *requests; /* [n_workers] payloads; also test rows */
    uint8_t record_bytes[PT_RECORD_BYTES];
    pt_request *records; /* [n_servers + n_workers] */
    pt_request *pull;    /* [n_keys][n_workers] */
    double last_record_s;
    pt_server_costs costs;                /* all but tree_s, which gather counts */
    const Pt__Record__StepRecord *record; /* being obeyed */

    uint32_t skipped, skipped_in_a_row;
    char skip_text[256]; /* why this step is skipped, "" = it is not */
    float *held;         /* nonfinite: skip_all: gradients of the keys, as run->flat */
    double held_since;   /* first of this step's keys complete; 0 = none yet */
    int bad_key;         /* a key whose gradient is not finite, -1 = none */

    pt_saver *saver; /* NULL: the run is not saved */
    double last_save_s;
    bool save_due, save_failed, hangs; /* hangs: the save under way, at the end */
};

static inline bool pt_server_first(const pt_server *s)
{
    return s->comm->rank == 0;
}

/* ---- record.c: rank 0, from payloads to the step record --------------------------- */

/* Takes the payloads, decides, sends the record to every rank. */
PT_MUST_USE pt_status pt_server_make_record(pt_server *s, Pt__Record__StepRecord *r,
                                            pt_step_report *report);
PT_MUST_USE pt_status pt_server_take_record(pt_server *s, Pt__Record__StepRecord *r);

/* Finishes each batch norm node's tree and moves its running statistics. */
void pt_server_update_running(pt_server *s);

/* Takes one skipped step into the counts; PT_ERR_NUMERIC with why where run.nonfinite
 * does not allow it, or not one more. */
PT_MUST_USE pt_status pt_server_skip(pt_server *s, const char *why);

/* data [n floats] to every worker. */
PT_MUST_USE pt_status pt_server_send_all(pt_server *s, pt_msg_kind kind,
                                         const float *data, size_t n);

/* The running statistics of this moment to every worker, where the network has any. */
PT_MUST_USE pt_status pt_server_send_running(pt_server *s);

/* ---- update.c: gradients of the step's keys, and the keys' new values -------------- */

PT_MUST_USE pt_status pt_server_update_keys(pt_server *s, const pt_gate *before);

/* ---- rows.c: outputs of the network that workers compute block by block ------------ */

PT_MUST_USE pt_status pt_server_evaluate(pt_server *s, bool last);
PT_MUST_USE pt_status pt_server_measure_features(pt_server *s);

/* LwF: takes them before the first step, and sends all of them to every worker, then and
 * after a resume. */
PT_MUST_USE pt_status pt_server_measure_responses(pt_server *s);

/* ---- save.c ------------------------------------------------------------------------ */

/* Rank 0: does a checkpoint follow this step? */
bool pt_server_save_due(pt_server *s);

/* Copies what this server owns and starts to write it as the state before step `next`. */
PT_MUST_USE pt_status pt_server_save(pt_server *s, uint64_t next, bool test_owed);

/* Waits until the save under way has ended, and says how; PT_ERR_IO where it hangs. */
PT_MUST_USE pt_status pt_server_saved(pt_server *s);

/* Waits for the writer where it holds the lock of the HDF5 library, for a hook that will
 * want it; PT_ERR_IO where it hangs there. */
PT_MUST_USE pt_status pt_server_free_library(pt_server *s);

/* At the end: waits for the save under way. One that hangs, or failed, is a warning. */
void pt_server_end_saves(pt_server *s);

#endif
