#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/support/relay.h"

#define RULE                                                                             \
    "--------------------------------------------------------------------------\n"

static char out[4 * PT_RELAY_LINE];

/* What a relay lets through of text, given in pieces of `piece` bytes. */
static pt_relay *relay(const char *text, size_t piece)
{
    pt_relay *r = malloc(sizeof *r);
    int fd[2];
    ssize_t n;

    assert_non_null(r);
    assert_int_equal(pipe(fd), 0);
    pt_relay_init(r, fd[1]);
    for (size_t at = 0, left = strlen(text); left > 0;) {
        size_t k = left < piece ? left : piece;

        pt_relay_put(r, text + at, k);
        at += k;
        left -= k;
    }
    pt_relay_end(r);
    close(fd[1]);
    n = read(fd[0], out, sizeof out - 1);
    out[n > 0 ? n : 0] = '\0';
    close(fd[0]);
    return r;
}

static const char mixed[] =
    "rank 1: warn: of a rank\n" RULE "mpirun noticed that a process ended with\n"
    "error: of a block is mpirun's\n" RULE "\n[vm:123] *** Process received signal ***\n"
    "mpirun: SIGPIPE detected on fd 13 - aborting\n[not a process] of a rank\n"
    "the last one has no end";

static void test_lines_of_ranks_go_on_and_those_of_mpirun_are_held(void **state)
{
    for (size_t piece = 1; piece < sizeof mixed; piece += 7) {
        pt_relay *r = relay(mixed, piece);

        assert_string_equal(
            out,
            "rank 1: warn: of a rank\n[not a process] of a rank\nthe last one has no "
            "end");
        assert_false(r->reported);
        assert_non_null(strstr(r->held, "mpirun noticed"));
        assert_non_null(strstr(r->held, "*** Process received signal ***\nmpirun: SIG"));
        free(r);
    }
}

static void test_an_error_line_of_a_rank_is_seen(void **state)
{
    pt_relay *r = relay("rank 2: error: no such file\n", 5);

    assert_true(r->reported);
    assert_string_equal(out, "rank 2: error: no such file\n");
    free(r);
}

static void test_long_lines_go_on_in_parts_and_held_text_is_bounded(void **state)
{
    size_t n = 2 * PT_RELAY_HELD;
    char *text = malloc(n + 1);
    pt_relay *r;

    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    r = relay(text + n - PT_RELAY_LINE - 100, 1000);
    assert_int_equal(strlen(out), PT_RELAY_LINE + 100);
    assert_int_equal(r->n_held, 0);
    free(r);
    memcpy(text, RULE, sizeof RULE - 1);
    r = relay(text, 1000);
    assert_string_equal(out, "");
    assert_true(r->n_held <= PT_RELAY_HELD && r->held[r->n_held] == '\0');
    free(r);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_ranks_go_on_and_those_of_mpirun_are_held),
        cmocka_unit_test(test_an_error_line_of_a_rank_is_seen),
        cmocka_unit_test(test_long_lines_go_on_in_parts_and_held_text_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
