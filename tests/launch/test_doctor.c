/* What `ptrain doctor` says of made facts, and who measures with whom. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "launch/doctor/checks.h"
#include "launch/doctor/links.h"
#include "worker/input/fingerprint.h"

enum { HOSTS = 3, RANKS = 6, PAIRS = 3, CORES = 4 };

static pt_rank_facts ranks[RANKS];
static pt_pair_facts pairs[PAIRS] = {0};
static pt_facts facts;
static pt_findings found;

static cpu_set_t cores(int first, int n)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = first; i < first + n; i++) CPU_SET(i, &set);
    return set;
}

/* Three hosts of four cores, with a server and a worker of four threads each. */
static int make_job(void **state)
{
    const uint64_t gib = 1 << 30;
    static const int ends[PAIRS][2] = {{0, 2}, {0, 4}, {2, 4}};

    *state = &facts;
    for (int r = 0; r < RANKS; r++) {
        ranks[r] = (pt_rank_facts){.host_number = r / 2,
                                   .cores = cores(0, CORES),
                                   .shm_free = gib,
                                   .pixels = PT_INPUT_FINGERPRINT,
                                   .sees_dir = true};
        snprintf(ranks[r].host, sizeof ranks[r].host, "h%d", r / 2);
        snprintf(ranks[r].cpu, sizeof ranks[r].cpu, "Zen 5");
    }
    for (int i = 0; i < PAIRS; i++)
        pairs[i] = (pt_pair_facts){ends[i][0], ends[i][1], 1e-4, 1.25e9, 1e-5};
    facts = (pt_facts){.n = RANKS,
                       .n_hosts = HOSTS,
                       .rank = ranks,
                       .pair = pairs,
                       .n_pairs = PAIRS,
                       .launched = true,
                       .slurm_tasks = RANKS,
                       .mpi_size = RANKS,
                       .tag_ub = 32767,
                       .tags_needed = 32767,
                       .threads = CORES,
                       .shards = 8,
                       .servers = 3,
                       .spread = true,
                       .dir = "runs",
                       .knows_free = true,
                       .free_bytes = 100 * gib};
    return 0;
}

/* All findings are ok but one, of this level and check, with this text in it. */
static void expect(pt_finding_level level, const char *check, const char *text)
{
    int others = 0;

    pt_checks_run(&facts, &found);
    for (size_t i = 0; i < found.n; i++) {
        const pt_finding *f = &found.list[i];

        if (f->level == PT_FINDING_OK) continue;
        assert_string_equal(f->check, check);
        assert_int_equal(f->level, level);
        if (!strstr(f->text, text)) fail_msg("'%s' lacks '%s'", f->text, text);
        others++;
    }
    assert_int_equal(others, 1);
}

static const char *text_of(const char *check)
{
    pt_checks_run(&facts, &found);
    for (size_t i = 0; i < found.n; i++)
        if (strcmp(found.list[i].check, check) == 0) return found.list[i].text;
    return "";
}

static void test_a_sound_job_is_ok_in_every_check(void **state)
{
    assert_ptr_equal(*state, &facts);
    pt_checks_run(&facts, &found);
    for (size_t i = 0; i < found.n; i++)
        assert_int_equal(found.list[i].level, PT_FINDING_OK);
    for (size_t i = 0; i < pt_n_checks; i++)
        assert_string_not_equal(text_of(pt_checks[i].name), "");
}

static void test_hosts_that_decode_to_other_pixels_are_named(void **state)
{
    assert_ptr_equal(*state, &facts);
    ranks[2].pixels = 1;
    expect(PT_FINDING_FAIL, "pictures", "hosts h0 and h1 decode pictures to different");
    for (int r = 0; r < RANKS; r++) ranks[r].pixels = 1;
    expect(PT_FINDING_WARN, "pictures", "do not give Pillow's pixels");
}

static void test_the_world_is_compared_with_the_launchers(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.mpi_size = 8;
    expect(PT_FINDING_FAIL, "world", "started 8 ranks, MPI's world has 6");
    facts.mpi_size = 0;
    facts.slurm_tasks = 8;
    expect(PT_FINDING_WARN, "world", "the job has 6 ranks, but SLURM_NTASKS is 8");
    facts.launched = false; /* a batch script's own process */
    pt_checks_run(&facts, &found);
    assert_int_equal(found.list[0].level, PT_FINDING_OK);
}

