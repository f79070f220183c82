/* Which directories a run begins in or resumes, whatever a crash or a file system
 * left in them, and that nobody else's file is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/train/run_dir.h"
#include "tests/support/temp_dir.h"

/* ---- the file system -------------------------------------------------------------- */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
void __wrap_pt_log_warn(const char *fmt, ...);

static int flock_fails[2]; /* how the next two calls of flock fail; 0: they do not */
static int lock_file_fails;
static int warnings;
static char warned[512];

int __wrap_flock(int fd, int operation)
{
    int why = flock_fails[0];

    flock_fails[0] = flock_fails[1];
    if (why) flock_fails[1] = 0;
    errno = why;
    return why ? -1 : __real_flock(fd, operation);
}

int __wrap_open(const char *path, int flags, ...)
{
    const char *name = strrchr(path, '/');
    va_list ap;
    mode_t mode = 0;

    va_start(ap, flags);
    if (flags & O_CREAT) mode = va_arg(ap, mode_t);
    va_end(ap);
    errno = lock_file_fails;
    if (lock_file_fails && name && strcmp(name, "/.lock") == 0) return -1;
    return __real_open(path, flags, mode);
}

void __wrap_pt_log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(warned, sizeof warned, fmt, ap);
    va_end(ap);
    warnings++;
}

static void put(const char *name)
{
    FILE *f = fopen(in_dir(name), "w");

    assert_non_null(f);
    fputs("{\"a\": 1}", f);
    fclose(f);
}

static bool is_there(const char *name)
{
    return access(in_dir(name), F_OK) == 0;
}

static pt_status open_dir(bool overwrite, bool *exists)
{
    return pt_run_dir_open(in_dir("run"), overwrite, exists);
}

static void clean(void)
{
    char command[300];

    snprintf(command, sizeof command, "rm -rf '%s'", in_dir("run"));
    assert_int_equal(system(command), 0);
}

static void make(void)
{
    clean(); /* after a test that failed */
    assert_int_equal(mkdir(in_dir("run"), 0777), 0);
    flock_fails[0] = flock_fails[1] = lock_file_fails = warnings = 0;
}

/* ---- tests ------------------------------------------------------------------------ */

static const char *const leftovers[] = {"model.h5.room.4711", /* older programs' */
                                        "identity.json.tmp.4711",
                                        "best.h5.tmp.0123456789abcdef",
                                        "model.h5.tmp.0123456789abcdef",
                                        "metrics.jsonl.tmp.0123456789abcdef",
                                        "result.json.tmp.0123456789abcdef"};

static void
test_what_a_crash_leaves_before_the_identity_is_an_empty_directory(void **state)
{
    for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers; i++)
        for (int overwrite = 0; overwrite < 2; overwrite++) {
            char path[64];
            bool exists = true;

            make();
            snprintf(path, sizeof path, "run/%s", leftovers[i]);
            put(path);
            assert_int_equal(open_dir(overwrite, &exists), PT_OK);
            assert_false(exists);
            assert_false(is_there(path));
            clean();
        }
}

static void test_what_a_crash_leaves_in_a_run_is_removed(void **state)
{
    for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers; i++) {
        char path[64];
        bool exists = false;

        make();
        put("run/identity.json");
        put("run/metrics.jsonl");
        snprintf(path, sizeof path, "run/%s", leftovers[i]);
        put(path);
        assert_int_equal(open_dir(false, &exists), PT_OK);
        assert_true(exists);
        assert_false(is_there(path));
        assert_true(is_there("run/metrics.jsonl"));
        clean();
    }
}

static void test_what_nfs_keeps_of_removed_files_is_nothing(void **state)
{
    bool exists = true;

    make();
    put("run/.nfs000000000123abCD00000001");
    assert_int_equal(open_dir(false, &exists), PT_OK);
    assert_false(exists);
    put("run/identity.json");
    unlink(in_dir("run/.lock")); /* which this process keeps */
    assert_int_equal(open_dir(true, &exists), PT_OK);
    assert_true(is_there("run/.nfs000000000123abCD00000001"));
    assert_false(is_there("run/identity.json"));
    clean();
}

/* --overwrite was killed when the run's files were gone, but not all of checkpoints/. */
static void test_a_checkpoint_half_removed_is_no_run(void **state)
{
    bool exists = true;

    make();
    mkdir(in_dir("run/checkpoints"), 0777);
    mkdir(in_dir("run/checkpoints/step-000000000012"), 0777);
    put("run/checkpoints/step-000000000012/part-0.h5");
    assert_int_equal(open_dir(false, &exists), PT_OK);
    assert_false(exists);
    assert_false(is_there("run/checkpoints"));
    clean();
}

