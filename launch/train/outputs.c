#include "launch/train/outputs.h"

#include "common/weights/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/stop.h"
#include "launch/train/predictions.h"
#include "server/checkpoint/manifest.h"

pt_status pt_outputs_model(const pt_setup *u, const float *flat, const char *name)
{
    const pt_run *r = u->run;
    pt_weights_info info = {
        .options = u->network.options,
        .has_preprocess = true,
        .preprocess = u->preprocess,
        .has_geometry = true,
        .geometry = {(pt_resize_mode)r->config->data->resize_mode,
                     (int)r->config->data->resize},
        .direct = !r->config->engine->winograd,
    };
    char *path = pt_file_path(r->config->run->dir, name);
    pt_status s = path ? pt_file_check_space(path, pt_model_bytes(r->graph))
                       : pt_fail(PT_ERR_NOMEM, "no memory for %s", name);

    if (s == PT_OK)
        s = pt_model_save(path, r->graph, &info, flat, pt_dataset_class_names(u->data));
    free(path);
    return s;
}

pt_status pt_outputs_start(const pt_setup *u)
{
    if (!u->network.like || u->run->graph->source_logits >= 0) return PT_OK;
    return pt_outputs_model(u, u->run->flat, PT_START_FILE);
}

/* ---- disk space ------------------------------------------------------------------- */

static uint64_t bytes_needed(const pt_setup *u)
{
    const pt_run *r = u->run;
    const pt_config *c = r->config;
    bool periodic = c->run->checkpoint_s > 0 || c->run->checkpoint_steps > 0;
    bool second = r->asks & PT_ASKS_SECOND;
    uint64_t n = pt_model_bytes(r->graph) * (1u + c->run->keep_best + second);

    for (int k = 0; k < r->n_servers; k++) n += pt_part_bytes(r, k) * (periodic ? 2 : 1);
    n += pt_predictions_bytes(u->data, u->test, u->n_test);
    if (c->evaluation->train_split)
        n += pt_predictions_bytes(u->data, r->plan->images, r->plan->n_images);
    return n;
}

void pt_outputs_check_space(const pt_setup *u)
{
    const char *dir = u->run->config->run->dir;
    char *root = pt_file_path(dir, "checkpoints"), *path = pt_file_path(dir, "model.h5");
    uint64_t need = bytes_needed(u), have = root ? pt_checkpoint_bytes(root) : 0, there;

    need = need > have ? need - have : 0;
    if (path && pt_file_check_space(path, need) != PT_OK &&
        pt_file_free_bytes(path, &there))
        pt_log_warn("%s: model, predictions and checkpoints need %.1f MB, %.1f MB are "
                    "free: training starts, but they may not fit",
                    dir, (double)need * 1e-6, (double)there * 1e-6);
    free(root);
    free(path);
}

/* ---- again ------------------------------------------------------------------------ */

/* Waits half a second, polling so that the ranks that wait for us know that we are alive.
 */
static void pause_briefly(void)
{
    for (int i = 0; i < 25; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
        pt_comm_poll(pt_job_comm());
    }
}

/* Removes the older of two checkpoints, which is no longer needed. */
static void free_space(const pt_setup *u)
{
    char *root = pt_file_path(u->run->config->run->dir, "checkpoints");

    if (root) pt_checkpoint_prune(root, 1);
    free(root);
}

pt_status pt_outputs_insist(const pt_setup *u, pt_status (*write)(void *context),
                            void *context)
{
    double start = pt_clock(), limit = u->run->config->run->watchdog_s;
    char why[1024];
    pt_status s = write(context);

    if (s != PT_ERR_IO) return s;
    free_space(u);
    s = write(context);
    if (s == PT_ERR_IO) pt_log_warn("%s; trying again for %.0f s", pt_fail_text(), limit);
    while (s == PT_ERR_IO && pt_clock() - start < limit && !pt_stop_asked()) {
        pause_briefly();
        s = write(context);
    }
    if (s != PT_ERR_IO) return s;
    snprintf(why, sizeof why, "%s", pt_fail_text());
    return pt_fail(s, "%s (tried for %.0f s)", why, pt_clock() - start);
}
