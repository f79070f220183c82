/* The limit of CPU time, read from trees of files as kernels and containers show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/quota.h"

static char root[] = "/tmp/ptrain-quota.XXXXXX";

static void run(const char *format, const char *argument)
{
    char command[1024];

    snprintf(command, sizeof command, format, root, argument);
    assert_int_equal(system(command), 0);
}

static int make_root(void **state)
{
    *state = mkdtemp(root);
    return *state ? 0 : 1;
}

static int remove_root(void **state)
{
    run("rm -rf %s", "");
    return *state ? 0 : 1;
}

static int empty_root(void **state)
{
    run("rm -rf %s/*", "");
    return *state ? 0 : 1;
}

/* A file of the tree, with what is above it. */
static void put(const char *path, const char *text)
{
    char file[512];
    FILE *f;

    run("cd %s && mkdir -p $(dirname %s)", path);
    snprintf(file, sizeof file, "%s/%s", root, path);
    f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void test_the_least_limit_above_a_group_counts(void **state)
{
    assert_non_null(*state);
    put("proc/self/cgroup", "0::/job/step/task\n");
    put("sys/fs/cgroup/job/step/task/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/job/step/cpu.max", "800000 100000\n");
    put("sys/fs/cgroup/job/cpu.max", "400000 100000\n");
    assert_int_equal(pt_quota_cpus(root), 4);
}

static void test_a_container_sees_its_own_group_at_the_top(void **state)
{
    assert_non_null(*state); /* its name is the host's, and not to be found */
    put("proc/self/cgroup", "0::/kubepods/pod7\n");
    put("sys/fs/cgroup/cpu.max", "250000 100000\n");
    assert_int_equal(pt_quota_cpus(root), 2);
}

static void test_part_of_a_cpu_counts_as_one(void **state)
{
    assert_non_null(*state);
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cpu.max", "50000 100000\n");
    assert_int_equal(pt_quota_cpus(root), 1);
}

static void test_version_1_has_two_files(void **state)
{
    assert_non_null(*state);
    put("proc/self/cgroup",
        "9:cpuset:/batch\n4:cpu,cpuacct:/batch/7\n2:cpuacct_only:/no\n0::/\n");
    put("sys/fs/cgroup/cpu,cpuacct/batch/7/cpu.cfs_quota_us", "600000\n");
    put("sys/fs/cgroup/cpu,cpuacct/batch/7/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpuset/batch/cpu.cfs_quota_us", "100000\n"); /* not its place */
    put("sys/fs/cgroup/cpuset/batch/cpu.cfs_period_us", "100000\n");
    assert_int_equal(pt_quota_cpus(root), 6);
}

static void test_no_limit_is_0(void **state)
{
    assert_non_null(*state);
    assert_int_equal(pt_quota_cpus(root), 0); /* no /proc */
    put("proc/self/cgroup", "4:cpu:/\n0::/\n");
    assert_int_equal(pt_quota_cpus(root), 0); /* no files */
    put("sys/fs/cgroup/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(pt_quota_cpus(root), 0);
    put("sys/fs/cgroup/cpu.max", "400000 0\n"); /* nonsense */
    assert_int_equal(pt_quota_cpus(root), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, empty_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_least_limit_above_a_group_counts),
        TEST(test_a_container_sees_its_own_group_at_the_top),
        TEST(test_part_of_a_cpu_counts_as_one),
        TEST(test_version_1_has_two_files),
        TEST(test_no_limit_is_0),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
