/* Cores and threads of the ranks of one machine as a pure function of what they may use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/cores.h"
#include "common/base/quota.h"
#include "common/run/placement.h"

enum { MAX = 12, CPUS = 16 };
static int core[CPU_SETSIZE];
static pt_place ranks[MAX];
static int n;

static int setup(void **state)
{
    *state = NULL;
    n = 0;
    memset(ranks, 0, sizeof ranks);
    for (int c = 0; c < CPU_SETSIZE; c++) core[c] = c;
    return 0;
}

/* CPU c is the second thread of core c - CPUS / 2. */
static void make_hyperthreads(void)
{
    for (int c = 0; c < CPUS; c++) core[c] = c % (CPUS / 2);
}

/* "0011": a rank that may use CPUs 2 and 3. */
static cpu_set_t set_of(const char *mask)
{
    cpu_set_t s;

    CPU_ZERO(&s);
    for (size_t c = 0; mask[c]; c++)
        if (mask[c] == '1') CPU_SET(c, &s);
    return s;
}

static void add(bool server, const char *mask)
{
    assert_in_range(n, 0, MAX - 1);
    ranks[n].server = server;
    ranks[n++].allowed = set_of(mask);
}

static void add_workers(int k, const char *mask)
{
    while (k-- > 0) add(false, mask);
}

/* Rank r is to use what `mask` says, bound, and has so many threads. */
static void expect(int r, int threads, bool bound, const char *mask)
{
    cpu_set_t want = set_of(mask);

    if (!CPU_EQUAL(&want, &ranks[r].use)) {
        char got[CPUS + 1] = "";

        for (size_t c = 0; mask[c]; c++) got[c] = CPU_ISSET(c, &ranks[r].use) ? '1' : '0';
        fail_msg("rank %d uses %s, not %s", r, got, mask);
    }
    assert_int_equal(ranks[r].threads, threads);
    assert_int_equal(ranks[r].bound, bound);
}

static void test_workers_of_one_mask_divide_it(void **state)
{
    assert_null(*state);
    add(true, "11111111");
    add_workers(2, "11111111");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 0, false, "11111111"); /* nothing is left: it sleeps beside them */
    expect(1, 4, true, "11110000");
    expect(2, 4, true, "00001111");
}

static void test_a_server_has_the_cores_that_workers_leave(void **state)
{
    assert_null(*state);
    add(true, "11111111");
    add_workers(3, "11111111");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 0, true, "00000011"); /* two, as threads are the same for all */
    expect(1, 2, true, "11000000");
    expect(3, 2, true, "00001100");
}

static void test_servers_that_would_crowd_what_is_left_stay_everywhere(void **state)
{
    assert_null(*state);
    add(true, "1111111");
    add(true, "1111111");
    add_workers(3, "1111111");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 0, false, "1111111");
    expect(1, 0, false, "1111111");
    expect(4, 2, true, "0000110");
}

static void test_a_bound_rank_keeps_to_its_mask(void **state)
{
    assert_null(*state); /* mpirun --map-by socket:PE=2, and its default for two ranks */
    add(true, "11000000");
    add(false, "00110000");
    add(false, "00001110");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 0, true, "11000000");
    expect(1, 2, true, "00110000");
    expect(2, 3, true, "00001110");
}

static void test_cores_of_several_masks_count_in_part(void **state)
{
    assert_null(*state);
    add_workers(1, "11111111");
    add_workers(1, "11110000");
    pt_place_ranks(core, ranks, n, 0);
    expect(1, 2, true, "11000000"); /* has the smaller choice, so it comes first */
    expect(0, 6, true, "00111111");
}

static void test_a_worker_bound_to_one_core_has_one_thread(void **state)
{
    assert_null(*state);
    add(true, "1000");
    add(false, "1000");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 0, false, "1000");
    expect(1, 1, false, "1000");
}

static void test_workers_of_one_thread_are_not_bound(void **state)
{
    assert_null(*state);
    add(true, "1111");
    add_workers(3, "1111");
    pt_place_ranks(core, ranks, n, 0);
    for (int r = 0; r < n; r++) expect(r, r > 0, false, "1111");
}

static void test_hyperthreads_are_no_cores_but_stay_with_theirs(void **state)
{
    assert_null(*state);
    make_hyperthreads();
    add(true, "1111111111111111");
    add_workers(3, "1111111111111111");
    pt_place_ranks(core, ranks, n, 0);
    expect(1, 2, true, "1100000011000000");
    expect(3, 2, true, "0000110000001100");
    expect(0, 0, true, "0000001100000011");
}