static void test_more_workers_than_shards_fail(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.shards = 2;
    expect(PT_FINDING_FAIL, "layout",
           "3 workers for 2 virtual shards in a job of 6 "
           "ranks: use at most 2 workers, or set shards: 4 (");
    facts.shards = 8;
    facts.servers = 6;
    pt_checks_run(&facts, &found);
    assert_string_equal(found.list[1].text,
                        "6 ranks with 6 servers leaves no worker: start more ranks");
}

static void test_small_tags_fail(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.tag_ub = 32766;
    expect(PT_FINDING_FAIL, "tags", "MPI_TAG_UB is 32766, ptrain needs 32767");
}

static void test_ranks_bound_to_one_core_are_named(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.n_pairs = 0;
    facts.n_hosts = facts.servers = 1;
    facts.threads = 1;
    facts.n = facts.slurm_tasks = facts.mpi_size = 5;
    for (int r = 0; r < 5; r++) {
        ranks[r].host_number = 0;
        ranks[r].cores = cores(r, 1);
    }
    assert_string_equal(text_of("binding"), "each rank is bound to cores of its own");
    ranks[3].cores = cores(2, 1);
    expect(PT_FINDING_WARN, "binding",
           "ranks 2 and 3 are bound to the same core of host h0");
}

static void test_a_rank_with_fewer_cores_than_threads_is_named(void **state)
{
    assert_ptr_equal(*state, &facts);
    ranks[3].cores = cores(1, 1);
    expect(PT_FINDING_WARN, "binding",
           "rank 3 on host h1 is bound to 1 core for 4 threads");
}

static void test_threads_beyond_the_cores_get_a_recommendation(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.threads = 2;
    for (int r = 0; r < RANKS; r++) ranks[r].cores = cores(0, r / 2 == 1 ? 1 : 3);
    expect(PT_FINDING_WARN, "cores",
           "host h1: 1 worker x 2 threads on 1 core: try 2 ranks on each host (1 server, "
           "1 worker) and engine.threads=1");
}

static void test_time_of_a_control_group_is_divided_like_cores(void **state)
{
    assert_ptr_equal(*state, &facts);
    for (int r = 0; r < 2; r++) {
        ranks[r].cores = cores(0, 64);
        ranks[r].quota = 2;
    }
    expect(PT_FINDING_WARN, "cores", "host h0: 1 worker x 4 threads on 2 cores");
}

static void test_idle_cores_are_counted_beside_the_servers(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.threads = 3; /* and one for the server */
    assert_string_equal(text_of("cores"), "a core for each thread, on every host");
    for (int r = 0; r < 2; r++) ranks[r].cores = cores(0, 8);
    expect(PT_FINDING_WARN, "cores",
           "host h0: 1 worker x 3 threads leave 5 of 8 cores idle");
}

static void test_cpu_types_may_differ_and_are_told(void **state)
{
    assert_ptr_equal(*state, &facts);
    snprintf(ranks[4].cpu, sizeof ranks[4].cpu, "Skylake");
    assert_string_equal(
        text_of("cpu"),
        "host h0 has Zen 5, host h2 has Skylake: allowed, the weights have "
        "the same bits; the slower one sets the pace");
    assert_int_equal(found.list[5].level, PT_FINDING_OK);
}

static void test_a_clock_that_is_off_is_named(void **state)
{
    assert_ptr_equal(*state, &facts);
    pairs[1].ahead_s = -90;
    expect(PT_FINDING_WARN, "clocks", "host h2's clock is 90.0 s behind host h0's");
}

static void test_a_slow_link_is_named_with_both_ends(void **state)
{
    assert_ptr_equal(*state, &facts);
    pairs[2].bytes_per_s = 1.2e8;
    expect(PT_FINDING_WARN, "links",
           "hosts h1 and h2 exchange 0.96 Gb/s each way, h0 and h1 10.00");
    pairs[2].bytes_per_s = 1.25e9;
    pairs[2].trip_s = 5e-3;
    expect(PT_FINDING_WARN, "links",
           "at most 5.000 ms (h1 and h2); synchronised batch norm");
}

