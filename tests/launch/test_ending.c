#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/comm/stop.h"
#include "launch/support/ending.h"

/* waitpid's status of an exit code. */
static int exited(int code)
{
    return code << 8;
}

/* The line of an end that no rank explained; its code is 1. */
static void expect(pt_ending e, const char *text, bool show)
{
    pt_verdict v;

    if (!e.own) e.own = "";
    v = pt_ending_judge(&e);
    assert_int_equal(v.code, 1);
    assert_string_equal(v.text, text);
    assert_int_equal(v.show, show);
}

static void test_codes_that_mean_something_stay_and_all_others_are_1(void **state)
{
    static const int codes[][2] = {{0, 0}, {2, 2},   {75, 75}, {1, 1},
                                   {3, 1}, {127, 1}, {137, 1}, {255, 1}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        pt_ending e = {.status = exited(codes[i][0]), .reported = true, .own = ""};
        pt_verdict v = pt_ending_judge(&e);

        assert_int_equal(v.code, codes[i][1]);
        assert_string_equal(v.text, "");
    }
}

static void test_a_signal_is_named_and_a_code_above_192_is_none(void **state)
{
    expect((pt_ending){.status = exited(137)},
           "the job was killed by signal 9 (Killed): out of memory, or killed by hand",
           true);
    expect((pt_ending){.status = SIGSEGV},
           "the job was killed by signal 11 (Segmentation fault)", true);
    expect((pt_ending){.status = exited(243)},
           "mpirun ended with status 243 without reporting why", true);
    expect((pt_ending){.status = exited(7)},
           "the job ended with status 7 without reporting why", true);
}

static void test_a_stop_before_the_first_step_speaks_of_no_checkpoint(void **state)
{
    static const char text[] = "stopped while it was starting, before the first step: no "
                               "checkpoint was written";

    expect((pt_ending){.status = exited(128 + SIGUSR1), .stops = true, .asked = true},
           text, false);
    expect((pt_ending){.status = SIGUSR1, .stops = true, .asked = true}, text, false);
    expect((pt_ending){.status = SIGUSR1, .stops = true, .asked = true, .heard = true},
           "mpirun was ended by the signal as the run ended: the same command resumes "
           "it, or "
           "says that it is finished",
           false);
    expect((pt_ending){.status = exited(128 + SIGUSR2), .stops = true, .asked = true},
           PT_STOP_AT_ONCE, false);
    expect(
        (pt_ending){.status = exited(1), .stops = true, .asked = true, .at_once = true},
        PT_STOP_AT_ONCE, false);
    expect((pt_ending){.status = SIGTERM, .asked = true}, "interrupted", false);
}

static void test_a_job_that_ends_for_another_reason_after_a_stop_says_that(void **state)
{
    expect((pt_ending){.status = exited(137), .stops = true, .asked = true},
           "the job was killed by signal 9 (Killed): out of memory, or killed by hand",
           true);
}

static void test_lost_output_is_a_failure_also_of_a_job_that_went_well(void **state)
{
    pt_ending gone = {.status = exited(75),
                      .stops = true,
                      .asked = true,
                      .lost = "lost",
                      .reader_gone = true,
                      .own = ""};

    expect((pt_ending){.status = 0, .lost = "no room"}, "no room", false);
    expect(
        (pt_ending){.status = 0, .lost = "lost", .reader_gone = true},
        "standard output was closed by its reader, as head does: the end of the output "
        "is lost",
        false);
    assert_int_equal(pt_ending_judge(&gone).code, 75);
    assert_non_null(strstr(pt_ending_judge(&gone).text, "checkpoint written"));
}

static void test_what_mpirun_lacks_is_named(void **state)
{
    setenv("TMPDIR", "/nowhere/at/all", 1);
    expect(
        (pt_ending){.status = exited(1), .own = "[vm:1] in session_dir.c at line 107"},
        "mpirun cannot create its files in /nowhere/at/all: No such file or directory; "
        "set TMPDIR to a directory that can be written to",
        false);
    expect((pt_ending){.status = exited(1), .no_ssh = true, .own = "start daemons."},
           "mpirun starts ranks on other hosts through ssh, which is not in PATH", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_that_mean_something_stay_and_all_others_are_1),
        cmocka_unit_test(test_a_signal_is_named_and_a_code_above_192_is_none),
        cmocka_unit_test(test_a_stop_before_the_first_step_speaks_of_no_checkpoint),
        cmocka_unit_test(test_a_job_that_ends_for_another_reason_after_a_stop_says_that),
        cmocka_unit_test(test_lost_output_is_a_failure_also_of_a_job_that_went_well),
        cmocka_unit_test(test_what_mpirun_lacks_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
