/* metrics.jsonl over resumes and on a full disk, with the system's space in the test's
 * hands (--wrap). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <cmocka.h>

#include "common/base/file.h"
#include "launch/train/metrics.h"
#include "tests/support/temp_dir.h"

static ssize_t space; /* bytes that can still be written; below 0: any number */
static bool drops;    /* fsync finds no space, and what was written since is gone */
static off_t durable;

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __wrap_fsync(int fd);
void __wrap_pt_log_warn(const char *fmt, ...);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (space == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (space > 0 && n > (size_t)space) n = (size_t)space;
    if (space > 0) space -= (ssize_t)n;
    return __real_pwrite(fd, p, n, at);
}

int __wrap_fsync(int fd)
{
    if (!drops) {
        durable = lseek(fd, 0, SEEK_END);
        return 0;
    }
    assert_int_equal(ftruncate(fd, durable), 0);
    errno = ENOSPC;
    return -1;
}

static int warnings;

void __wrap_pt_log_warn(const char *fmt, ...)
{
    warnings++;
}

static const char *path(void)
{
    return in_dir("metrics.jsonl");
}

static pt_metrics *begin(void)
{
    pt_metrics *m = NULL;

    unlink(path());
    space = -1;
    drops = false;
    durable = 0;
    warnings = 0;
    assert_int_equal(pt_metrics_open(path(), &m), PT_OK);
    return m;
}

static void put(pt_metrics *m, int step)
{
    assert_int_equal(pt_metrics_put(m, json_pack("{s:i}", "step", step)), PT_OK);
}

static void holds(const char *text)
{
    uint8_t *bytes = NULL;
    size_t n;

    assert_int_equal(pt_file_load_path(path(), 1 << 16, &bytes, &n), PT_OK);
    assert_string_equal((char *)bytes, text);
    free(bytes);
}

static void
test_lines_without_space_are_kept_warned_of_once_and_written_later(void **state)
{
    pt_metrics *m = begin();

    put(m, 0);
    space = 4; /* of a line of 11 */
    put(m, 1);
    put(m, 2);
    assert_int_equal(warnings, 1);
    assert_int_equal(pt_metrics_sync(m), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "metrics.jsonl: cannot be written: No space"));
    space = -1;
    put(m, 3);
    holds("{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
    space = 0; /* full again: warned again */
    put(m, 4);
    assert_int_equal(warnings, 2);
    space = -1;
    pt_metrics_close(&m);
    holds("{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4}\n");
    assert_int_equal(warnings, 2);
}

static void test_lines_that_a_failed_fsync_dropped_are_written_again(void **state)
{
    pt_metrics *m = begin();

    put(m, 0);
    assert_int_equal(pt_metrics_sync(m), PT_OK);
    put(m, 1);
    drops = true;
    assert_int_equal(pt_metrics_sync(m), PT_ERR_IO);
    put(m, 2);
    drops = false;
    assert_int_equal(pt_metrics_sync(m), PT_OK);
    holds("{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n");
    pt_metrics_close(&m);
}

static void
test_lines_that_never_find_space_are_bounded_and_their_loss_is_reported(void **state)
{
    pt_metrics *m = begin();
    char *pad = calloc(1, 1 << 20);

    memset(pad, 'x', (1 << 20) - 1);
    space = 0;
    for (int n = 0; n < 66; n++) { /* 63 are kept: the 64th would pass 64 MB */
        assert_int_equal(pt_metrics_put(m, json_pack("{s:s}", "pad", pad)), PT_OK);
        assert_int_equal(warnings, n < 63 ? 1 : 2);
    }
    space = -1;
    assert_int_equal(pt_metrics_sync(m), PT_OK);
    put(m, 7); /* training continues, and so do its lines */
    pt_metrics_close(&m);
    assert_int_equal(warnings, 3);
    free(pad);
}

static uint64_t sum;

static void add(void *context, const json_t *line)
{
    sum += (uint64_t)json_integer_value(json_object_get(line, "step"));
}

static void write_file(const char *text)
{
    FILE *f = fopen(path(), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void test_a_run_that_goes_on_keeps_what_comes_before_its_first_step(void **state)
{
    pt_metrics_kept steps;

    drops = false;
    sum = 0;
    write_file("{\"step\":0}\n{\"step\":1}\n{\"test_of\":\"test\",\"step\":1}\n"
               "{\"step\":2}\n{\"step\":3}\n");
    assert_int_equal(pt_metrics_keep(path(), 3, false, add, NULL, &steps), PT_OK);
    assert_int_equal(steps.steps, 3);
    assert_int_equal(sum, 0 + 1 + 1 + 2);
    assert_int_equal(steps.lost, 1);
    holds(
        "{\"step\":0}\n{\"step\":1}\n{\"test_of\":\"test\",\"step\":1}\n{\"step\":2}\n");
    assert_int_equal(pt_metrics_keep(path(), 2, true, NULL, NULL, &steps), PT_OK);
    assert_int_equal(steps.steps, 2);
    holds("{\"step\":0}\n{\"step\":1}\n");
    write_file("{\"step\":0}\n{\"ste");
    assert_int_equal(pt_metrics_keep(path(), 2, false, NULL, NULL, &steps), PT_OK);
    assert_int_equal(steps.steps, 1);
    holds("{\"step\":0}\n");
    unlink(path());
    assert_int_equal(pt_metrics_keep(path(), 2, false, NULL, NULL, &steps), PT_OK);
    assert_int_equal(steps.steps, 0);
}

/* What a crash may leave after the lines: a hole of 2 GiB. */
static void test_a_file_past_a_gibibyte_is_read(void **state)
{
    pt_metrics_kept steps;

    drops = false;
    write_file("{\"step\":0}\n");
    assert_int_equal(truncate(path(), 1L << 31), 0);
    assert_int_equal(pt_metrics_keep(path(), 2, false, NULL, NULL, &steps), PT_OK);
    assert_int_equal(steps.steps, 1);
    holds("{\"step\":0}\n");
}

static int tear_down(void **state)
{
    unlink(path());
    return remove_dir(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_lines_without_space_are_kept_warned_of_once_and_written_later),
        cmocka_unit_test(test_lines_that_a_failed_fsync_dropped_are_written_again),
        cmocka_unit_test(
            test_lines_that_never_find_space_are_bounded_and_their_loss_is_reported),
        cmocka_unit_test(test_a_run_that_goes_on_keeps_what_comes_before_its_first_step),
        cmocka_unit_test(test_a_file_past_a_gibibyte_is_read),
    };

    return cmocka_run_group_tests_name("launch.metrics", tests, make_dir, tear_down);
}
