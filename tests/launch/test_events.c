/* Event files for TensorBoard: records, what stays on resume, a disk that is full. That
 * the numbers are those of metrics.jsonl, as another program reads them: e2e/watch.sh. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/crc32c.h"
#include "launch/train/events.h"
#include "launch/train/tfrecord.h"
#include "proto/tensorboard.pb-c.h"

static char directory[] = "/tmp/pt_test_events_XXXXXX";
static int n_warnings;

void __wrap_pt_log_warn(const char *fmt, ...);
void __wrap_pt_log_warn(const char *fmt, ...)
{
    n_warnings++;
}

static int enter(void **state)
{
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* Calls take for each event file, in the order of names, and counts them. */
static int each_file(void (*take)(const char *name, void *context), void *context)
{
    struct dirent **list = NULL;
    int all = scandir(".", &list, NULL, alphasort), n = 0;

    for (int i = 0; i < all; i++) {
        if (list[i]->d_name[0] != '.') {
            take(list[i]->d_name, context);
            n++;
        }
        free(list[i]);
    }
    free(list);
    return n;
}

static void erase(const char *name, void *context)
{
    assert_int_equal(unlink(name), 0);
}

static int erase_all(void **state)
{
    each_file(erase, NULL);
    n_warnings = 0;
    return 0;
}

/* "3:train/ce 3:test/accuracy ": step and first tag of each event of a file, or what it
 * is else. */
static void list(const char *name, void *context)
{
    char *text = context;
    FILE *f = fopen(name, "r");
    uint8_t *bytes = NULL;
    size_t n;

    assert_non_null(f);
    while (pt_tfrecord_read(f, &bytes, &n)) {
        Pt__Tensorboard__Event *x = pt__tensorboard__event__unpack(NULL, n, bytes);

        assert_non_null(x);
        sprintf(text + strlen(text), "%lld:%s ", (long long)x->step,
                x->summary        ? x->summary->value[0]->tag
                : x->session_log  ? "start"
                : x->file_version ? "version"
                                  : "?");
        pt__tensorboard__event__free_unpacked(x, NULL);
    }
    assert_true(feof(f));
    strcat(text, "; ");
    free(bytes);
    fclose(f);
}

static void put(pt_events *e, const char *line)
{
    json_t *j = json_loads(line, 0, NULL);

    assert_non_null(j);
    pt_events_line(e, j);
    json_decref(j);
}

/* Steps `from` to 2, each with its test. */
static void run(int from, int first_step, bool owed)
{
    pt_events *e;
    char line[128];

    assert_int_equal(pt_events_open(".", (uint64_t)first_step, owed, &e), PT_OK);
    for (int k = from; k < 3; k++) {
        snprintf(line, sizeof line, "{\"step\": %d, \"ce\": 1.5, \"gate\": true}", k);
        if (k >= first_step) put(e, line);
        snprintf(line, sizeof line,
                 "{\"test_of\": \"test\", \"step\": %d, \"accuracy\": 0.5}", k);
        put(e, line);
    }
    pt_events_close(&e);
    assert_null(e);
}

static void test_a_resumed_job_repeats_no_step(void **state)
{
    char text[1024] = "";

    run(0, 0, false);
    run(2, 2, false);
    assert_int_equal(each_file(list, text), 2);
    assert_string_equal(text, "0:version 1:train/ce 1:test/accuracy 2:train/ce "
                              "2:test/accuracy ; 0:version 3:start 3:train/ce "
                              "3:test/accuracy ; ");
}

static void test_a_test_that_is_owed_is_cut_too(void **state)
{
    char text[1024] = "";

    run(0, 0, false);
    run(1, 2, true);
    each_file(list, text);
    assert_string_equal(text,
                        "0:version 1:train/ce 1:test/accuracy 2:train/ce ; 0:version "
                        "2:start 2:test/accuracy 3:train/ce 3:test/accuracy ; ");
}

static void test_the_tail_of_a_crash_is_cut(void **state)
{
    char text[1024] = "";
    FILE *f;

    run(0, 0, false);
    each_file(list, text);
    f = popen("cat events.out.tfevents.* > whole; head -c -3 whole > $(echo events.*)",
              "w");
    assert_non_null(f);
    assert_int_equal(pclose(f), 0);
    assert_int_equal(unlink("whole"), 0);
    run(3, 3, false);
    text[0] = '\0';
    each_file(list, text);
    assert_string_equal(text, "0:version 1:train/ce 1:test/accuracy 2:train/ce "
                              "2:test/accuracy 3:train/ce ; 0:version 4:start ; ");
}

static void test_a_full_disk_is_one_warning(void **state)
{
    struct rlimit was, small;
    char text[1024] = "";
    pt_events *e;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 120;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(pt_events_open(".", 0, false, &e), PT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int k = 0; k < 5; k++) put(e, "{\"step\": 0, \"ce\": 1}");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    put(e, "{\"step\": 6, \"ce\": 1}");
    pt_events_close(&e);
    assert_int_equal(n_warnings, 1);
    each_file(list, text); /* whole records */
    assert_string_equal(text, "0:version 1:train/ce ; ");
}

/* The masked checksum is the one of TensorFlow's own files, as TensorBoard documents it.
 */
static void test_records_that_are_damaged_end_the_file(void **state)
{
    uint8_t record[PT_TFRECORD_HEAD + 4 + PT_TFRECORD_TAIL] = "", *bytes = NULL;
    size_t n = 0;

    assert_int_equal(pt_tfrecord_mask(pt_crc32c(0, "123456789", 9)), 0xc78ab0e5);
    memcpy(record + PT_TFRECORD_HEAD, "abcd", 4);
    pt_tfrecord_close(record, 4);
    for (size_t at = 0; at <= sizeof record; at++) {
        FILE *f = fmemopen(record, sizeof record, "r");

        if (at < sizeof record) record[at] ^= 1;
        assert_true(pt_tfrecord_read(f, &bytes, &n) == (at == sizeof record));
        if (at < sizeof record) record[at] ^= 1;
        fclose(f);
    }
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "abcd", 4);
    free(bytes);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, erase_all)
    const struct CMUnitTest tests[] = {
        T(test_a_resumed_job_repeats_no_step),
        T(test_a_test_that_is_owed_is_cut_too),
        T(test_the_tail_of_a_crash_is_cut),
        T(test_a_full_disk_is_one_warning),
        T(test_records_that_are_damaged_end_the_file),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
