#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/job.h"
#include "common/gemm/gemm_path.h"
#include "launch/commands/commands.h"
#include "launch/support/version.h"
#include "tests/launch/captured.h"

enum { WIDTH = 79 };

static captured last;

static int ptrain(int argc, char **argv)
{
    return pt_commands_run(&pt_all_commands, argc, argv);
}

static void type(const char *fmt, const char *words)
{
    char line[128];

    snprintf(line, sizeof line, fmt, words);
    capture(ptrain, line, &last);
}

static void expect(int code, const char *out, const char *err)
{
    assert_string_equal(last.err, err);
    assert_string_equal(last.out, out);
    assert_int_equal(last.code, code);
}

/* Every command of the table, and of the tables in it. */
static void each(const pt_commands *of, void (*fact)(const char *name, const char *words))
{
    for (size_t i = 0; i < of->n; i++) {
        const pt_command *c = &of->list[i];
        char words[64];

        snprintf(words, sizeof words, "%s%s%s", of->name, *of->name ? " " : "", c->name);
        fact(c->name, words);
        if (c->own) each(c->own, fact);
    }
}

/* A word alone in its line, in the middle of a sentence: the text was wrapped twice. */
static bool is_leftover(const char *line)
{
    size_t n = strcspn(line, "\n");

    return n > 0 && strcspn(line, " ") >= n && !strchr(".:)", line[n - 1]);
}

static void explains_itself(const char *name, const char *words)
{
    char text[sizeof last.out], start[128];

    type("ptrain %s --help", words);
    memcpy(text, last.out, sizeof text);
    expect(0, text, "");
    snprintf(start, sizeof start, "Usage: ptrain %s [OPTION...]", words);
    assert_memory_equal(text, start, strlen(start));
    snprintf(start, sizeof start, "\nExample:\n  ptrain %s", words);
    assert_non_null(strstr(text, start));
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        assert_in_range(strcspn(at, "\n"), 0, WIDTH);
        assert_int_equal(at[strcspn(at, "\n")], '\n');
        assert_false(is_leftover(at));
    }
    type("ptrain %s -h", words);
    expect(0, text, "");
    type("ptrain help %s", words);
    expect(0, text, "");
}

static void has_a_version(const char *name, const char *words)
{
    type("ptrain %s --version", words);
    expect(0, "ptrain " PT_VERSION "\n", "");
    type("ptrain %s -V", words);
    expect(0, "ptrain " PT_VERSION "\n", "");
}

static void knows_what_was_meant(const char *name, const char *words)
{
    char want[256];

    type("ptrain %s --vresion", words);
    snprintf(
        want, sizeof want,
        "error: %s: unknown option '--vresion'; did you mean '--version'? (see ptrain %s "
        "--help)\n",
        words, words);
    expect(2, "", want);
    type("ptrain %sx", words);
    snprintf(want, sizeof want, "unknown command '%sx'; did you mean '%s'? (see ptrain ",
             name, name);
    assert_non_null(strstr(last.err, want));
    assert_ptr_equal(strchr(last.err, '\n'), last.err + strlen(last.err) - 1);
    expect(2, "", last.err);
}

static void test_every_command_explains_itself_with_an_example(void **state)
{
    each(&pt_all_commands, explains_itself);
}

static void test_every_command_has_a_version(void **state)
{
    each(&pt_all_commands, has_a_version);
}

static void test_every_misspelt_command_and_option_is_known_again(void **state)
{
    each(&pt_all_commands, knows_what_was_meant);
}

static void is_listed(const char *name, const char *words)
{
    char in[64], line[64];

    snprintf(in, sizeof in, "%.*s", (int)(strlen(words) - strlen(name)), words);
    type("ptrain %s--help", in);
    snprintf(line, sizeof line, "\n  %-10s ", name);
    assert_non_null(strstr(last.out, line));
}

static void test_help_lists_every_command(void **state)
{
    each(&pt_all_commands, is_listed);
    for (const char *const *word = (const char *const[]){"help", "-h", "-?", NULL}; *word;
         word++) {
        char want[sizeof last.err];

        type("ptrain %s", "--help");
        memcpy(want, last.out, sizeof want);
        type("ptrain %s", *word);
        expect(0, want, "");
    }
}

static void test_without_a_command_the_list_is_an_error(void **state)
{
    char want[sizeof last.err];

    type("ptrain %s", "help");
    memcpy(want, last.out, sizeof want);
    type("%s", "ptrain");
    expect(2, "", want);
    type("ptrain %s", "config");
    expect(2, "",
           "error: config: show|check|schema is missing (see ptrain config --help)\n");
}

/* Version first, for scripts; then commit, build, MPI, kernels. */
static void test_version_is_a_command_too_and_says_how_it_was_built(void **state)
{
    char mpi[PT_JOB_LIBRARY_BYTES], text[1024];

    snprintf(text, sizeof text,
             "ptrain %s\n%s%s%s  built    by %s, %s\n  MPI      %s\n  kernels  %s\n",
             PT_VERSION, PT_COMMIT[0] ? "  commit   " : "", PT_COMMIT,
             PT_COMMIT[0] ? "\n" : "", PT_COMPILER, PT_BUILD, pt_job_mpi_library(mpi),
             pt_gemm_path_in_use()->name);
    type("ptrain %s", "version");
    expect(0, text, "");
    type("ptrain %s", "--version");
    expect(0, text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_explains_itself_with_an_example),
        cmocka_unit_test(test_every_command_has_a_version),
        cmocka_unit_test(test_every_misspelt_command_and_option_is_known_again),
        cmocka_unit_test(test_help_lists_every_command),
        cmocka_unit_test(test_without_a_command_the_list_is_an_error),
        cmocka_unit_test(test_version_is_a_command_too_and_says_how_it_was_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
