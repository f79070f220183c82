/* Temporary names: new each time, never what is there already; known again later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/file.h"
#include "tests/support/temp_dir.h"

ssize_t __real_getrandom(void *to, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);

static uint64_t drawn[4]; /* what getrandom gives next; 0: what it does */

ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags)
{
    if (!drawn[0]) return __real_getrandom(to, n, flags);
    memcpy(to, drawn, n);
    memmove(drawn, drawn + 1, sizeof drawn - sizeof *drawn);
    return (ssize_t)n;
}

static void test_two_temporary_files_have_two_names(void **state)
{
    char path[256], *a, *b;
    int fd[2];

    snprintf(path, sizeof path, "%s", in_dir("model.h5"));
    assert_int_equal(pt_file_temporary(path, &a, &fd[0]), PT_OK);
    assert_int_equal(pt_file_temporary(path, &b, &fd[1]), PT_OK);
    assert_string_not_equal(a, b);
    assert_true(pt_file_is_temporary(strrchr(a, '/') + 1, "model.h5"));
    for (int i = 0; i < 2; i++) assert_int_equal(close(fd[i]), 0);
    assert_int_equal(unlink(a), 0);
    assert_int_equal(unlink(b), 0);
    free(a);
    free(b);
}

/* Somebody guessed the name, and put a link there. */
static void test_what_is_there_is_neither_opened_nor_followed(void **state)
{
    char path[256], link[256], *name;
    struct stat st;
    int fd;

    snprintf(path, sizeof path, "%s", in_dir("a"));
    snprintf(link, sizeof link, "%s", in_dir("a.tmp.0000000000000007"));
    assert_int_equal(symlink(in_dir("victim"), link), 0);
    drawn[0] = drawn[1] = 7;
    drawn[2] = 8;
    assert_int_equal(pt_file_temporary(path, &name, &fd), PT_OK);
    assert_string_equal(name, in_dir("a.tmp.0000000000000008"));
    assert_int_equal(stat(in_dir("victim"), &st), -1);
    close(fd);
    unlink(name);
    unlink(link);
    free(name);
}

static void test_a_directory_that_is_not_there_is_named(void **state)
{
    char *name;
    int fd;

    assert_int_equal(pt_file_temporary("/no/such/dir/x", &name, &fd), PT_ERR_IO);
    assert_string_equal(pt_fail_text(),
                        "/no/such/dir/x: cannot be created: No such file or directory");
    assert_null(name);
}

static void test_no_device_pipe_or_directory_becomes_a_file(void **state)
{
    static const char text[] = "x";
    char path[256];

    snprintf(path, sizeof path, "%s", in_dir("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pt_file_replace(path, text, 1), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "pipe: is a device or a pipe: give"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(pt_file_replace(path, text, 1), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "pipe: is a directory: give"));
    assert_int_equal(rmdir(path), 0);
}

static void test_names_of_older_programs_are_known_and_others_are_not(void **state)
{
    static const char *const are[] = {"a.h5.tmp.4711", "a.h5.room.4711",
                                      "a.h5.tmp.00ff00ff00ff00ff"};
    static const char *const are_not[] = {"a.h5",       "a.h5.tmp",     "a.h5.tmp.",
                                          "a.h5.tmp.x", "a.h5.tmp.1.2", "b.h5.tmp.1",
                                          "a.h5.bak.1", "a.h5.room.",   "xa.h5.tmp.1"};

    for (size_t i = 0; i < sizeof are / sizeof *are; i++)
        if (!pt_file_is_temporary(are[i], "a.h5")) fail_msg("%s", are[i]);
    for (size_t i = 0; i < sizeof are_not / sizeof *are_not; i++)
        if (pt_file_is_temporary(are_not[i], "a.h5")) fail_msg("%s", are_not[i]);
}

static void test_room_that_was_asked_for_leaves_nothing(void **state)
{
    pt_status s;

    assert_int_equal(pt_file_check_space(in_dir("a"), 4096), PT_OK);
    s = pt_file_check_space(in_dir("a"), UINT64_C(1) << 60);
    assert_true(s == PT_ERR_IO || s == PT_OK); /* OK: cannot reserve here */
} /* remove_dir fails where a file is left */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_temporary_files_have_two_names),
        cmocka_unit_test(test_what_is_there_is_neither_opened_nor_followed),
        cmocka_unit_test(test_a_directory_that_is_not_there_is_named),
        cmocka_unit_test(test_no_device_pipe_or_directory_becomes_a_file),
        cmocka_unit_test(test_names_of_older_programs_are_known_and_others_are_not),
        cmocka_unit_test(test_room_that_was_asked_for_leaves_nothing),
    };

    return cmocka_run_group_tests_name("common.file", tests, make_dir, remove_dir);
}
