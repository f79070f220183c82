#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/config/config.h"

static char directory[] = "/tmp/pt_test_config_XXXXXX";

static int enter(void **state)
{
    return mkdtemp(directory) && chdir(directory) == 0 && mkdir("sub", 0700) == 0 ? 0
                                                                                  : -1;
}

static int leave(void **state)
{
    static const char *const files[] = {"a.yaml", "data.h5", "model.h5", "sub/d.yaml",
                                        "sub/data.h5"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) unlink(files[i]);
    return rmdir("sub") == 0 && chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void expect_paths(const char *const *sets, size_t n, const char *data,
                         const char *weights)
{
    pt_config *c = NULL;

    if (pt_config_load("a.yaml", sets, n, &c) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_string_equal(c->data->path, data);
    assert_string_equal(c->network->weights, weights);
    pt_config_destroy(&c);
}

static void
test_files_are_looked_for_beside_the_configuration_that_names_them(void **state)
{
    static const char *const set[] = {"data.path=data.h5"};

    write_file("a.yaml", "base: sub/d.yaml\n");
    write_file("sub/d.yaml", "data: {path: data.h5}\nnetwork: {weights: model.h5}\n");
    expect_paths(NULL, 0, "data.h5", "model.h5"); /* there is none: as it is given */
    write_file("data.h5", "here");
    write_file("sub/data.h5", "there");
    expect_paths(NULL, 0, "sub/data.h5", "model.h5");
    expect_paths(set, 1, "data.h5", "model.h5"); /* a command line is not beside a file */
    write_file("model.h5", "here");
    expect_paths(NULL, 0, "sub/data.h5", "model.h5");
    write_file("a.yaml", "base: sub/d.yaml\ndata: {path: data.h5}\n");
    expect_paths(NULL, 0, "data.h5", "model.h5");
}

static void test_a_directory_that_a_comment_would_cut_is_refused(void **state)
{
    static const char *const cut[] = {"run.dir=runs/r #1"},
                             *const whole[] = {"run.dir='runs/r #1' # mine"};
    pt_config *c = NULL;

    write_file("a.yaml", "seed: 1\n");
    assert_int_equal(pt_config_load("a.yaml", cut, 1, &c), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(),
                        "--set #1: error: 'run.dir=runs/r #1' ends before the #, which "
                        "begins a comment: quote the value itself, as in "
                        "'run.dir=\"a #b\"'");
    assert_int_equal(pt_config_load("a.yaml", whole, 1, &c), PT_OK);
    assert_string_equal(c->run->dir, "runs/r #1");
    pt_config_destroy(&c);
}

static void test_a_head_is_kept_of_weights(void **state)
{
    static const char *const set[] = {"run.dir=a", "data.path=d.h5", "network.name=vgg16",
                                      "network.keep_head=true", "network.weights=w.h5"};
    pt_config *c = NULL;

    assert_int_equal(pt_config_load("a.yaml", set, 4, &c), PT_OK);
    assert_int_equal(pt_config_check_train(c), PT_ERR_CONFIG);
    assert_string_equal(
        pt_fail_text(),
        "network.keep_head is the head of network.weights, which is not given");
    pt_config_destroy(&c);
    assert_int_equal(pt_config_load("a.yaml", set, 5, &c), PT_OK);
    assert_int_equal(pt_config_check_train(c), PT_OK);
    pt_config_destroy(&c);
}

static void test_no_directory_is_named_by_a_tilde(void **state)
{
    static const char *const set[] = {"run.dir=~/runs/a", "data.path=d.h5",
                                      "network.name=vgg16"};
    pt_config *c = NULL;

    assert_int_equal(pt_config_load("a.yaml", set, 3, &c), PT_OK);
    assert_int_equal(pt_config_check_train(c), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(),
                        "run.dir '~/runs/a' would be a directory named ~: write the home "
                        "directory in full");
    pt_config_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_files_are_looked_for_beside_the_configuration_that_names_them),
        cmocka_unit_test(test_a_directory_that_a_comment_would_cut_is_refused),
        cmocka_unit_test(test_a_head_is_kept_of_weights),
        cmocka_unit_test(test_no_directory_is_named_by_a_tilde),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
