#include "launch/plan/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { BLOCK = 4 << 20, BLOCKS = 64 };

typedef struct {
    int socket;
    size_t bytes;
    double cpu_s; /* of the thread that reads */
} reader;

static double per_byte(double cpu_s)
{
    return cpu_s / ((double)BLOCK * BLOCKS);
}

static void *read_all(void *context)
{
    reader *r = context;
    char *block = malloc(BLOCK);
    double start = pt_cpu_clock();
    ssize_t n = 1;

    while (block && n > 0) {
        n = read(r->socket, block, BLOCK);
        if (n > 0) r->bytes += (size_t)n;
    }
    r->cpu_s = pt_cpu_clock() - start;
    free(block);
    return NULL;
}

static bool write_all(int socket)
{
    char *block = pt_calloc(1, BLOCK);
    bool good = block != NULL;

    for (size_t at = 0; good && at < (size_t)BLOCK * BLOCKS;) {
        ssize_t n = write(socket, block, BLOCK - at % BLOCK);

        good = n > 0;
        at += good ? (size_t)n : 0;
    }
    free(block);
    return good;
}

/* Two ends of a connection to this machine; -1: there is none. */
static void make_connection(int ends[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int at = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[1] = -1;
    if (at >= 0 && ends[0] >= 0 && bind(at, (struct sockaddr *)&a, n) == 0 &&
        listen(at, 1) == 0 && getsockname(at, (struct sockaddr *)&a, &n) == 0 &&
        connect(ends[0], (struct sockaddr *)&a, n) == 0)
        ends[1] = accept(at, NULL, NULL);
    if (at >= 0) close(at);
}

static pt_status transfer(const int ends[2], pt_cost_rates *r)
{
    reader to = {.socket = ends[1]};
    pthread_t thread;
    double start;
    bool good;

    if (pthread_create(&thread, NULL, read_all, &to) != 0)
        return pt_fail(PT_ERR_IO, "no thread to measure sockets with");
    start = pt_cpu_clock();
    good = write_all(ends[0]);
    r->send = per_byte(pt_cpu_clock() - start);
    shutdown(ends[0], SHUT_WR);
    pthread_join(thread, NULL);
    r->receive = per_byte(to.cpu_s);
    return good && to.bytes == (size_t)BLOCK * BLOCKS
               ? PT_OK
               : pt_fail(PT_ERR_IO, "sockets lost bytes: %zu of %zu arrived", to.bytes,
                         (size_t)BLOCK * BLOCKS);
}

pt_status pt_measure_sockets(pt_cost_rates *r)
{
    int ends[2];
    pt_status s;

    make_connection(ends);
    s = ends[1] >= 0
            ? transfer(ends, r)
            : pt_fail(PT_ERR_IO, "no connection to 127.0.0.1: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    return s;
}
