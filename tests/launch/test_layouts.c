#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/layouts/check.h"
#include "launch/layouts/layout.h"
#include "tests/launch/layout_files.h"

/* ---- lists ------------------------------------------------------------------------ */

static void
test_lists_are_read_with_blanks_carriage_returns_and_no_last_newline(void **state)
{
    pt_layout l;

    put("laundry room/b c.jpg", "");
    put("x/1.jpg", "");
    put("x/2.jpg", "");
    put("classes.txt", "\xef\xbb\xbflaundry room\r\ncloset\r\n\r\n");
    put("train.txt", "x/2.jpg 1\r\nlaundry room/b c.jpg  0 \r\n");
    put("test.txt", "\nx/1.jpg\t1");
    l = read_ok(NULL, NULL);
    assert_string_equal(l.kind, "list");
    assert_int_equal(l.n_classes, 2);
    assert_string_equal(l.classes[0], "laundry room");
    assert_string_equal(l.classes[1], "closet");
    assert_int_equal(l.n_images, 3);
    expect_image(&l, 0, "x/2.jpg", 1);
    expect_image(&l, 1, "laundry room/b c.jpg", 0);
    expect_image(&l, 2, "x/1.jpg", 1);
    expect_split(&l, 0, "train", 2, (uint32_t[]){0, 1});
    expect_split(&l, 1, "test", 1, (uint32_t[]){2});
    pt_layout_fini(&l);
}

static void test_labels_of_lists_may_be_names(void **state)
{
    pt_layout l;

    put("my room/1.jpg", "");
    put("2.jpg", "");
    put("3.jpg", "");
    put("classes.txt", "room\nliving room\n7 seas\n");
    put("train.txt", "my room/1.jpg living room\n2.jpg\t room\n3.jpg  7 seas\n");
    l = read_ok(NULL, NULL);
    expect_image(&l, 0, "my room/1.jpg", 1); /* the longest name */
    expect_image(&l, 1, "2.jpg", 0);
    expect_image(&l, 2, "3.jpg", 2);
    pt_layout_fini(&l);
}

static void test_an_image_of_two_lists_is_kept_once(void **state)
{
    pt_layout l;

    put("1.jpg", "");
    put("2.jpg", "");
    put("classes.txt", "a\n");
    put("train.txt", "1.jpg 0\n2.jpg 0\n1.jpg 0\n");
    put("val.txt", "2.jpg 0\n");
    put("test.txt", "1.jpg 0\n");
    l = read_ok(NULL, NULL);
    assert_int_equal(l.n_images, 2);
    expect_split(&l, 0, "train", 3, (uint32_t[]){0, 1, 0});
    expect_split(&l, 1, "val", 1, (uint32_t[]){1});
    expect_split(&l, 2, "test", 1, (uint32_t[]){0});
    pt_layout_fini(&l);
}

static void test_faults_of_lists_name_file_and_line(void **state)
{
    put("1.jpg", "");
    put("classes.txt", "a\nb\n");
    put("train.txt", "1.jpg 0\n1.jpg 2\n1.jpg -1\n1.jpg\n1.jpg x\n1.jpg 1\ngone.jpg 1\n");
    expect_fault(NULL, PT_ERR_DATA,
                 "%1$s/train.txt:2: error: label 2 is not in 0..1\n"
                 "%1$s/train.txt:3: error: label -1 is not in 0..1\n"
                 "%1$s/train.txt:4: error: '1.jpg' is not `path label`\n"
                 "%1$s/train.txt:5: error: label 'x' is not a number or a class\n"
                 "%1$s/train.txt:6: error: 1.jpg has label 1 here and 0 at "
                 "%1$s/train.txt:1\n"
                 "%1$s/train.txt:7: error: %1$s/gone.jpg: No such file or directory");
}

