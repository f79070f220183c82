#include "tests/support/loopback.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

typedef struct message {
    struct message *next;
    int from, tag;
    pt_channel channel;
    size_t bytes;
    unsigned delay; /* looks of the receiver until it may be received */
    char data[];
} message;

typedef struct receive {
    struct receive *next;
    pt_channel channel;
    int from, tag;
    void *data;
    size_t bytes;
} receive;

typedef struct {
    pt_loopback *l;
    int rank;
    pt_comm comm;
    receive *posted;      /* what no message came for yet; a failed run leaves some */
    unsigned looks;       /* since something was received */
    pthread_mutex_t lock; /* of what follows, where others put messages */
    unsigned shuffle;
    message *first, **last;
} endpoint;

struct pt_loopback {
    int size;
    endpoint *ranks;
};

static unsigned draw(endpoint *to)
{
    if (to->shuffle == 0) return 0;
    to->shuffle = to->shuffle * 1664525u + 1013904223u;
    return (to->shuffle >> 16) % 16;
}

static pt_status post_send(void *self, pt_channel channel, int peer, int tag,
                           const void *data, size_t bytes, uintptr_t *native)
{
    endpoint *e = self, *to = &e->l->ranks[peer];
    message *m = malloc(sizeof *m + bytes);

    if (!m) return pt_fail(PT_ERR_NOMEM, "loopback");
    *m = (message){.from = e->rank, .tag = tag, .channel = channel, .bytes = bytes};
    memcpy(m->data, data, bytes);
    pthread_mutex_lock(&to->lock);
    m->delay = draw(to);
    *to->last = m;
    to->last = &m->next;
    pthread_mutex_unlock(&to->lock);
    *native = 0; /* buffered: done at once */
    return PT_OK;
}

static pt_status post_recv(void *self, pt_channel channel, int peer, int tag, void *data,
                           size_t bytes, uintptr_t *native)
{
    endpoint *e = self;
    receive *r = malloc(sizeof *r);

    if (!r) return pt_fail(PT_ERR_NOMEM, "loopback");
    *r = (receive){e->posted, channel, peer, tag, data, bytes};
    e->posted = r;
    *native = (uintptr_t)r;
    return PT_OK;
}

static void forget(endpoint *e, receive *r)
{
    receive **p = &e->posted;

    while (*p != r) p = &(*p)->next;
    *p = r->next;
    free(r);
}

/* A look brings all messages of a rank nearer: many delays pass side by side. Who sleeps
 * between looks (pt_idle) has few of them, and each counts for more. */
static void age(endpoint *e)
{
    unsigned by = ++e->looks > PT_IDLE_LOOKS ? 5 : 1;

    for (message *m = e->first; m; m = m->next) m->delay -= m->delay < by ? m->delay : by;
}

static bool matches(const message *m, const receive *r)
{
    return m->from == r->from && m->tag == r->tag && m->channel == r->channel;
}

/* Of the receives that a message matches the one that was posted first gets it, as MPI
 * promises: `posted` is newest first. */
static bool is_first(const endpoint *e, const receive *r)
{
    for (const receive *o = r->next; o; o = o->next)
        if (o->from == r->from && o->tag == r->tag && o->channel == r->channel)
            return false;
    return true;
}

/* The oldest message of a sender, channel and tag comes first, as MPI promises. */
static pt_status take(endpoint *e, receive *r, bool *done)
{
    pt_status s = PT_OK;
    message **p = &e->first, *m;

    while (*p && !matches(*p, r)) p = &(*p)->next;
    m = *p;
    if (!m || m->delay > 0 || !is_first(e, r)) return PT_OK;
    if (m->bytes != r->bytes)
        s = pt_fail(PT_ERR_COMM, "rank %d tag %d: %zu bytes came, %zu expected", e->rank,
                    r->tag, m->bytes, r->bytes);
    else
        memcpy(r->data, m->data, m->bytes);
    *p = m->next;
    if (!m->next) e->last = p;
    free(m);
    forget(e, r);
    e->looks = 0;
    *done = true;
    return s;
}

static pt_status test(void *self, uintptr_t *native, bool *done)
{
    endpoint *e = self;
    receive *r = (receive *)*native;
    pt_status s;

    *done = r == NULL;
    if (!r) return PT_OK;
    pthread_mutex_lock(&e->lock);
    age(e);
    s = take(e, r, done);
    pthread_mutex_unlock(&e->lock);
    if (*done) *native = 0;
    return s;
}

static const pt_comm_ops ops = {.send = post_send, .recv = post_recv, .test = test};

pt_loopback *pt_loopback_create(int size, unsigned shuffle)
{
    pt_loopback *l = calloc(1, sizeof *l);

    if (!l) return NULL;
    l->size = size;
    l->ranks = calloc((size_t)size, sizeof *l->ranks);
    for (int i = 0; i < size && l->ranks; i++) {
        endpoint *e = &l->ranks[i];

        e->l = l;
        e->rank = i;
        e->shuffle = shuffle ? shuffle * 64 + (unsigned)i : 0;
        e->last = &e->first;
        pthread_mutex_init(&e->lock, NULL);
        e->comm =
            (pt_comm){.ops = &ops, .self = e, .rank = i, .size = size, .deadline_s = 60};
    }
    return l;
}

void pt_loopback_destroy(pt_loopback *l)
{
    for (int i = 0; i < l->size; i++) {
        endpoint *e = &l->ranks[i];

        for (message *m = e->first, *next; m; m = next) {
            next = m->next;
            free(m);
        }
        while (e->posted) forget(e, e->posted);
        pthread_mutex_destroy(&e->lock);
    }
    free(l->ranks);
    free(l);
}

pt_comm *pt_loopback_comm(pt_loopback *l, int rank)
{
    return &l->ranks[rank].comm;
}

typedef struct {
    void (*body)(void *context, int rank);
    void *context;
    int rank;
} start;

static void *thread(void *arg)
{
    start *s = arg;

    s->body(s->context, s->rank);
    return NULL;
}

void pt_loopback_run(pt_loopback *l, void (*body)(void *context, int rank), void *context)
{
    pthread_t *threads = calloc((size_t)l->size, sizeof *threads);
    start *starts = calloc((size_t)l->size, sizeof *starts);

    for (int i = 0; i < l->size && threads && starts; i++) {
        starts[i] = (start){body, context, i};
        pthread_create(&threads[i], NULL, thread, &starts[i]);
    }
    for (int i = 0; i < l->size && threads; i++) pthread_join(threads[i], NULL);
    free(threads);
    free(starts);
}
