/* Faults at MPI's door: a library for LD_PRELOAD that intercepts the few MPI calls
 * that ptrain makes after its start (Isend, Irecv, Test, Iallreduce, Ibcast) and does
 * what environment variables choose. A tool of the tests; every draw comes from the seed.
 *
 * - PT_SHIM_SEED=N: of the draws (0).
 * - PT_SHIM_DELAY_US=N: one call in eight first sleeps 0 to N microseconds.
 * - PT_SHIM_SHUFFLE=N: MPI_Test answers "not yet" 0 to N times before it looks, drawn for
 *   each receive: messages seem to arrive in other orders.
 * - PT_SHIM_DEAF=1: MPI_Abort reaches nobody and does not return.
 * - PT_SHIM_RANK=R: the rank that the faults below strike (0).
 * - PT_SHIM_TO=R: only messages to that rank count.
 * - PT_SHIM_FLIP=WHEN: flips one bit of that message, in a copy that lives until the send
 *   completes; the program's buffer stays as it is.
 * - PT_SHIM_DROP=WHEN: that message is lost.
 * - PT_SHIM_STOP=WHEN: raises SIGSTOP: a stopped rank, a lost host.
 * - PT_SHIM_KILL=WHEN: raises SIGKILL.
 * - PT_SHIM_HANG=WHEN: never returns from that call: a rank that computes for ever.
 *
 * WHEN is KIND:N, the N-th message (from 1) of a kind that the rank sends: KIND is a
 * pt_msg_kind, so 1:20 is a worker's step 19 (it sends one payload a step); KIND 0 counts
 * MPI calls of any sort. Checksums and the pulse are messages of no kind.
 *
 * - PT_SHIM_TAG_UB=N: MPI_TAG_UB is N, on all ranks.
 * - PT_SHIM_REFUSE=R: MPI_Irecv fails on rank R; ALL: on every rank. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

#include "common/comm/message.h"

enum { MAX_HELD = 4096 };

typedef enum { FLIP, DROP, STOP, KILL, HANG, FAULTS } fault;

/* A request that is answered "not yet", or a send whose copy must stay. */
typedef struct {
    MPI_Request request;
    int looks;
    void *copy;
} held;

static struct {
    bool ready, struck; /* struck: this rank is the one */
    uint64_t seed, draws;
    unsigned delay_us, shuffle;
    bool refuses;
    int tag_ub; /* 0: MPI's own */
    int to;     /* -1: any rank */
    int kind[FAULTS];
    uint64_t at[FAULTS];
    uint64_t count[PT_MSG_KINDS]; /* [0]: calls */
    held held[MAX_HELD];
    int n_held;
} shim;

static uint64_t number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : 0;
}

static void read_when(fault f, const char *name)
{
    const char *text = getenv(name);
    unsigned long long n;

    shim.kind[f] = -1;
    if (text && sscanf(text, "%d:%llu", &shim.kind[f], &n) == 2) shim.at[f] = n;
}

static void prepare(void)
{
    const char *refuses = getenv("PT_SHIM_REFUSE");
    int rank;

    if (shim.ready) return;
    shim.ready = true;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    shim.struck = rank == (int)number("PT_SHIM_RANK");
    shim.refuses = refuses && (strcmp(refuses, "ALL") == 0 || rank == atoi(refuses));
    shim.tag_ub = (int)number("PT_SHIM_TAG_UB");
    shim.to = getenv("PT_SHIM_TO") ? (int)number("PT_SHIM_TO") : -1;
    shim.seed = number("PT_SHIM_SEED") * 1000003u + (uint64_t)rank;
    shim.delay_us = (unsigned)number("PT_SHIM_DELAY_US");
    shim.shuffle = (unsigned)number("PT_SHIM_SHUFFLE");
    read_when(FLIP, "PT_SHIM_FLIP");
    read_when(DROP, "PT_SHIM_DROP");
    read_when(STOP, "PT_SHIM_STOP");
    read_when(KILL, "PT_SHIM_KILL");
    read_when(HANG, "PT_SHIM_HANG");
}

