#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/comm/stop.h"

/* The status of a child that does act, its stderr in text [n]. */
static int status_of(void (*act)(void), char *text, size_t n)
{
    int fd[2], status = 0;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe(fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(fd[1]);
    got = read(fd[0], text, n - 1);
    text[got > 0 ? got : 0] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void ask_by_each_signal(void)
{
    static const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};

    pt_stop_on_signals();
    for (int i = 0; i < 4; i++) {
        pt_stop_ask(false);
        raise(signals[i]);
        if (!pt_stop_asked()) _exit(10 + i);
    }
}

static void interrupt_twice(void)
{
    pt_stop_on_signals();
    raise(SIGINT);
    raise(SIGINT);
}

static void hang_up_under_nohup(void)
{
    signal(SIGHUP, SIG_IGN);
    pt_stop_on_signals();
    raise(SIGHUP);
    if (pt_stop_asked()) _exit(10);
}

static void end_the_first(void)
{
    pt_stop_at_once_on_signal(true);
    raise(SIGUSR2);
}

static void end_another(void)
{
    pt_stop_at_once_on_signal(false);
    raise(SIGUSR2);
}

static void end_what_is_saved(void)
{
    pt_stop_at_once_on_signal(true);
    pt_stop_settle();
    raise(SIGUSR2);
}

static void test_each_stop_signal_asks(void **state)
{
    char text[256];

    assert_int_equal(status_of(ask_by_each_signal, text, sizeof text), 0);
}

static void test_a_second_interrupt_ends_the_process(void **state)
{
    char text[256];
    int status = status_of(interrupt_twice, text, sizeof text);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

static void test_a_hangup_under_nohup_stays_ignored(void **state)
{
    char text[256];

    assert_int_equal(status_of(hang_up_under_nohup, text, sizeof text), 0);
}

static void test_the_first_rank_ends_at_once_with_one_line(void **state)
{
    char text[256];
    int status = status_of(end_the_first, text, sizeof text);

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_string_equal(text, "rank 0: error: " PT_STOP_AT_ONCE "\n");
}

static void test_other_ranks_leave_the_end_to_the_first(void **state)
{
    char text[256];

    assert_int_equal(status_of(end_another, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void test_what_is_saved_is_not_ended(void **state)
{
    char text[256];

    assert_int_equal(status_of(end_what_is_saved, text, sizeof text), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stop_signal_asks),
        cmocka_unit_test(test_a_second_interrupt_ends_the_process),
        cmocka_unit_test(test_a_hangup_under_nohup_stays_ignored),
        cmocka_unit_test(test_the_first_rank_ends_at_once_with_one_line),
        cmocka_unit_test(test_other_ranks_leave_the_end_to_the_first),
        cmocka_unit_test(test_what_is_saved_is_not_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
