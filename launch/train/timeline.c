#include "launch/train/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/link.h"
#include "common/run/trace.h"

/* Spans of a rank, and of all: 2^16 are some tens of steps of ResNet-50. */
enum { PER_RANK = 1 << 16, AT_LEAST = 1 << 10, OF_ALL = 1 << 21, TRIPS = 16 };

/* How far a rank's clock was ahead of rank 0's, when this one's showed `at`. */
typedef struct {
    double at, ahead, within;
} reading;

struct pt_timeline {
    reading *begin, *end; /* [size], rank 0 */
};

static const struct {
    const char *name;
    pt_trace_of of;
    bool overlaps;
} kinds[PT_TRACE_KINDS] = {
#define ROW(kind, name, of, overlaps) {name, of, overlaps},
    PT_TRACE_LIST(ROW)
#undef ROW
};

/* ---- clocks ------------------------------------------------------------------------ */

/* Ranks of one host read the same clock, that of its kernel. */
static bool is_rank_0s(int rank)
{
    return pt_job_hosts()[rank] == pt_job_hosts()[0];
}

/* Rank 0 asks one rank after another, but for those of its host. */
static pt_status compare_clocks(reading *out)
{
    pt_comm *c = pt_job_comm();
    pt_status s = PT_OK;

    if (c->rank > 0) return is_rank_0s(c->rank) ? PT_OK : pt_link_answer(c, 0, TRIPS);
    out[0] = (reading){.at = pt_clock()};
    for (int r = 1; r < c->size && s == PT_OK; r++) {
        pt_link_trip trip = {0};

        if (!is_rank_0s(r)) s = pt_link_ask(c, r, TRIPS, &trip);
        out[r] = (reading){pt_clock(), trip.ahead, trip.seconds / 2};
    }
    return s;
}

/* A rank's time on rank 0's clock: clocks drift evenly between the two readings. */
static double on_rank_0(const reading *a, const reading *b, double t)
{
    double span = b->at - a->at, share = span > 0 ? (t - a->ahead - a->at) / span : 0;

    return t - a->ahead - share * (b->ahead - a->ahead);
}

pt_status pt_timeline_begin(pt_run *run, pt_timeline **out)
{
    size_t size = (size_t)pt_job_size(), n = OF_ALL / size;
    pt_timeline *t;
    pt_status s;

    *out = NULL;
    if (!run->config->run->trace) return PT_OK;
    n = n > PER_RANK ? PER_RANK : n < AT_LEAST ? AT_LEAST : n;
    t = pt_calloc(1, sizeof *t);
    if (t) t->begin = pt_calloc(size, sizeof *t->begin);
    if (t) t->end = pt_calloc(size, sizeof *t->end);
    s = t && t->begin && t->end ? pt_trace_create(n, &run->trace)
                                : pt_fail(PT_ERR_NOMEM, "no memory for a timeline");
    s = pt_job_agree(s);
    if (s == PT_OK) {
        s = compare_clocks(t->begin);
        if (s != PT_OK) pt_job_die(s);
        *out = t;
        return PT_OK;
    }
    pt_timeline_destroy(&t);
    return s;
}

void pt_timeline_destroy(pt_timeline **t)
{
    if (!t || !*t) return;
    free((*t)->begin);
    free((*t)->end);
    free(*t);
    *t = NULL;
}

/* ---- the file ---------------------------------------------------------------------- */

typedef struct {
    FILE *f;
    const pt_run *run;
    const pt_timeline *t;
    double zero; /* rank 0's clock at ts 0 */
    uint64_t ids;
    uint64_t lost; /* spans that rings had no room for */
} file;

static const char *subject(const pt_run *r, const pt_trace_span *s)
{
    const pt_graph *g = r->graph;

    if (s->index < 0) return "";
    switch (kinds[s->kind].of) {
    case PT_OF_NODE:
        return g->nodes[s->index].name;
    case PT_OF_TENSOR:
        return g->tensors[s->index].name;
    case PT_OF_KEY:
        return g->tensors[r->keys->keys[s->index].tensor].name;
    default:
        return "";
    }
}

static void write_span(file *o, int rank, const pt_trace_span *s)
{
    const reading *a = &o->t->begin[rank], *b = &o->t->end[rank];
    double begin = 1e6 * (on_rank_0(a, b, s->begin) - o->zero),
           end = 1e6 * (on_rank_0(a, b, s->end) - o->zero);
    const char *name = kinds[s->kind].name, *of = subject(o->run, s);
    unsigned long long step = (unsigned long long)s->step + 1, id = ++o->ids;

    if (!kinds[s->kind].overlaps) {
        fprintf(o->f,
                ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":0,\"ts\":%.3f,\"dur\":%.3f,\"name\":"
                "\"%s%s%s\",\"cat\":\"%s\",\"args\":{\"step\":%llu,\"of\":%d}}",
                rank, begin, end - begin, name, *of ? " " : "", of, name, step, s->index);
        return;
    }
    fprintf(o->f,
            ",\n{\"ph\":\"b\",\"pid\":%d,\"tid\":0,\"id\":%llu,\"ts\":%.3f,\"name\":\"%s "
            "%s\",\"cat\":\"%s\",\"args\":{\"step\":%llu,\"of\":%d,\"to\":%d}}",
            rank, id, begin, name, of, name, step, s->index, s->peer);
    fprintf(o->f,
            ",\n{\"ph\":\"e\",\"pid\":%d,\"tid\":0,\"id\":%llu,\"ts\":%.3f,\"name\":\"%s "
            "%s\",\"cat\":\"%s\"}",
            rank, id, end, name, of, name);
}

