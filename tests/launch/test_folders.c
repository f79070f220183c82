#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/launch/layout_files.h"

static void test_split_folders_are_read_in_the_order_of_bytes(void **state)
{
    pt_layout l;

    put("train/tulip/b.jpg", "");
    put("train/tulip/a.PNG", "");
    put("train/Daisy/z.jpeg", "");
    put("train/Daisy/.hidden.jpg", "");
    put("test/tulip/c.JPEG", "");
    put("test/Daisy/d.jpg", "");
    put("valid/tulip/e.jpg", "");
    put("train/tulip/readme.txt", "");
    put("train/tulip/Thumbs.db", "");
    put("train/Daisy/.DS_Store", "");
    l = read_ok(NULL, NULL);
    assert_string_equal(l.kind, "folders");
    assert_int_equal(l.n_classes, 2);
    assert_string_equal(l.classes[0], "Daisy");
    assert_string_equal(l.classes[1], "tulip");
    assert_int_equal(l.n_images, 6);
    expect_image(&l, 0, "train/Daisy/z.jpeg", 0);
    expect_image(&l, 1, "train/tulip/a.PNG", 1);
    expect_image(&l, 2, "train/tulip/b.jpg", 1);
    expect_image(&l, 3, "valid/tulip/e.jpg", 1);
    expect_image(&l, 4, "test/Daisy/d.jpg", 0);
    assert_int_equal(l.n_splits, 3);
    expect_split(&l, 0, "train", 3, (uint32_t[]){0, 1, 2});
    expect_split(&l, 1, "val", 1, (uint32_t[]){3});
    expect_split(&l, 2, "test", 2, (uint32_t[]){4, 5});
    assert_int_equal(l.left_out.n, 1);
    assert_string_equal(l.left_out.first[0], at("train/tulip/readme.txt"));
    pt_layout_fini(&l);
}

static void test_folders_without_splits_are_all_or_cut_by_test_every(void **state)
{
    const pt_layout_options every = {.test_every = 2};
    char name[16];
    pt_layout l;

    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "a/%d.jpg", i);
        put(name, "");
    }
    put("b/0.jpg", "");
    put("b/1.jpg", "");
    l = read_ok(NULL, NULL);
    assert_int_equal(l.n_splits, 1);
    expect_split(&l, 0, "all", 7, (uint32_t[]){0, 1, 2, 3, 4, 5, 6});
    expect_image(&l, 6, "b/1.jpg", 1);
    pt_layout_fini(&l);

    l = read_ok("folders", &every);
    assert_int_equal(l.n_splits, 2);
    expect_split(&l, 0, "train", 4, (uint32_t[]){0, 2, 4, 5});
    expect_split(&l, 1, "test", 3, (uint32_t[]){1, 3, 6});
    pt_layout_fini(&l);
}

/* The draw may never change: packed again, a folder has the same splits. */
static void test_a_share_of_each_class_is_drawn_for_the_test(void **state)
{
    static const uint32_t train[] = {0, 2, 4, 6, 7, 8, 9, 10, 12}, test[] = {1, 3, 5, 11};
    pt_layout_options o = {.test_share = "0.25", .test_seed = 1};
    char name[16];
    pt_layout l;

    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "a/%d.jpg", i);
        put(name, "");
        if (i < 2) {
            snprintf(name, sizeof name, "b/%d.jpg", i);
            put(name, "");
        }
    }
    put("c/0.jpg", ""); /* stays with the training */
    for (int with_val = 0; with_val <= 1; with_val++) {
        l = read_ok(NULL, &o);
        assert_int_equal(l.n_splits, 2 + with_val);
        expect_split(&l, 0, "train", 9, train);
        expect_split(&l, 1, "test", 4, test);
        assert_string_equal(l.images[12].name, with_val ? "train/c/0.jpg" : "c/0.jpg");
        pt_layout_fini(&l);
        if (with_val) break;
        mkdir(at("train"), 0777);
        for (const char *c = "abc"; *c; c++) {
            char from[2] = {*c}, to[8] = {'t', 'r', 'a', 'i', 'n', '/', *c};

            assert_int_equal(rename(at(from), at(to)), 0);
        }
        put("val/a/x.jpg", "");
    }
    o.test_seed = 2;
    l = read_ok(NULL, &o);
    assert_int_equal(l.splits[1].n, 4);
    assert_memory_not_equal(l.splits[1].images, test, sizeof test);
    pt_layout_fini(&l);
}