/* splitmix64 of the seed and the number of the draw. */
static uint64_t draw(void)
{
    uint64_t z = (shim.seed << 20) + ++shim.draws * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool due(fault f, int kind)
{
    return shim.struck && shim.kind[f] == kind && shim.count[kind] == shim.at[f];
}

static void strike(int kind)
{
    if (due(STOP, kind)) raise(SIGSTOP);
    if (due(KILL, kind)) raise(SIGKILL);
    while (due(HANG, kind)) pause();
}

/* Every call passes here. */
static void enter(void)
{
    prepare();
    shim.count[0]++;
    strike(0);
    if (shim.delay_us > 0 && draw() % 8 == 0) {
        uint64_t ns = draw() % ((uint64_t)shim.delay_us * 1000 + 1);

        nanosleep(&(struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)},
                  NULL);
    }
}

static void hold(MPI_Request request, int looks, void *copy)
{
    if (shim.n_held == MAX_HELD) abort();
    shim.held[shim.n_held++] = (held){request, looks, copy};
}

static void *flipped(const void *data, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    uint64_t bit = n > 0 ? draw() % (8 * n) : 0;

    if (!copy) abort();
    memcpy(copy, data, n);
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return copy;
}

/* The kind of a message of ptrain's channel of messages; PT_MSG_NONE: it has none. */
static pt_msg_kind kind_of(int tag, MPI_Comm comm)
{
    char name[MPI_MAX_OBJECT_NAME];
    int n;

    PMPI_Comm_get_name(comm, name, &n);
    return strcmp(name, "ptrain messages") == 0 ? pt_msg_kind_of(tag) : PT_MSG_NONE;
}

int MPI_Comm_get_attr(MPI_Comm comm, int key, void *value, int *there)
{
    int code = PMPI_Comm_get_attr(comm, key, value, there);

    prepare();
    if (key == MPI_TAG_UB && shim.tag_ub > 0) *(int **)value = &shim.tag_ub;
    return code;
}

int MPI_Isend(const void *data, int n, MPI_Datatype type, int peer, int tag,
              MPI_Comm comm, MPI_Request *request)
{
    int kind = kind_of(tag, comm), code;
    void *copy = NULL;

    enter();
    if (kind > 0 && (shim.to < 0 || shim.to == peer)) {
        shim.count[kind]++;
        strike(kind);
        if (due(FLIP, kind)) copy = flipped(data, (size_t)n);
        if (due(DROP, kind)) peer = MPI_PROC_NULL;
    }
    code = PMPI_Isend(copy ? copy : data, n, type, peer, tag, comm, request);
    if (copy) hold(*request, 0, copy);
    return code;
}

int MPI_Irecv(void *data, int n, MPI_Datatype type, int peer, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    int code;

    enter();
    if (shim.refuses) return MPI_ERR_TAG;
    code = PMPI_Irecv(data, n, type, peer, tag, comm, request);
    if (shim.shuffle > 0) {
        int looks = (int)(draw() % (shim.shuffle + 1));
        if (looks > 0) hold(*request, looks, NULL);
    }
    return code;
}

int MPI_Test(MPI_Request *request, int *done, MPI_Status *status)
{
    int i = 0, code;

    enter();
    while (i < shim.n_held && shim.held[i].request != *request) i++;
    if (i < shim.n_held && shim.held[i].looks > 0) {
        if (--shim.held[i].looks == 0) shim.held[i] = shim.held[--shim.n_held];
        *done = 0;
        return MPI_SUCCESS;
    }
    code = PMPI_Test(request, done, status);
    if (i < shim.n_held && *done) {
        free(shim.held[i].copy);
        shim.held[i] = shim.held[--shim.n_held];
    }
    return code;
}

int MPI_Abort(MPI_Comm comm, int code)
{
    while (number("PT_SHIM_DEAF")) pause();
    return PMPI_Abort(comm, code);
}

int MPI_Iallreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request *request)
{
    enter();
    return PMPI_Iallreduce(from, to, n, type, op, comm, request);
}

int MPI_Ibcast(void *data, int n, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request)
{
    enter();
    return PMPI_Ibcast(data, n, type, root, comm, request);
}
