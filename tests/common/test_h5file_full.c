/* A file that the disk has no room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/data/h5file.h"
#include "tests/support/temp_dir.h"

static pt_status write_floats(const char *path, size_t n)
{
    float *x = calloc(n, sizeof *x);
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_create(path, &f);

    if (s == PT_OK) s = pt_h5file_write_f32(f, "a/x", 1, &(uint64_t){1}, x);
    if (s == PT_OK) s = pt_h5file_write_f32(f, "a/y", 1, &(uint64_t){n}, x);
    if (s == PT_OK) s = pt_h5file_commit(&f);
    pt_h5file_destroy(&f);
    free(x);
    return s;
}

/* A limit of file sizes stands for a disk that is full half-way. */
static void test_a_file_that_finds_no_room_spoils_none_that_follows(void **state)
{
    const char *path = in_dir("full.h5");
    struct rlimit was, small;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small = (struct rlimit){.rlim_cur = 1 << 12, .rlim_max = was.rlim_max};
    for (int i = 0; i < 20; i++) {
        setrlimit(RLIMIT_FSIZE, &small);
        assert_int_equal(write_floats(path, 1 << 14), PT_ERR_IO);
        setrlimit(RLIMIT_FSIZE, &was);
        assert_non_null(
            strstr(pt_fail_text(), "full.h5: cannot be written: File too large"));
        assert_int_equal(write_floats(path, 1 << 14), PT_OK);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_finds_no_room_spoils_none_that_follows),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
