#include "common/run/allreduce.h"

#include "common/base/status.h"

void pt_members_init(pt_members *m, int n_workers, int n_shards, int images,
                     const int *host)
{
    m->n = 0;
    m->n_shards = n_shards;
    m->images = images;
    for (int w = 0; w < n_workers; w++) {
        pt_span span = {.n_shards = n_shards, .b = images};

        pt_worker_shards(w, n_workers, n_shards, &span.lo, &span.hi);
        if (pt_span_images(&span) == 0) continue;
        m->worker[m->n] = w;
        m->host[m->n] = host ? host[w] : 0;
        m->first[m->n] = m->n == 0 ? 0 : span.lo;
        m->n++;
    }
    m->first[m->n] = n_shards;
}

int pt_members_values(const pt_members *m, int lo, int hi)
{
    pt_span whole = {.n_shards = m->n_shards, .hi = m->n_shards, .b = m->images};
    pt_subtree cover[PT_MAX_COVER];
    int n = pt_tree_cover(lo, hi, m->n_shards, cover), full = 0;

    for (int i = 0; i < n; i++)
        full += pt_node_size(&whole, cover[i].level, cover[i].index) > 0;
    return full;
}

/* The moves of member `me` so far. */
typedef struct {
    const pt_members *m;
    int me;
    int lead[PT_MAX_SHARDS + 1]; /* the members that swap; then m->n */
    int n_leads;
    pt_move *out;
    int n, round;
} schedule;

/* The list of members [first, end) from (receives) or to member `peer`. */
static void move(schedule *s, bool receives, int peer, int first, int end)
{
    PT_CHECK(s->n < PT_MAX_MOVES, "batch norm: more than %d moves of a worker",
             PT_MAX_MOVES);
    s->out[s->n++] = (pt_move){.round = s->round,
                               .peer = s->m->worker[peer],
                               .receives = receives,
                               .lo = s->m->first[first],
                               .hi = s->m->first[end]};
}

static int middle(int first, int end)
{
    return first + (end - first) / 2;
}

/* The lists of members [first, end), `me` among them, to the first of them. */
static void gather(schedule *s, int first, int end)
{
    int mid = middle(first, end);

    if (end - first < 2) return;
    if (s->me < mid)
        gather(s, first, mid);
    else
        gather(s, mid, end);
    if (s->me == first) move(s, true, mid, mid, end);
    if (s->me != mid) return;
    s->round++;
    move(s, false, first, mid, end);
}

/* The result from member `first` to the others of [first, end). */
static void spread(schedule *s, int first, int end)
{
    int mid = middle(first, end);

    if (end - first < 2) return;
    if (s->me == first) move(s, false, mid, 0, s->m->n);
    if (s->me == mid) {
        move(s, true, first, 0, s->m->n);
        s->round++;
    }
    if (s->me < mid)
        spread(s, first, mid);
    else
        spread(s, mid, end);
}

/* Leads [first, end), number `at` among them: all get the list of all. */
static void swap(schedule *s, int at, int first, int end)
{
    int mid = middle(first, end), from, others, mine, n_mine;

    if (end - first < 2) return;
    if (at < mid)
        swap(s, at, first, mid);
    else
        swap(s, at, mid, end);
    mine = at < mid ? first : mid;
    n_mine = at < mid ? mid - first : end - mid;
    from = at < mid ? mid : first;
    others = end - first - n_mine;
    s->round++;
    move(s, true, s->lead[from + (at - mine) % others], s->lead[from],
         s->lead[from + others]);
    for (int i = at - mine; i < others; i += n_mine)
        move(s, false, s->lead[from + i], s->lead[mine], s->lead[mine + n_mine]);
}

static void swap_directly(schedule *s, int at)
{
    s->round++;
    for (int i = 0; i < s->n_leads; i++) {
        if (i == at) continue;
        move(s, true, s->lead[i], s->lead[i], s->lead[i + 1]);
        move(s, false, s->lead[i], s->lead[at], s->lead[at + 1]);
    }
}

/* The first member of each host, or all members where merging hosts saves nothing. */
static void find_leads(schedule *s)
{
    const pt_members *m = s->m;

    for (int i = 0; i < m->n; i++)
        if (i == 0 || m->host[i] != m->host[i - 1]) s->lead[s->n_leads++] = i;
    if (s->n_leads == 1) {
        s->n_leads = m->n;
        for (int i = 0; i < m->n; i++) s->lead[i] = i;
    }
    s->lead[s->n_leads] = m->n;
}

int pt_members_moves(const pt_members *m, int worker, pt_move out[PT_MAX_MOVES])
{
    schedule s = {.m = m, .out = out};
    int at = 0;

    while (s.me < m->n && m->worker[s.me] != worker) s.me++;
    if (s.me == m->n) return 0;
    find_leads(&s);
    while (s.lead[at + 1] <= s.me) at++;
    gather(&s, s.lead[at], s.lead[at + 1]);
    if (s.me == s.lead[at]) {
        if (s.n_leads <= PT_MAX_DIRECT)
            swap_directly(&s, at);
        else
            swap(&s, at, 0, s.n_leads);
    }
    s.round++;
    spread(&s, s.lead[at], s.lead[at + 1]);
    return s.n;
}