static void test_files_of_others_are_named_and_stay(void **state)
{
    static const char *const others[] = {
        "notes.txt",      "model.h5", "model.h5.bak",       "x.tmp.0123456789abcdef",
        ".nfs-of-my-own", ".hidden",  "identity.json.orig", "model.h5.tmp.mine"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (int overwrite = 0; overwrite < 2; overwrite++) {
            char path[64];
            bool exists;

            make();
            snprintf(path, sizeof path, "run/%s", others[i]);
            put(path);
            assert_int_equal(open_dir(overwrite, &exists), PT_ERR_USAGE);
            assert_non_null(
                strstr(pt_fail_text(), "holds files that do not belong to a run"));
            assert_non_null(strstr(pt_fail_text(), others[i]));
            assert_true(is_there(path));
            assert_false(is_there("run/.lock"));
            clean();
        }
}

static void test_a_checkpoint_without_a_run_is_somebody_elses(void **state)
{
    bool exists;

    make();
    mkdir(in_dir("run/checkpoints"), 0777);
    mkdir(in_dir("run/checkpoints/step-000000000012"), 0777);
    put("run/checkpoints/step-000000000012/manifest.json");
    assert_int_equal(open_dir(true, &exists), PT_ERR_USAGE);
    assert_true(is_there("run/checkpoints/step-000000000012/manifest.json"));
    clean();
}

static void test_two_jobs_do_not_share_a_directory(void **state)
{
    bool exists;

    make();
    assert_int_equal(open_dir(false, &exists), PT_OK); /* and keeps it */
    assert_int_equal(open_dir(false, &exists), PT_ERR_USAGE);
    assert_non_null(strstr(pt_fail_text(), "is in use by another job"));
    clean();
}

static void test_a_look_from_outside_does_not_keep_a_job_away(void **state)
{
    bool exists;

    make();
    assert_false(pt_run_dir_in_use(in_dir("run")));
    flock_fails[0] = EWOULDBLOCK; /* for this moment somebody looks */
    assert_int_equal(open_dir(false, &exists), PT_OK);
    assert_true(pt_run_dir_in_use(in_dir("run")));
    clean();
}

/* Lustre without flock, NFS without lockd, and what else there may be. */
static void test_where_there_are_no_locks_one_warning_says_so(void **state)
{
    static const int whys[] = {ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL, EIO};

    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        bool exists = true;

        make();
        flock_fails[0] = whys[i];
        assert_int_equal(open_dir(false, &exists), PT_OK);
        assert_false(exists);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(warned, strerror(whys[i])));
        clean();
    }
}

static void test_a_signal_while_it_locks_changes_nothing(void **state)
{
    bool exists;

    make();
    flock_fails[0] = EINTR;
    assert_int_equal(open_dir(false, &exists), PT_OK);
    assert_int_equal(warnings, 0);
    flock_fails[0] = EINTR;
    assert_int_equal(open_dir(false, &exists), PT_ERR_USAGE); /* it was locked */
    clean();
}

/* Another user's, or on a file system that is mounted read-only. */
static void test_a_finished_run_may_be_read_only_but_no_other(void **state)
{
    static const int whys[] = {EACCES, EROFS, EPERM};

    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        bool exists = false;

        make();
        put("run/identity.json");
        lock_file_fails = whys[i];
        assert_int_equal(open_dir(false, &exists), PT_ERR_IO);
        assert_non_null(strstr(pt_fail_text(), "run cannot be written: .lock: "));
        put("run/result.json");
        assert_int_equal(open_dir(false, &exists), PT_OK);
        assert_true(exists);
        assert_int_equal(warnings, 0);
        clean();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_what_a_crash_leaves_before_the_identity_is_an_empty_directory),
        cmocka_unit_test(test_what_a_crash_leaves_in_a_run_is_removed),
        cmocka_unit_test(test_what_nfs_keeps_of_removed_files_is_nothing),
        cmocka_unit_test(test_a_checkpoint_half_removed_is_no_run),
        cmocka_unit_test(test_files_of_others_are_named_and_stay),
        cmocka_unit_test(test_a_checkpoint_without_a_run_is_somebody_elses),
        cmocka_unit_test(test_two_jobs_do_not_share_a_directory),
        cmocka_unit_test(test_a_look_from_outside_does_not_keep_a_job_away),
        cmocka_unit_test(test_where_there_are_no_locks_one_warning_says_so),
        cmocka_unit_test(test_a_signal_while_it_locks_changes_nothing),
        cmocka_unit_test(test_a_finished_run_may_be_read_only_but_no_other),
    };

    return cmocka_run_group_tests_name("launch.run_dir", tests, make_dir, remove_dir);
}