static void test_faults_of_classes_are_found(void **state)
{
    put("1.jpg", "");
    put("train.txt", "1.jpg 0\n");
    expect_fault(NULL, PT_ERR_IO,
                 "%s/classes.txt: cannot be opened: No such file or directory");
    put("classes.txt", "a\n\nb\na\n");
    expect_fault(NULL, PT_ERR_DATA,
                 "%s/classes.txt:2: error: the class has no name\n"
                 "%s/classes.txt: class 'a' is listed twice");
    put("classes.txt", "\n");
    expect_fault(NULL, PT_ERR_DATA, "%s/classes.txt: has no classes");
    put("classes.txt", "a\n");
    put("test.txt", "\n");
    expect_fault(NULL, PT_ERR_DATA, "%s/test.txt: lists no images");
}

static void test_other_lists_may_be_named(void **state)
{
    pt_layout_options o = {0};
    pt_layout l;
    char train[512], classes[512];

    put("1.jpg", "");
    put("lists/fold1.txt", "1.jpg 0\n");
    put("lists/names.txt", "a\n");
    snprintf(train, sizeof train, "%s", at("lists/fold1.txt"));
    snprintf(classes, sizeof classes, "%s", at("lists/names.txt"));
    o.train = train;
    o.classes = classes;
    l = read_ok(NULL, &o);
    assert_int_equal(l.n_images, 1);
    assert_int_equal(l.n_splits, 1);
    pt_layout_fini(&l);
    o.train = "/no/such/list.txt";
    assert_int_equal(read_with(NULL, &o, &l), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "/no/such/list.txt: cannot be opened"));
}

static void test_thousands_of_faults_are_cut_short_with_their_number(void **state)
{
    static char list[8 * 2000 + 1];
    const pt_layout_options none = {0};
    pt_layout l;

    for (int i = 0; i < 2000; i++) memcpy(list + 8 * i, "1.jpg 9\n", 8);
    put("1.jpg", "");
    put("classes.txt", "a\n");
    put("train.txt", list);
    assert_int_equal(read_with(NULL, &none, &l), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "\nand 1500 more faults"));
}

/* ---- flower102 -------------------------------------------------------------------- */

static void make_flowers(int n)
{
    char name[64];

    link_data("setid.mat", "matlab/setid.mat");
    link_data("imagelabels.mat", "matlab/imagelabels.mat");
    for (int i = 1; i <= n; i++) {
        snprintf(name, sizeof name, "jpg/image_%05d.jpg", i);
        link_data(name, "jpeg/plain.jpg");
    }
}

static void test_a_small_flower102_has_its_splits_and_labels(void **state)
{
    pt_layout l;

    make_flowers(6);
    l = read_ok(NULL, NULL); /* warns of the counts */
    assert_string_equal(l.kind, "flower102");
    assert_int_equal(l.n_classes, 102);
    assert_string_equal(l.classes[0], "class_001");
    assert_string_equal(l.classes[101], "class_102");
    assert_int_equal(l.n_images, 6);
    expect_image(&l, 0, "jpg/image_00001.jpg", 0);
    expect_image(&l, 2, "jpg/image_00003.jpg", 101);
    assert_int_equal(l.n_splits, 4);
    expect_split(&l, 0, "train", 2, (uint32_t[]){4, 0});
    expect_split(&l, 1, "val", 1, (uint32_t[]){2});
    expect_split(&l, 2, "test", 3, (uint32_t[]){5, 1, 3});
    expect_split(&l, 3, "trainval", 3, (uint32_t[]){4, 0, 2});
    pt_layout_fini(&l);
}

static void test_missing_images_of_flower102_are_listed(void **state)
{
    make_flowers(4);
    expect_fault(NULL, PT_ERR_DATA,
                 "%s/jpg/image_00005.jpg: cannot be opened: No such file or directory\n"
                 "%s/jpg/image_00006.jpg: cannot be opened: No such file or directory");
}

/* Octave's doubles lie plain in a file saved with -v6. */
static void put_matlab(const char *file, const char *const *names,
                       const double *const *values, const uint32_t *counts, int n)
{
    FILE *f = fopen(at(file), "wb");

    assert_non_null(f);
    fprintf(f, "%-124s", "MATLAB 5.0 MAT-file");
    fwrite("\0\1IM", 1, 4, f);
    for (int i = 0; i < n; i++) {
        uint32_t head[] = {14, 56 + 8 * counts[i], 6, 8, 6, 0, 5, 8, 1, counts[i], 1, 8};
        uint32_t data[] = {9, 8 * counts[i]};
        char name[8] = "";
        memcpy(name, names[i], strlen(names[i]));
        head[11] = (uint32_t)strlen(names[i]);
        fwrite(head, 4, 12, f);
        fwrite(name, 1, 8, f);
        fwrite(data, 4, 2, f);
        fwrite(values[i], 8, counts[i], f);
    }
    fclose(f);
}

