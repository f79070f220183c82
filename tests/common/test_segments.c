/* Memory that ranks share: the same bytes for all who have mapped it, and for no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/comm/segments.h"

enum { N = 100003, RANKS = 3 };

static pt_segments *create(int rank, size_t bytes)
{
    pt_segments *s = NULL;

    assert_int_equal(pt_segments_create(rank, RANKS, bytes, &s), PT_OK);
    return s;
}

static void test_a_segment_is_zeros_cut_into_cache_lines(void **state)
{
    pt_segments *s = create(1, 300);
    char *a = pt_segments_take(s, 100), *b = pt_segments_take(s, 172);

    assert_non_null(a);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_ptr_equal(b, a + 128);
    for (int i = 0; i < 300; i++) assert_int_equal(a[i], 0);
    assert_null(pt_segments_take(s, 1)); /* all 300 are taken */
    pt_segments_destroy(&s);
    assert_null(s);
}

static void test_without_bytes_there_is_no_segment(void **state)
{
    pt_segments *s = create(0, 0);
    char text[64];

    pt_segments_describe(s, text, sizeof text);
    assert_string_equal(text, "");
    assert_null(pt_segments_take(s, 1));
    assert_null(pt_segments_take(NULL, 1));
    assert_int_equal(pt_segments_map(s, 1, ""), PT_OK);
    assert_false(pt_segments_has(s, 0) || pt_segments_has(s, 1));
    assert_false(pt_segments_has(NULL, 0));
    pt_segments_destroy(&s);
}

/* Fills what the parent has described; its exit code says whether it could. */
static int child_fills(const char *described)
{
    pt_segments *s = NULL;
    float *x;

    if (pt_segments_create(2, RANKS, 0, &s) != PT_OK) return 1;
    if (pt_segments_map(s, 0, described) != PT_OK) return 2;
    x = pt_segments_at(s, 0, 0, N * sizeof *x);
    for (int i = 0; x && i < N; i++) x[i] = (float)i / 7;
    return x ? 0 : 3;
}

static void test_another_process_writes_what_this_one_reads(void **state)
{
    pt_segments *s = create(0, N * sizeof(float));
    const float *x = pt_segments_take(s, N * sizeof *x);
    char text[128];
    int status;
    pid_t pid;

    pt_segments_describe(s, text, sizeof text);
    pid = fork();
    if (pid == 0) _exit(child_fills(text));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < N; i++) assert_true(x[i] == (float)i / 7);
    pt_segments_destroy(&s);
}

static void test_a_segment_of_another_process_is_refused(void **state)
{
    pt_segments *a = create(0, 1000), *b = create(1, 1000);
    char text[128];

    pt_segments_describe(a, text, sizeof text);
    text[strlen(text) - 1] ^= 1; /* of the mark */
    assert_int_equal(pt_segments_map(b, 0, text), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "is another process's"));
    snprintf(text, sizeof text, "%ld 0 1000 0", (long)getpid());
    assert_int_equal(pt_segments_map(b, 0, text), PT_ERR_IO);
    pt_segments_describe(a, text, sizeof text);
    pt_segments_close(a);
    assert_int_equal(pt_segments_map(b, 0, text), PT_ERR_IO);
    assert_int_equal(pt_segments_map(b, 0, "words"), PT_ERR_COMM);
    pt_segments_destroy(&a);
    pt_segments_destroy(&b);
}

static void test_places_outside_a_segment_are_refused(void **state)
{
    pt_segments *a = create(0, 1000), *b = create(1, 0);
    char *bytes = pt_segments_take(a, 1000);

    pt_segments_join(b, 0, a);
    assert_int_equal(pt_segments_place(a, bytes + 990, 10), 990);
    assert_ptr_equal(pt_segments_at(b, 0, 990, 10), bytes + 990);
    assert_null(pt_segments_at(b, 0, 991, 10));
    assert_null(pt_segments_at(b, 0, UINT64_MAX, 10));
    assert_null(pt_segments_at(b, 2, 0, 10)); /* a rank of another host */
    pt_segments_destroy(&b);
    pt_segments_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_segment_is_zeros_cut_into_cache_lines),
        cmocka_unit_test(test_without_bytes_there_is_no_segment),
        cmocka_unit_test(test_another_process_writes_what_this_one_reads),
        cmocka_unit_test(test_a_segment_of_another_process_is_refused),
        cmocka_unit_test(test_places_outside_a_segment_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