static void write_rank(file *o, int rank, const pt_trace_span *spans, size_t n)
{
    char who[PT_JOB_TEXT_BYTES + 64], *text;
    json_t *name;

    snprintf(who, sizeof who, "rank %d, %s on %s", rank,
             rank < o->run->n_servers ? "server" : "worker", pt_job_host_of(rank));
    name = json_string(who);
    text = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
    fprintf(
        o->f,
        ",\n{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":%s}}",
        rank, text ? text : "\"\"");
    free(text);
    json_decref(name);
    for (size_t i = 0; i < n; i++) write_span(o, rank, &spans[i]);
}

/* ---- gathering --------------------------------------------------------------------- */

static void move(bool receive, int peer, void *data, size_t bytes)
{
    pt_comm *c = pt_job_comm();
    pt_request r = {0};
    pt_status s = receive ? pt_comm_recv(c, peer, PT_MSG_FOUND, 0, data, bytes, &r)
                          : pt_comm_send(c, peer, PT_MSG_FOUND, 0, data, bytes, &r);

    if (s == PT_OK) s = pt_comm_wait(c, &r, 1);
    if (s != PT_OK) pt_job_die(s); /* r may still be MPI's */
}

static size_t held(const pt_trace *t)
{
    return t->n < t->capacity ? (size_t)t->n : t->capacity;
}

static void take_rank(file *o, int rank, pt_trace_span *room)
{
    uint64_t n[2]; /* spans that come, spans that were lost */

    move(true, rank, n, sizeof n);
    move(true, rank, room, n[0] * sizeof *room);
    o->lost += n[1];
    if (o->f) write_rank(o, rank, room, (size_t)n[0]);
}

static void send_rank(const pt_trace *t)
{
    uint64_t n[2] = {held(t), t->n - held(t)};

    move(false, 0, n, sizeof n);
    move(false, 0, t->spans, n[0] * sizeof *t->spans);
}

static double worst_clock(const pt_timeline *t)
{
    double worst = 0;

    for (int r = 1; r < pt_job_size(); r++) {
        if (t->begin[r].within > worst) worst = t->begin[r].within;
        if (t->end[r].within > worst) worst = t->end[r].within;
    }
    return worst;
}

static void gather(file *o, const pt_trace *mine)
{
    pt_trace_span *room = pt_calloc(mine->capacity, sizeof *room);

    if (!room) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for another rank's trace"));
    if (o->f)
        fprintf(o->f, "{\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":0,\"name\":"
                      "\"process_sort_index\",\"args\":{\"sort_index\":0}}");
    o->lost = mine->n - held(mine);
    if (o->f) write_rank(o, 0, mine->spans, held(mine));
    for (int r = 1; r < pt_job_size(); r++) take_rank(o, r, room);
    if (o->f)
        fprintf(o->f,
                "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{\"clock_error_us\":%.3f,"
                "\"lost_spans\":%llu}}\n",
                1e6 * worst_clock(o->t), (unsigned long long)o->lost);
    free(room);
}

static void say(const file *o, const char *path)
{
    pt_log_info("trace in %s (clocks agree within %.0f us): open it at ui.perfetto.dev",
                path, 1e6 * worst_clock(o->t));
    if (o->lost > 0)
        pt_log_info("the trace holds the last steps: %llu earlier spans had no room",
                    (unsigned long long)o->lost);
}

void pt_timeline_write(pt_timeline *t, const pt_run *run)
{
    file o = {.run = run, .t = t};
    const char *path = run->config->run->trace;
    pt_status s;
    bool ok;

    if (!t) return;
    s = compare_clocks(t->end);
    if (s != PT_OK) pt_job_die(s);
    if (pt_job_rank() > 0) {
        send_rank(run->trace);
        return;
    }
    o.zero = t->begin[0].at;
    o.f = fopen(path, "we");
    gather(&o, run->trace);
    ok = o.f && !ferror(o.f);
    if (o.f && fclose(o.f) != 0) ok = false;
    if (ok)
        say(&o, path);
    else
        pt_log_warn("run.trace: %s cannot be written: %s", path, strerror(errno));
}
