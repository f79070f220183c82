#include "common/comm/job_share.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/segments.h"

/* Every rank's text, on all ranks: malloc'd [size][PT_JOB_TEXT_BYTES]. */
static pt_status exchange_texts(const char *mine, char **all)
{
    size_t n = (size_t)pt_job_size() * PT_JOB_TEXT_BYTES;

    *all = pt_job_gather_text(mine);
    return pt_job_broadcast(0, (void **)all, &n);
}

static pt_status map_host(pt_segments *g, const char *described)
{
    const int *hosts = pt_job_hosts();
    int rank = pt_job_rank();
    pt_status s = PT_OK;

    for (int i = 0; i < pt_job_size() && s == PT_OK; i++)
        if (i != rank && hosts[i] == hosts[rank])
            s = pt_segments_map(g, i, described + (size_t)i * PT_JOB_TEXT_BYTES);
    return s;
}

/* Did every rank succeed? Rank 0 warns of the first that did not. Collective. */
static pt_status all_work(pt_status mine, bool *works)
{
    char why[PT_JOB_TEXT_BYTES] = "", *all;
    pt_status s;

    if (mine != PT_OK) snprintf(why, sizeof why, "%s", pt_fail_text());
    s = exchange_texts(why, &all);
    *works = s == PT_OK;
    for (int i = 0; i < pt_job_size() && *works; i++) {
        const char *text = all + (size_t)i * PT_JOB_TEXT_BYTES;

        if (*text == '\0') continue;
        *works = false;
        if (pt_job_rank() == 0)
            pt_log_warn("rank %d (host %s) cannot share memory with the ranks of its host: "
                        "%s; all ranks send copies",
                        i, pt_job_host_of(i), text);
    }
    free(all);
    return s;
}

pt_status pt_job_share(size_t bytes, bool *works)
{
    char mine[PT_JOB_TEXT_BYTES] = "", *all = NULL;
    pt_comm *c = pt_job_comm();
    pt_segments *g = NULL;
    pt_status s, made = pt_segments_create(c->rank, c->size, bytes, &g);

    pt_segments_destroy(&c->segments);
    *works = false;
    if (made == PT_OK) pt_segments_describe(g, mine, sizeof mine);
    s = exchange_texts(mine, &all);
    if (s == PT_OK && made == PT_OK) made = map_host(g, all);
    free(all);
    if (s == PT_OK) s = all_work(made, works);
    if (*works) {
        pt_segments_close(g);
        c->segments = g;
    } else {
        pt_segments_destroy(&g);
    }
    return s;
}
