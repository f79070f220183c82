#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "launch/layouts/only.h"
#include "tests/launch/layout_files.h"

static void expect_wanted(const char *text, const char *path, bool wanted)
{
    pt_only *o;

    assert_int_equal(pt_only_create(text, "a/photos/", &o), PT_OK);
    if (pt_only_wants(o, path) != wanted)
        fail_msg("--only %s: %s should%s be meant", text, path, wanted ? "" : " not");
    pt_only_destroy(&o);
    assert_null(o);
}

static void test_a_pattern_is_of_the_name_or_with_a_slash_of_the_path(void **state)
{
    expect_wanted("*.jpg", "a/photos/train/cat/1.jpg", true);
    expect_wanted("*.jpg", "a/photos/train/cat/1.JPG", true);
    expect_wanted("*.jpg", "a/photos/train/cat/1.jpg.txt", false);
    expect_wanted("*.jpg,*.png", "a/photos/1.png", true);
    expect_wanted("*.jpg,*.png", "a/photos/1.gif", false);
    expect_wanted("[0-9]*.jp?g", "a/photos/cat/7x.jpeg", true);
    expect_wanted("a*", "a/photos/cat/1.jpg", false); /* not of the path */
    expect_wanted("train/*.jpg", "a/photos/train/cat/1.jpg", true);
    expect_wanted("train/*.jpg", "a/photos//train/cat/1.jpg", true);
    expect_wanted("train/*.jpg", "a/photos/test/cat/1.jpg", false);
    expect_wanted("*/cat/*,*.gif", "a/photos/test/cat/1.jpg", true);
    expect_wanted("2.jpg", "a/photos/cat/2.jpg", true);
}

static void test_what_is_no_pattern_is_refused(void **state)
{
    static const char *const bad[] = {"",    "*.jpg,",   ",*.jpg", "*.jpg,,*.png",
                                      "jpg", "*.jpg,png"};
    pt_only *o;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(pt_only_create(bad[i], "photos", &o), PT_ERR_USAGE);
        assert_null(o);
    }
    assert_string_equal(pt_fail_text(), "--only 'png': fits only a file of this name; "
                                        "'*.png' fits all that end so");
}

static void test_other_files_and_folders_are_left_out_and_counted(void **state)
{
    const pt_layout_options o = {.only = "*.jpg"};
    pt_layout l;

    put("train/a/1.jpg", "");
    put("train/a/2.png", "");
    put("train/a/labels.txt", "");
    put("train/a/.hidden", "");
    put("train/b/1.JPG", "");
    put("train/b/raw/1.cr2", "");
    put("train/b/raw/2.cr2", "");
    put("notes/more/todo.txt", "");
    put("notes/.hidden/1.jpg", "");
    put("README", ""); /* beside the splits: never counted */
    l = read_ok(NULL, &o);
    assert_int_equal(l.n_images, 2);
    expect_image(&l, 0, "train/a/1.jpg", 0);
    expect_image(&l, 1, "train/b/1.JPG", 1);
    assert_int_equal(l.left_out.n, 0);
    assert_int_equal(l.left_out.n_not_meant, 5);
    pt_layout_fini(&l);

    l = read_ok(NULL, NULL);
    assert_int_equal(l.n_images, 3);
    assert_int_equal(l.left_out.n, 3); /* labels.txt, raw, notes */
    assert_int_equal(l.left_out.n_not_meant, 0);
    pt_layout_fini(&l);
}

/* A text file that is meant, a folder that holds a picture. */
static void test_what_is_meant_and_no_picture_of_a_class_is_still_reported(void **state)
{
    const pt_layout_options o = {.only = "*.jpg,*.txt"};
    pt_layout l;

    put("train/a/1.jpg", "");
    put("train/a/1.txt", "");
    put("train/a/1.csv", "");
    put("train/a/more/2.jpg", "");
    put("spare/a/3.jpg", "");
    l = read_ok(NULL, &o);
    assert_int_equal(l.n_images, 1);
    assert_int_equal(l.left_out.n, 3);
    assert_string_equal(l.left_out.first[0], at("spare"));
    assert_string_equal(l.left_out.first[1], at("train/a/1.txt"));
    assert_string_equal(l.left_out.first[2], at("train/a/more"));
    assert_int_equal(l.left_out.n_not_meant, 1);
    pt_layout_fini(&l);
}

static void test_a_class_of_which_nothing_is_left_is_a_fault(void **state)
{
    const pt_layout_options o = {.only = "*.jpg"};
    char text[256];
    pt_layout l;

    put("train/a/1.jpg", "");
    put("train/b/1.png", "");
    assert_int_equal(read_with(NULL, &o, &l), PT_ERR_DATA);
    snprintf(text, sizeof text, "%s: class 'b' has no picture that --only keeps in train",
             root);
    assert_string_equal(pt_fail_text(), text);
}

static void test_other_layouts_refuse_it(void **state)
{
    const pt_layout_options o = {.only = "*.jpg"};
    pt_layout l;

    put("train.txt", "a.jpg 0\n");
    assert_int_equal(read_with(NULL, &o, &l), PT_ERR_USAGE);
    assert_string_equal(pt_fail_text(), "--only is for folders, not for the layout list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pattern_is_of_the_name_or_with_a_slash_of_the_path),
        cmocka_unit_test(test_what_is_no_pattern_is_refused),
        TEST(test_other_files_and_folders_are_left_out_and_counted),
        TEST(test_what_is_meant_and_no_picture_of_a_class_is_still_reported),
        TEST(test_a_class_of_which_nothing_is_left_is_a_fault),
        TEST(test_other_layouts_refuse_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
