/* What the other servers tell rank 0 with each step: what they have spent so far, and
 * whether they were asked to stop. Without them rank 0 would not know of a signal that
 * reached another server, as they send no payload. */
#ifndef PT_SERVER_REPORTS_H
#define PT_SERVER_REPORTS_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "server/hooks.h"

typedef struct pt_reports pt_reports;

/* Borrows both. */
PT_MUST_USE pt_status pt_reports_create(const pt_run *run, pt_comm *comm,
                                        pt_reports **out);
void pt_reports_destroy(pt_reports **r);

/* The other servers, as a step begins; the message is under way until the next one, or
 * until settle. */
PT_MUST_USE pt_status pt_reports_send(pt_reports *r, const pt_server_costs *mine);
PT_MUST_USE pt_status pt_reports_settle(pt_reports *r);

/* Rank 0: the reports of all others. */
PT_MUST_USE pt_status pt_reports_take(pt_reports *r);

/* Rank 0: was one of the others asked to stop? */
bool pt_reports_stop_asked(const pt_reports *r);

/* Rank 0: costs [n_servers] as last reported; those of rank 0 itself are `mine`. Borrowed
 * until the next call. */
const pt_server_costs *pt_reports_costs(pt_reports *r, const pt_server_costs *mine);

#endif