static void test_a_share_that_fits_nothing_is_refused(void **state)
{
    static const char *const bad[] = {"0", "1", "-0.5", "20%", "nan", ""};
    pt_layout_options o = {0};
    pt_layout l;

    put("train/a/1.jpg", "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.test_share = bad[i];
        assert_int_equal(read_with(NULL, &o, &l), PT_ERR_USAGE);
        assert_non_null(strstr(pt_fail_text(), "expected a number in (0, 1)"));
    }
    o.test_share = "0.2";
    put("testing/a/1.jpg", "");
    assert_int_equal(read_with(NULL, &o, &l), PT_ERR_USAGE);
    assert_non_null(strstr(pt_fail_text(), "/testing: is a test split"));
    o.test_every = 2;
    assert_int_equal(read_with(NULL, &o, &l), PT_ERR_USAGE);
}

static void test_links_to_files_and_folders_are_followed(void **state)
{
    pt_layout l;

    link_data("a/plain.jpg", "jpeg/plain.jpg");
    put("a/real.jpg", "");
    assert_int_equal(symlink(at("a"), at("b")), 0);
    l = read_ok(NULL, NULL);
    assert_int_equal(l.n_images, 4);
    pt_layout_fini(&l);
}

static void test_faults_of_folders_are_listed_at_once(void **state)
{
    put("train/a/1.jpg", "");
    put("train/b/notes.txt", "");
    put("test/b/1.jpg", "");
    put("test/c/1.jpg", "");
    assert_int_equal(symlink("nowhere", at("test/c/2.jpg")), 0);
    expect_fault("folders", PT_ERR_DATA,
                 "%s: class 'b' has no picture in train\n"
                 "%s: class 'c' has no picture in train\n"
                 "%s/test/c/2.jpg: cannot be opened: No such file or directory");
}

static void test_a_folder_without_classes_says_what_was_expected(void **state)
{
    put("loose.jpg", "");
    expect_fault(NULL, PT_ERR_DATA,
                 "%s: has no class folders (expected pictures in train/CLASS/ and "
                 "test/CLASS/, or in CLASS/)");
    assert_int_equal(rename(at("loose.jpg"), at("x")), 0);
    strcat(root, "/x");
    expect_fault(NULL, PT_ERR_IO, "%s: is not a folder");
    strcat(root, "y");
    expect_fault(NULL, PT_ERR_IO, "%s: cannot be opened: No such file or directory");
    *strrchr(root, '/') = '\0';
}

/* ---- csv --------------------------------------------------------------------------- */

static void test_labels_come_from_a_table(void **state)
{
    pt_layout l;

    put("a, b.jpg", "");
    put("x/c.png", "");
    put("d.jpg", "");
    put("labels.csv", "\xef\xbb\xbfid,Filename,label\r\n1,\"a, b.jpg\",tulip\r\n"
                      "2,x/c.png,\"the \"\"daisy\"\"\"\r\n\r\n3,d.jpg,tulip");
    l = read_ok("csv", NULL);
    assert_int_equal(l.n_classes, 2);
    assert_string_equal(l.classes[0], "the \"daisy\"");
    expect_image(&l, 0, "a, b.jpg", 1);
    expect_image(&l, 1, "x/c.png", 0);
    expect_image(&l, 2, "d.jpg", 1);
    assert_int_equal(l.n_splits, 1);
    expect_split(&l, 0, "all", 3, (uint32_t[]){0, 1, 2});
    pt_layout_fini(&l);
}

