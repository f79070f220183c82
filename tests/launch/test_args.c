#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launch/support/args.h"
#include "tests/launch/captured.h"

/* What the command below was given. */
static struct {
    const char *file, *name;
    pt_words sets, rest;
    int count;
    uint64_t seed;
    bool quick, drawn;
} given;

static pt_status check(const void *context)
{
    return given.quick && given.count > 10
               ? pt_fail(PT_ERR_USAGE, "--quick with a count of %d", given.count)
               : PT_OK;
}

static int run(int argc, char **argv)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE", &given.file),
        PT_ARG_REST("MORE", &given.rest),
        PT_ARG_WORDS("set", "KEY=VALUE", &given.sets, "Sets"),
        PT_ARG_TEXT("name", "NAME", &given.name, "Names", .letter = 'n',
                    .required = true),
        PT_ARG_NUMBER("count", "N", &given.count, 2, 100, "Counts"),
        PT_ARG_SEED("draw", "SEED", &given.seed, "Draws", .flag = &given.drawn),
        PT_ARG_FLAG("quick", &given.quick, "Is quick", .letter = 'q'),
        PT_ARG_FLAG("quiet", &given.quick, NULL)};
    const pt_args args = {.command = "do it",
                          .about = "Does it.",
                          .notes = "Notes.",
                          .example = "ptrain do it a b",
                          PT_ARGS_TABLE(table),
                          .check = check};
    int code;

    memset(&given, 0, sizeof given);
    return pt_args_read(&args, argc, argv, &code) ? -1 : code;
}

static captured last;

static void read_line(const char *line)
{
    capture(run, line, &last);
}

static void drop(void)
{
    pt_words_fini(&given.sets);
    pt_words_fini(&given.rest);
}

static void test_words_go_where_the_table_says(void **state)
{
    read_line(
        "it --count 3 a --set x=1 -qn me b --draw=18446744073709551615 --set=y=2 c");
    assert_int_equal(last.code, -1);
    assert_string_equal(given.file, "a");
    assert_int_equal(given.rest.n, 2);
    assert_string_equal(given.rest.list[0], "b");
    assert_string_equal(given.rest.list[1], "c");
    assert_int_equal(given.sets.n, 2);
    assert_string_equal(given.sets.list[0], "x=1");
    assert_string_equal(given.sets.list[1], "y=2");
    assert_string_equal(given.name, "me");
    assert_int_equal(given.count, 3);
    assert_true(given.quick && given.drawn && given.seed == UINT64_MAX);
    drop();
}

static void test_options_may_be_abbreviated_and_end_at_two_dashes(void **state)
{
    read_line("it --c 2 --na me -- a --quick");
    assert_int_equal(last.code, -1);
    assert_int_equal(given.count, 2);
    assert_string_equal(given.rest.list[0], "--quick");
    assert_false(given.quick);
    drop();
}

static void test_a_fault_is_one_line_with_a_hint_that_can_be_typed(void **state)
{
    static const struct {
        const char *line, *fault;
    } cases[] = {
        {"it", "FILE is missing"},
        {"it a", "MORE is missing"},
        {"it a b", "--name NAME is missing"},
        {"it --count 1 a b -n me",
         "--count is '1', must be a whole number from 2 to 100"},
        {"it --count= a", "--count is '', must be a whole number from 2 to 100"},
        {"it --count 3x a", "--count is '3x', must be a whole number from 2 to 100"},
        {"it --count -3 a", "--count is '-3', must be a whole number from 2 to 100"},
        {"it --count 101 a", "--count is '101', must be a whole number from 2 to 100"},
        {"it --draw 18446744073709551616", "--draw is '18446744073709551616', must be a "
                                           "whole number from 0 to 18446744073709551615"},
        {"it --coutn=3 a", "unknown option '--coutn=3'; did you mean '--count'?"},
        {"it -count 3 a", "unknown option '-count'; did you mean '--count'?"},
        {"it --qui a", "unknown option '--qui'; did you mean '--quick'?"},
        {"it --xylophone", "unknown option '--xylophone'"},
        {"it a -x", "unknown option '-x'"},
        {"it --count", "a value is missing after '--count'"},
        {"it a -n", "a value is missing after '-n'"},
        {"it --quick=2", "'--quick=2': --quick takes no value"},
        {"it a b -n me --quick --count 11", "--quick with a count of 11"},
        {"it \n", "MORE is missing"},
        {"it --a\nb", "unknown option '--a?b'"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[256];

        snprintf(want, sizeof want, "error: do it: %s (see ptrain do it --help)\n",
                 cases[i].fault);
        read_line(cases[i].line);
        assert_string_equal(last.err, want);
        assert_string_equal(last.out, "");
        assert_int_equal(last.code, 2);
        assert_null(given.sets.list);
        assert_null(given.rest.list);
    }
}

static void test_help_shows_the_table_in_its_order_without_hidden_rows(void **state)
{
    read_line("it a --set=x --help --nonsense");
    assert_int_equal(last.code, 0);
    assert_string_equal(last.err, "");
    assert_string_equal(last.out,
                        "Usage: ptrain do it [OPTION...] FILE MORE... --name=NAME\n\n"
                        "Does it.\n\n"
                        "      --set=KEY=VALUE        Sets\n"
                        "  -n, --name=NAME            Names\n"
                        "      --count=N              Counts\n"
                        "      --draw=SEED            Draws\n"
                        "  -q, --quick                Is quick\n"
                        "  -h, --help                 Show this help\n"
                        "  -V, --version              Show the version\n\n"
                        "Notes.\n\n"
                        "Example:\n"
                        "  ptrain do it a b\n");
    assert_null(given.sets.list);
}

static void test_one_rank_speaks_for_its_job(void **state)
{
    for (int rank = 0; rank < 2; rank++) {
        setenv("OMPI_COMM_WORLD_RANK", rank == 0 ? "0" : "1", 1);
        read_line("it --nonsense");
        assert_int_equal(last.code, 2);
        assert_int_equal(last.err[0] == '\0', rank);
        read_line("it --help");
        assert_int_equal(last.code, 0);
        assert_int_equal(last.out[0] == '\0', rank);
    }
    unsetenv("OMPI_COMM_WORLD_RANK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_go_where_the_table_says),
        cmocka_unit_test(test_options_may_be_abbreviated_and_end_at_two_dashes),
        cmocka_unit_test(test_a_fault_is_one_line_with_a_hint_that_can_be_typed),
        cmocka_unit_test(test_help_shows_the_table_in_its_order_without_hidden_rows),
        cmocka_unit_test(test_one_rank_speaks_for_its_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
