/* Batch norm's exchange, all workers played by one thread: what does not go on by itself
 * when it is polled fails here, as nobody else is there to wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/rng.h"
#include "tests/support/loopback.h"
#include "tests/support/whole_run.h"
#include "worker/exchange.h"

enum { V = 32, LEN = 9, MAX_W = 32, NODE = 2, POLLS = 2000 };

static whole_run_options options(int n_workers, int n_hosts, const char *shards)
{
    return (whole_run_options){.config = PT_TEST_DATA "/run/base.yaml",
                               .sets = {shards, "data.batch=40"},
                               .n_servers = 1,
                               .n_workers = n_workers,
                               .n_hosts = n_hosts,
                               .n_train = 61,
                               .salt = 3};
}

/* Neither commutes nor associates. */
static void add(void *context, void *into, const void *from)
{
    double *a = into;
    const double *b = from;

    for (size_t i = 0; i < *(const size_t *)context; i++) a[i] = 0.75 * a[i] + b[i];
}

static void fill(double leaves[V][LEN])
{
    pt_rng r = pt_rng_stream(1, PT_RNG_TEST, 16, 0);
    float u[V * LEN];

    pt_rng_fill_normal(&r, u, V * LEN);
    for (int i = 0; i < V * LEN; i++) leaves[i / LEN][i % LEN] = u[i];
}

/* The values of the cover of [lo, hi) that have images, one after another. */
static void list_of(const pt_span *span, int lo, int hi, double *out)
{
    pt_subtree trees[V];
    void *values[V], *merged[PT_MAX_COVER];
    double leaves[V][LEN];
    size_t len = LEN;
    int n;

    fill(leaves);
    for (int s = lo; s < hi; s++) {
        trees[s - lo] = (pt_subtree){0, s};
        values[s - lo] = pt_shard_size(span, s) > 0 ? leaves[s] : NULL;
    }
    n = pt_tree_merge(lo, hi, span->n_shards, trees, values, hi - lo, add, &len, merged);
    for (int i = 0, at = 0; i < n; i++)
        if (merged[i]) memcpy(out + at++ * LEN, merged[i], sizeof leaves[0]);
}

typedef struct {
    pt_run *run;
    pt_loopback *loopback;
    pt_exchange *ends[MAX_W];
} job;

static void init(job *j, int n_workers, int n_hosts, const char *shards)
{
    whole_run_options o = options(n_workers, n_hosts, shards);

    *j = (job){.run = whole_run_make(&o)};
    j->loopback = pt_loopback_create(1 + n_workers, 7);
    for (int w = 0; w < n_workers; w++) {
        pt_comm *comm = pt_loopback_comm(j->loopback, 1 + w);

        comm->deadline_s = 0.5;
        assert_int_equal(pt_exchange_create(j->run, comm, w, &j->ends[w]), PT_OK);
    }
}

static void fini(job *j)
{
    for (int w = 0; w < j->run->n_workers; w++) pt_exchange_destroy(&j->ends[w]);
    pt_loopback_destroy(j->loopback);
    pt_run_destroy(&j->run);
}

/* One exchange of step: begun by all, polled for a while, ended by all. */
static void check(job *j, uint64_t step)
{
    int n = j->run->n_workers;
    double want[PT_MAX_COVER * LEN], parts[PT_MAX_COVER * LEN];
    pt_span whole = pt_run_span(j->run, 0, step);
    bool member[MAX_W];

    list_of(&whole, 0, whole.n_shards, want);
    for (int w = 0; w < n; w++) {
        pt_span span = pt_run_span(j->run, w, step);

        member[w] = pt_span_images(&span) > 0;
        if (!member[w]) continue;
        list_of(&span, span.lo, span.hi, parts);
        pt_exchange_at(j->ends[w], step);
        assert_int_equal(pt_exchange_begin(j->ends[w], NODE, true, parts, LEN, add),
                         PT_OK);
        memset(parts, 0, sizeof parts); /* they are the caller's again */
    }
    for (int k = 0; k < POLLS; k++)
        for (int w = 0; w < n; w++)
            if (member[w]) assert_int_equal(pt_exchange_poll(j->ends[w]), PT_OK);
    for (int w = 0; w < n; w++) {
        const double *total;

        if (!member[w]) continue;
        if (pt_exchange_end(j->ends[w], &total) != PT_OK)
            fail_msg("worker %d of %d: %s", w, n, pt_fail_text());
        assert_memory_equal(total, want, LEN * sizeof *total);
    }
}

/* Batches of 40 and 21 images, so that some workers of 32 have none. */
static void check_job(int n_workers, int n_hosts, const char *shards)
{
    job j;

    init(&j, n_workers, n_hosts, shards);
    for (uint64_t step = 0; step < 4; step++) check(&j, step);
    fini(&j);
}

static void test_exchanges_reach_their_end_while_they_are_polled(void **state)
{
    static const int workers[] = {1, 2, 3, 5, 8, 13, 32};

    for (int i = 0; i < 7; i++) check_job(workers[i], 0, "shards=32");
}

static void test_exchanges_merge_on_each_host_first(void **state)
{
    for (int hosts = 2; hosts <= 5; hosts++)
        for (int w = hosts; w <= MAX_W; w += 9) check_job(w, hosts, "shards=32");
}

/* Where a worker's list and what a round brings are one value for each shard. */
static void test_few_shards_have_room_for_what_they_receive(void **state)
{
    static const char *const shards[] = {"shards=1", "shards=2", "shards=4", "shards=8",
                                         "shards=16"};

    for (int i = 0; i < 5; i++)
        for (int w = 1; w <= 1 << i; w++)
            for (int hosts = 0; hosts <= w && hosts <= 3; hosts++)
                check_job(w, hosts, shards[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges_reach_their_end_while_they_are_polled),
        cmocka_unit_test(test_exchanges_merge_on_each_host_first),
        cmocka_unit_test(test_few_shards_have_room_for_what_they_receive),
    };

    return cmocka_run_group_tests_name("worker.exchange", tests, NULL, NULL);
}