static void test_labels_of_a_table_may_be_numbers(void **state)
{
    pt_layout l;

    put("1.jpg", "");
    put("2.jpg", "");
    put("3.jpg", "");
    put("train.csv", "path;class\n1.jpg;10\n2.jpg;9\n");
    put("test.csv", "image\tlabel\n3.jpg\t10\n");
    l = read_ok("csv", NULL);
    assert_int_equal(l.n_classes, 2);
    assert_string_equal(l.classes[0], "9"); /* by number, not by bytes */
    expect_image(&l, 0, "1.jpg", 1);
    expect_split(&l, 0, "train", 2, (uint32_t[]){0, 1});
    expect_split(&l, 1, "test", 1, (uint32_t[]){2});
    pt_layout_fini(&l);

    put("classes.txt", "rose\n9\ntulip\n");
    put("train.csv", "path,class\n1.jpg,2\n2.jpg,9\n");
    put("test.csv", "image,label\n3.jpg,rose\n");
    l = read_ok("csv", NULL);
    assert_int_equal(l.n_classes, 3);
    expect_image(&l, 0, "1.jpg", 2); /* a number of a line */
    expect_image(&l, 1, "2.jpg", 1); /* a name comes first */
    expect_image(&l, 2, "3.jpg", 0);
    pt_layout_fini(&l);
}

static void test_a_column_may_name_the_split(void **state)
{
    pt_layout l;

    put("1.jpg", "");
    put("2.jpg", "");
    put("labels.csv", "split,label,file\nTrain,a,1.jpg\nvalidation,a,2.jpg\n");
    l = read_ok("csv", NULL);
    assert_int_equal(l.n_splits, 2);
    expect_split(&l, 0, "train", 1, (uint32_t[]){0});
    expect_split(&l, 1, "val", 1, (uint32_t[]){1});
    pt_layout_fini(&l);
}

static void test_faults_of_a_table_name_file_and_line(void **state)
{
    put("1.jpg", "");
    put("classes.txt", "a\nb\n");
    put("labels.csv", "file,label,split\n1.jpg,a,train\n1.jpg,b,test\ngone.jpg,a,train\n"
                      "1b.jpg,2,train\n1c.jpg\n\"1d.jpg,a,train\n1e.jpg,a,tset\n");
    expect_fault("csv", PT_ERR_DATA,
                 "%1$s/labels.csv:6: error: has no file or no label\n"
                 "%1$s/labels.csv:7: error: has an open quote or more than 64 cells\n"
                 "%1$s/labels.csv:8: error: split 'tset' is not train, val or test\n"
                 "%1$s/labels.csv:3: error: 1.jpg is also at %1$s/labels.csv:2\n"
                 "%1$s/labels.csv:4: error: %1$s/gone.jpg: No such file or directory\n"
                 "%1$s/labels.csv:5: error: label '2' is no class and no number in 0..1");
    put("labels.csv", "name,label\n1.jpg,a\n");
    expect_fault("csv", PT_ERR_DATA,
                 "%s/labels.csv:1: error: the header names no columns `file` (filename, "
                 "path, image) and `label` (class)");
    unlink(at("labels.csv"));
    expect_fault("csv", PT_ERR_IO,
                 "%s: has no labels.csv, train.csv, val.csv or test.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_split_folders_are_read_in_the_order_of_bytes),
        TEST(test_folders_without_splits_are_all_or_cut_by_test_every),
        TEST(test_a_share_of_each_class_is_drawn_for_the_test),
        TEST(test_a_share_that_fits_nothing_is_refused),
        TEST(test_links_to_files_and_folders_are_followed),
        TEST(test_faults_of_folders_are_listed_at_once),
        TEST(test_a_folder_without_classes_says_what_was_expected),
        TEST(test_labels_come_from_a_table),
        TEST(test_labels_of_a_table_may_be_numbers),
        TEST(test_a_column_may_name_the_split),
        TEST(test_faults_of_a_table_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
