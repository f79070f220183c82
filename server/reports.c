#include "server/reports.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/stop.h"
#include "common/run/wire.h"

struct pt_reports {
    const pt_run *run;
    pt_comm *comm;
    pt_server_report *reports; /* [n_servers]; of others: the first is its own */
    pt_request *requests;      /* [n_servers] */
    pt_server_costs *costs;    /* [n_servers] */
    bool stop_asked;
};

void pt_reports_destroy(pt_reports **r)
{
    if (!r || !*r) return;
    free((*r)->reports);
    free((*r)->requests);
    free((*r)->costs);
    free(*r);
    *r = NULL;
}

pt_status pt_reports_create(const pt_run *run, pt_comm *comm, pt_reports **out)
{
    pt_reports *r = pt_calloc(1, sizeof *r);
    size_t n = (size_t)run->n_servers;

    *out = NULL;
    if (r) {
        *r = (pt_reports){.run = run, .comm = comm};
        r->reports = pt_calloc(n, sizeof *r->reports);
        r->requests = pt_calloc(n, sizeof *r->requests);
        r->costs = pt_calloc(n, sizeof *r->costs);
    }
    if (!r || !r->reports || !r->requests || !r->costs) {
        pt_reports_destroy(&r);
        return pt_fail(PT_ERR_NOMEM, "no memory for the reports of %zu servers", n);
    }
    *out = r;
    return PT_OK;
}

pt_status pt_reports_send(pt_reports *r, const pt_server_costs *mine)
{
    pt_status s = pt_reports_settle(r);

    if (s != PT_OK) return s;
    r->reports[0] = (pt_server_report){.stop = pt_stop_asked(),
                                       .tree_s = mine->tree_s,
                                       .update_s = mine->update_s,
                                       .save_s = mine->save_s,
                                       .saves = mine->saves,
                                       .missed = mine->missed,
                                       .held_s = mine->held_s};
    return pt_comm_send(r->comm, 0, PT_MSG_REPORT, 0, r->reports, sizeof *r->reports,
                        r->requests);
}

pt_status pt_reports_settle(pt_reports *r)
{
    return pt_comm_wait(r->comm, r->requests, (size_t)r->run->n_servers);
}

pt_status pt_reports_take(pt_reports *r)
{
    int n = r->run->n_servers;
    pt_status s = PT_OK;

    for (int i = 1; i < n && s == PT_OK; i++)
        s = pt_comm_recv(r->comm, i, PT_MSG_REPORT, 0, &r->reports[i],
                         sizeof r->reports[i], &r->requests[i]);
    if (s == PT_OK) s = pt_comm_wait(r->comm, r->requests, (size_t)n);
    for (int i = 1; i < n && s == PT_OK; i++) {
        const pt_server_report *from = &r->reports[i];

        r->stop_asked = r->stop_asked || from->stop != 0;
        r->costs[i] = (pt_server_costs){.tree_s = from->tree_s,
                                        .update_s = from->update_s,
                                        .save_s = from->save_s,
                                        .saves = (int)from->saves,
                                        .missed = (int)from->missed,
                                        .held_s = from->held_s};
    }
    return s;
}

bool pt_reports_stop_asked(const pt_reports *r)
{
    return r->stop_asked;
}

const pt_server_costs *pt_reports_costs(pt_reports *r, const pt_server_costs *mine)
{
    r->costs[0] = *mine;
    return r->costs;
}