static void test_ids_and_labels_of_flower102_are_checked(void **state)
{
    static const char *const set_names[] = {"trnid", "valid", "tstid"};
    static const char *const label_names[] = {"labels"};
    const double trnid[] = {1, 7, 0}, valid[] = {1.5}, tstid[] = {2, 1};
    const double labels[] = {1, 103, 2.5};

    make_flowers(3);
    unlink(at("setid.mat"));
    unlink(at("imagelabels.mat"));
    put_matlab("setid.mat", set_names, (const double *const[]){trnid, valid, tstid},
               (const uint32_t[]){3, 1, 2}, 3);
    put_matlab("imagelabels.mat", label_names, (const double *const[]){labels},
               (const uint32_t[]){3}, 1);
    expect_fault(NULL, PT_ERR_DATA,
                 "%1$s/imagelabels.mat: label 103 of image 2 is not in 1..102\n"
                 "%1$s/imagelabels.mat: label 2.5 of image 3 is not in 1..102\n"
                 "%1$s/setid.mat: 'trnid' names image 7, but images are numbered 1..3\n"
                 "%1$s/setid.mat: 'trnid' names image 0, but images are numbered 1..3\n"
                 "%1$s/setid.mat: 'valid' names image 1.5, but images are numbered 1..3\n"
                 "%1$s/setid.mat: image 1 is in 'trnid' and in 'tstid'");
}

/* ---- decoding --------------------------------------------------------------------- */

static void test_images_are_checked_in_order_by_any_number_of_threads(void **state)
{
    static const char *const names[] = {"plain.jpg", "golden.tsv",    "1x1.jpg",
                                        "empty.jpg", "truncated.jpg", "gone.jpg",
                                        "gray.jpg"};
    enum { N = sizeof names / sizeof *names };
    pt_layout_image images[N];
    pt_checked c[N];

    for (int threads = 1; threads <= 5; threads += 2) {
        for (int i = 0; i < N; i++) {
            images[i].path = malloc(512);
            snprintf(images[i].path, 512, PT_TEST_DATA "/jpeg/%s", names[i]);
        }
        assert_int_equal(pt_check_images(images, N, threads, c), PT_OK);
        assert_int_equal(c[0].status, PT_OK);
        assert_true(c[0].height == 48 && c[0].width == 64 && c[0].bytes > 100);
        assert_null(c[0].reason);
        assert_int_equal(c[1].status, PT_ERR_DATA);
        assert_non_null(strstr(
            c[1].reason, "/jpeg/golden.tsv: not a JPEG, PNG, WebP, GIF, BMP or TIFF"));
        assert_int_equal(c[2].height, 1);
        assert_non_null(strstr(c[3].reason, "/jpeg/empty.jpg: has 0 bytes"));
        assert_int_not_equal(c[4].status, PT_OK);
        assert_non_null(strstr(c[5].reason, "/jpeg/gone.jpg: cannot be opened"));
        assert_true(c[6].status == PT_OK && c[6].height == 30 && c[6].width == 40);
        pt_checked_fini(c, N);
        for (int i = 0; i < N; i++) free(images[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lists_are_read_with_blanks_carriage_returns_and_no_last_newline),
        TEST(test_labels_of_lists_may_be_names),
        TEST(test_an_image_of_two_lists_is_kept_once),
        TEST(test_faults_of_lists_name_file_and_line),
        TEST(test_faults_of_classes_are_found),
        TEST(test_other_lists_may_be_named),
        TEST(test_thousands_of_faults_are_cut_short_with_their_number),
        TEST(test_a_small_flower102_has_its_splits_and_labels),
        TEST(test_missing_images_of_flower102_are_listed),
        TEST(test_ids_and_labels_of_flower102_are_checked),
        TEST(test_images_are_checked_in_order_by_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
