#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/digest.h"
#include "launch/commands/commands.h"
#include "launch/demo/scene.h"
#include "worker/input/picture.h"

enum { BYTES = PT_CANVAS_MAX * PT_CANVAS_MAX * 3 };

static int count(pt_demo_task task)
{
    int n = 0;

    while (pt_demo_class(task, n)) n++;
    return n;
}

static void test_pictures_have_the_committed_pixels(void **state)
{
    /* Picture 3 of every class of both tasks, seed 1; changes with every change of the
     * generator, and never otherwise. */
    static const char want[] =
        "12a087f14091d25d4257571005736bb410d28c41a3b656e6271843fad61f9ed6";
    uint8_t pixels[BYTES];
    char hex[PT_DIGEST_HEX];
    pt_digest *d = NULL;

    assert_int_equal(pt_digest_create(&d), PT_OK);
    for (int task = 0; task < 2; task++)
        for (int label = 0; label < count((pt_demo_task)task); label++) {
            int side =
                pt_demo_picture(1, (pt_demo_task)task, PT_DEMO_TRAIN, label, 3, pixels);

            assert_in_range(side, 32, PT_CANVAS_MAX);
            pt_digest_add(d, pixels, (size_t)side * side * 3);
        }
    pt_digest_finish(&d, hex);
    assert_string_equal(hex, want);
}

static void test_seed_split_class_and_index_each_give_another_picture(void **state)
{
    uint8_t first[BYTES], again[BYTES], other[BYTES];
    int side = pt_demo_picture(1, PT_DEMO_TARGET, PT_DEMO_TRAIN, 2, 5, first);
    size_t n = (size_t)side * side * 3;

    assert_int_equal(pt_demo_picture(1, PT_DEMO_TARGET, PT_DEMO_TRAIN, 2, 5, again),
                     side);
    assert_memory_equal(first, again, n);
    pt_demo_picture(2, PT_DEMO_TARGET, PT_DEMO_TRAIN, 2, 5, other);
    assert_memory_not_equal(first, other, n);
    pt_demo_picture(1, PT_DEMO_TARGET, PT_DEMO_TEST, 2, 5, other);
    assert_memory_not_equal(first, other, n);
    pt_demo_picture(1, PT_DEMO_TARGET, PT_DEMO_TRAIN, 3, 5, other);
    assert_memory_not_equal(first, other, n);
    pt_demo_picture(1, PT_DEMO_TARGET, PT_DEMO_TRAIN, 2, 6, other);
    assert_memory_not_equal(first, other, n);
    pt_demo_picture(1, PT_DEMO_SOURCE, PT_DEMO_TRAIN, 2, 5, other);
    assert_memory_not_equal(first, other, n);
}

static void test_classes_are_named_once(void **state)
{
    assert_int_equal(count(PT_DEMO_SOURCE), 12);
    assert_int_equal(count(PT_DEMO_TARGET), 9);
    for (int task = 0; task < 2; task++)
        for (int a = 0; a < count((pt_demo_task)task); a++)
            for (int b = 0; b < a; b++)
                assert_string_not_equal(pt_demo_class((pt_demo_task)task, a),
                                        pt_demo_class((pt_demo_task)task, b));
}

static int run(const char *dir, const char *option, const char *value)
{
    const char *argv[] = {"demo-data",
                          dir,
                          "--source-per-class",
                          "1",
                          "--source-test-per-class",
                          "0",
                          "--target-per-class",
                          "0",
                          "--target-test-per-class",
                          "2",
                          option,
                          value,
                          NULL};
    int argc = option ? 12 : 10;

    if (!option) argv[10] = NULL;
    return pt_cmd_demo_data(argc, (char **)argv);
}

static size_t read_bytes(const char *path, uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f) return 0;
    n = fread(bytes, 1, size, f);
    fclose(f);
    return n;
}

static void test_the_command_writes_class_folders_of_jpeg_files(void **state)
{
    static const char name[] = "target/test/six_fine/0001.jpg";
    char dir[] = "/tmp/pt_test_demo_XXXXXX", path[128], clean[64];
    uint8_t a[1 << 14], b[1 << 14];
    pt_image im;
    size_t n, m;
    int h, w;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/one/deep", dir);
    assert_int_equal(run(path, NULL, NULL), 0);
    assert_int_equal(run(path, NULL, NULL), 2); /* holds files now */
    snprintf(path, sizeof path, "%s/two", dir);
    assert_int_equal(run(path, "--seed", "1"), 0);
    snprintf(path, sizeof path, "%s/three", dir);
    assert_int_equal(run(path, "--seed", "2"), 0);

    snprintf(path, sizeof path, "%s/one/deep/%s", dir, name);
    n = read_bytes(path, a, sizeof a);
    assert_in_range(n, 100, sizeof a - 1);
    assert_int_equal(pt_picture_size(a, n, &h, &w), PT_OK);
    assert_int_equal(h, w);
    assert_int_equal(pt_picture_decode(a, n, &im, NULL), PT_OK);
    pt_image_fini(&im);
    snprintf(path, sizeof path, "%s/two/%s", dir, name);
    m = read_bytes(path, b, sizeof b);
    assert_int_equal(m, n);
    assert_memory_equal(a, b, n);
    snprintf(path, sizeof path, "%s/three/%s", dir, name);
    m = read_bytes(path, b, sizeof b);
    assert_true(m != n || memcmp(a, b, n) != 0);
    snprintf(path, sizeof path, "%s/two/source/train/disk/0000.jpg", dir);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/two/source/train/disk/0001.jpg", dir);
    assert_int_not_equal(access(path, R_OK), 0);
    snprintf(clean, sizeof clean, "rm -r %s", dir);
    assert_int_equal(system(clean), 0);
}

static void test_a_bad_command_line_is_refused_before_anything_is_made(void **state)
{
    char dir[] = "/tmp/pt_test_demo_XXXXXX", path[64];

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/d", dir);
    assert_int_equal(run(path, "--seed", "-1"), 2);
    assert_int_equal(run(path, "--seed", "18446744073709551616"), 2);
    assert_int_equal(run(path, "--target-per-class", "10001"), 2);
    assert_int_equal(run(path, "--sead", "1"), 2);
    assert_int_equal(run(path, "two", "three"), 2);
    assert_int_equal(run("", NULL, NULL), 2);
    assert_int_equal(rmdir(dir), 0); /* still empty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_have_the_committed_pixels),
        cmocka_unit_test(test_seed_split_class_and_index_each_give_another_picture),
        cmocka_unit_test(test_classes_are_named_once),
        cmocka_unit_test(test_the_command_writes_class_folders_of_jpeg_files),
        cmocka_unit_test(test_a_bad_command_line_is_refused_before_anything_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
