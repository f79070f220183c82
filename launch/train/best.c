#include "launch/train/best.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/train/outputs.h"

#define UNWRITTEN "-" /* instead of a digest: no file has it */

bool pt_best_offer(pt_best *best, uint64_t step, uint64_t right, uint64_t images)
{
    if (best->images > 0 && right <= best->right) return false;
    *best = (pt_best){.step = step, .right = right, .images = images};
    return true;
}

static pt_status digest_of(const char *dir, char out[65])
{
    char *path = pt_file_path(dir, PT_BEST_FILE);
    pt_status s = path ? pt_digest_file(path, out)
                       : pt_fail(PT_ERR_NOMEM, "no memory for " PT_BEST_FILE);

    free(path);
    return s;
}

pt_status pt_best_write(void *writer)
{
    pt_best_writer *w = writer;
    pt_status s;

    if (!w->flat) return PT_OK;
    s = pt_outputs_model(w->u, w->flat, PT_BEST_FILE);
    if (s != PT_OK) return s;
    free(w->flat);
    w->flat = NULL;
    w->warned = false;
    return digest_of(w->u->run->config->run->dir, w->best->digest);
}

pt_status pt_best_try(pt_best_writer *w)
{
    pt_status s = pt_best_write(w);

    if (s != PT_ERR_IO) return s;
    if (!w->warned)
        pt_log_warn("%s; its weights are kept in memory and written when possible; "
                    "training continues",
                    pt_fail_text());
    w->warned = true;
    return PT_OK;
}

pt_status pt_best_keep(pt_best_writer *w)
{
    const pt_run *r = w->u->run;

    if (!w->flat) w->flat = pt_calloc(r->graph->n_floats, sizeof *w->flat);
    if (!w->flat) return pt_fail(PT_ERR_NOMEM, "no memory for the best model");
    memcpy(w->flat, r->flat, r->graph->n_floats * sizeof *w->flat);
    snprintf(w->best->digest, sizeof w->best->digest, "%s", UNWRITTEN);
    return pt_best_try(w);
}

pt_status pt_best_check(const char *dir, pt_best *best)
{
    bool same = pt_run_dir_has(dir, PT_BEST_FILE);
    char now[65];
    pt_status s;

    if (best->images == 0) return PT_OK;
    if (same && best->digest[0]) {
        s = digest_of(dir, now);
        if (s != PT_OK) return s;
        same = strcmp(now, best->digest) == 0;
    }
    if (same) return PT_OK;
    pt_log_info("%s/" PT_BEST_FILE
                " is not the model after step %llu, which was the best so "
                "far: the next test rewrites it",
                dir, (unsigned long long)best->step + 1);
    *best = (pt_best){0};
    return PT_OK;
}