static void test_a_core_whose_hyperthreads_two_workers_have_is_shared(void **state)
{
    assert_null(*state);
    make_hyperthreads();
    add(false, "1000000000000000");
    add(false, "0000000010000000");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 1, false, "1000000000000000");
    expect(1, 1, false, "0000000010000000");
}

static void test_more_workers_than_cores_are_not_bound(void **state)
{
    assert_null(*state);
    add(true, "11");
    add_workers(3, "11");
    pt_place_ranks(core, ranks, n, 0);
    for (int r = 0; r < n; r++) expect(r, r > 0, false, "11");
}

static void test_ranks_of_unknown_cpus_bind_nobody(void **state)
{
    assert_null(*state);
    add_workers(1, "1111");
    add_workers(1, "0000");
    pt_place_ranks(core, ranks, n, 0);
    expect(0, 4, false, "1111");
    expect(1, 1, false, "0000");
}

static void test_threads_have_a_limit(void **state)
{
    assert_null(*state);
    add_workers(1, "");
    for (int c = 0; c < 300; c++) CPU_SET(c, &ranks[0].allowed);
    pt_place_ranks(core, ranks, n, 0);
    assert_int_equal(ranks[0].threads, PT_PLACE_MAX_THREADS);
    assert_int_equal(CPU_COUNT(&ranks[0].use), PT_PLACE_MAX_THREADS);
}

static void test_workers_share_the_time_of_their_control_group(void **state)
{
    assert_null(*state);
    add(true, "11111111");
    add_workers(2, "11111111");
    pt_place_ranks(core, ranks, n, 5);
    expect(0, 0, false, "11111111");
    expect(1, 2, false, "11111111");
    expect(2, 2, false, "11111111");
    pt_place_ranks(core, ranks, n, 1);
    expect(2, 1, false, "11111111");
}

static void test_time_for_all_cores_changes_nothing(void **state)
{
    assert_null(*state);
    add_workers(2, "11111111");
    pt_place_ranks(core, ranks, n, 8);
    expect(0, 4, true, "11110000");
    expect(1, 4, true, "00001111");
}

static void test_jobs_side_by_side_have_cores_of_their_own(void **state)
{
    assert_null(*state);
    add_workers(2, "1111");
    pt_place_jobs(core, ranks, n);
    expect(0, 2, true, "1100");
    expect(1, 2, true, "0011");
}

static void test_more_jobs_than_cores_take_turns(void **state)
{
    assert_null(*state);
    add_workers(3, "0110");
    pt_place_jobs(core, ranks, n);
    expect(0, 1, false, "0100");
    expect(1, 1, false, "0010");
    expect(2, 1, false, "0100");
}

static void test_the_cpus_of_this_process_have_cores(void **state)
{
    int found[CPU_SETSIZE];
    cpu_set_t cpus, cores;

    assert_null(*state);
    pt_cores_number(found);
    pt_cores_allowed(&cpus);
    pt_cores_of(found, &cpus, &cores);
    assert_in_range(CPU_COUNT(&cores), 1, CPU_COUNT(&cpus));
    assert_int_equal(pt_cores_count(), pt_quota_at_most(CPU_COUNT(&cores)));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_workers_of_one_mask_divide_it),
        TEST(test_a_server_has_the_cores_that_workers_leave),
        TEST(test_servers_that_would_crowd_what_is_left_stay_everywhere),
        TEST(test_a_bound_rank_keeps_to_its_mask),
        TEST(test_cores_of_several_masks_count_in_part),
        TEST(test_a_worker_bound_to_one_core_has_one_thread),
        TEST(test_workers_of_one_thread_are_not_bound),
        TEST(test_hyperthreads_are_no_cores_but_stay_with_theirs),
        TEST(test_a_core_whose_hyperthreads_two_workers_have_is_shared),
        TEST(test_more_workers_than_cores_are_not_bound),
        TEST(test_ranks_of_unknown_cpus_bind_nobody),
        TEST(test_threads_have_a_limit),
        TEST(test_workers_share_the_time_of_their_control_group),
        TEST(test_time_for_all_cores_changes_nothing),
        TEST(test_jobs_side_by_side_have_cores_of_their_own),
        TEST(test_more_jobs_than_cores_take_turns),
        TEST(test_the_cpus_of_this_process_have_cores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