static void test_the_run_directory_is_tried(void **state)
{
    assert_ptr_equal(*state, &facts);
    ranks[2].sees_dir = ranks[3].sees_dir = false;
    expect(PT_FINDING_WARN, "directory", "host h1 does not see host h0's runs");
    ranks[2].sees_dir = ranks[3].sees_dir = true;
    facts.lock_errno = ENOLCK;
    expect(PT_FINDING_WARN, "locks",
           "No locks available; set HDF5_USE_FILE_LOCKING=FALSE");
    facts.dir_errno = EROFS;
    expect(PT_FINDING_FAIL, "directory",
           "no file can be written in runs: Read-only file");
}

static void test_scarce_space_and_shared_memory_warn(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.free_bytes = 1 << 30;
    expect(PT_FINDING_WARN, "space", "runs has 1.0 GiB free");
    facts.free_bytes *= 100;
    ranks[5].shm_free = 64 << 20;
    expect(PT_FINDING_WARN, "shm", "/dev/shm of host h2 has 64 MiB free");
}

static void test_one_machine_is_checked_alone(void **state)
{
    assert_ptr_equal(*state, &facts);
    facts.n = facts.n_hosts = 1;
    facts.n_pairs = 0;
    facts.servers = facts.slurm_tasks = facts.mpi_size = 0;
    pt_checks_run(&facts, &found);
    for (size_t i = 0; i < found.n; i++)
        assert_int_equal(found.list[i].level, PT_FINDING_OK);
    assert_string_equal(text_of("cores"),
                        "4 cores: try 5 ranks on each host (1 server, 4 workers) and "
                        "engine.threads=1");
    facts.launched = false;
    facts.slurm_tasks = 8;
    assert_string_equal(
        text_of("world"),
        "one rank of a Slurm job with 8 tasks: this machine alone; to check "
        "the job: srun --mpi=pmix ptrain doctor");
}

static void test_findings_beyond_the_list_are_counted(void **state)
{
    assert_ptr_equal(*state, &facts);
    found = (pt_findings){0};
    for (int i = 0; i < PT_MAX_FINDINGS + 3; i++)
        pt_findings_add(&found, PT_FINDING_WARN, "%d", i);
    assert_int_equal(found.n, PT_MAX_FINDINGS);
    assert_int_equal(found.dropped, 3);
}

static void test_every_two_hosts_meet_once(void **state)
{
    assert_ptr_equal(*state, &facts);
    for (int n = 1; n <= 17; n++) {
        int met[17][17] = {{0}};

        for (int round = 0; round < pt_links_rounds(n); round++)
            for (int h = 0; h < n; h++) {
                int other = pt_links_partner(h, n, round);

                if (other < 0) continue;
                assert_int_not_equal(other, h);
                assert_int_equal(pt_links_partner(other, n, round), h);
                met[h][other]++;
            }
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) assert_int_equal(met[a][b], a != b);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, make_job)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_job_is_ok_in_every_check),
        TEST(test_hosts_that_decode_to_other_pixels_are_named),
        TEST(test_the_world_is_compared_with_the_launchers),
        TEST(test_more_workers_than_shards_fail),
        TEST(test_small_tags_fail),
        TEST(test_ranks_bound_to_one_core_are_named),
        TEST(test_a_rank_with_fewer_cores_than_threads_is_named),
        TEST(test_threads_beyond_the_cores_get_a_recommendation),
        TEST(test_time_of_a_control_group_is_divided_like_cores),
        TEST(test_idle_cores_are_counted_beside_the_servers),
        TEST(test_cpu_types_may_differ_and_are_told),
        TEST(test_a_clock_that_is_off_is_named),
        TEST(test_a_slow_link_is_named_with_both_ends),
        TEST(test_the_run_directory_is_tried),
        TEST(test_scarce_space_and_shared_memory_warn),
        TEST(test_one_machine_is_checked_alone),
        TEST(test_findings_beyond_the_list_are_counted),
        TEST(test_every_two_hosts_meet_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
