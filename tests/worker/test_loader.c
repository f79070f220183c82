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

#include "tests/worker/jpeg_files.h"
#include "worker/input/loader.h"
#include "worker/input/picture.h"

enum { CROP = 12, VIEW = CROP * CROP * 3, GOOD = 8, IMAGES = 11 };

/* The first eight can be read. */
static const char *const names[IMAGES] = {
    "gray.jpg",        "cmyk.jpg",     "plain.jpg",        "422.jpg",
    "progressive.jpg", "17x13.jpg",    "exif_rotated.jpg", "progressive_444.jpg",
    "truncated.jpg",   "cut_scan.jpg", "bad_code.jpg",
};
static const pt_augment options = {
    .resize_mode = PT_RESIZE_SQUARE,
    .resize = 16,
    .crop = CROP,
    .train_crop = PT_CROP_RANDOM,
    .min_area = 0.1f,
    .flip = true,
    .preprocess = {false, 1 / 255.0f, {0.4f, 0.5f, 0.6f}, {0.2f, 0.3f, 0.4f}},
    .rand_augment = {2, 9, 31},
    .jitter = {0.4f, 0.4f, 0.4f, 0.1f},
    .erasing = {0.5f, 0.02f, 0.33f, 0.3f, 3.3f, 0, true}};

static pt_dataset *data;

static int pack(void **state)
{
    char dir[] = "/tmp/ptrain-loader-XXXXXX", file[64], path[IMAGES][4096];
    static const char *const classes[] = {"c0", "c1", "c2"};
    const uint32_t all[1] = {0};
    const pt_pack_split split = {"train", all, 1};
    pt_pack_image images[IMAGES];
    pt_pack p = {images, IMAGES, classes, 3, &split, 1, "test", "none", NULL};
    pt_status s;

    if (!mkdtemp(dir)) return -1;
    for (int i = 0; i < IMAGES; i++) {
        struct stat st;

        snprintf(path[i], sizeof path[i], PT_TEST_DATA "/jpeg/%s", names[i]);
        if (stat(path[i], &st) != 0) return -1;
        images[i] = (pt_pack_image){.path = path[i],
                                    .name = names[i],
                                    .label = i % 3,
                                    .height = 1,
                                    .width = 1,
                                    .bytes = (size_t)st.st_size};
    }
    snprintf(file, sizeof file, "%s/data.h5", dir);
    s = pt_dataset_write(file, &p, NULL);
    if (s == PT_OK) s = pt_dataset_open(file, &data);
    if (s != PT_OK) print_error("%s\n", pt_fail_text());
    unlink(file); /* the open descriptor keeps it */
    rmdir(dir);
    return s == PT_OK ? 0 : -1;
}

static int unpack(void **state)
{
    pt_dataset_destroy(&data);
    return 0;
}

static pt_loader *make(int n_threads, int depth, size_t max_images)
{
    const pt_loader_options o = {data, &options, 9, n_threads, depth, max_images};
    pt_loader *l;

    assert_int_equal(pt_loader_create(&o, &l), PT_OK);
    return l;
}

/* What place of a batch must hold, without any thread. */
static void expect_view(uint32_t image, bool train, uint64_t epoch, float out[VIEW])
{
    size_t bytes;
    uint8_t *file = read_file(PT_TEST_DATA "/jpeg", names[image], &bytes);
    pt_image im;

    assert_non_null(file);
    assert_int_equal(pt_picture_decode(file, bytes, &im, NULL), PT_OK);
    if (train) {
        assert_int_equal(pt_augment_train(&options, &im, 9, epoch, image, out), PT_OK);
    } else {
        assert_int_equal(pt_augment_test(&options, &im, out), PT_OK);
    }
    pt_image_fini(&im);
    free(file);
}

static void check_batch(pt_loader *l, const uint32_t *images, size_t n, bool train,
                        uint64_t epoch)
{
    const float *pixels;
    const int32_t *labels;
    float want[VIEW];
    size_t got;

    if (pt_loader_get(l, &pixels, &labels, &got) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_true(pt_loader_ready(l)); /* and stays so */
    assert_int_equal(got, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(labels[i], images[i] % 3);
        expect_view(images[i], train, epoch, want);
        assert_memory_equal(pixels + i * VIEW, want, sizeof want);
    }
    pt_loader_release(l);
}

static void test_pixels_are_the_same_for_any_number_of_threads(void **state)
{
    static const int threads[] = {1, 2, 3, 8};
    static const uint32_t images[] = {3, 0, 7, 7, 5, 1, 2, 6, 4, 3};

    for (int t = 0; t < 4; t++) {
        pt_loader *l = make(threads[t], 2, 10);

        for (uint64_t epoch = 0; epoch < 4; epoch++) {
            assert_true(pt_loader_request(l, images, 10, true, epoch));
            assert_true(pt_loader_request(l, images, 10, false, epoch));
            check_batch(l, images, 10, true, epoch);
            check_batch(l, images, 10, false, epoch);
        }
        pt_loader_destroy(&l);
        assert_null(l);
    }
}

static void test_batches_come_in_the_order_of_the_requests(void **state)
{
    enum { BATCHES = 40, DEPTH = 3 };
    uint32_t images[BATCHES][GOOD];
    pt_loader *l = make(3, DEPTH, GOOD);
    size_t asked = 0;

    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i < GOOD; i++) images[b][i] = (b * 5 + i * 3) % GOOD;
    }
    for (size_t b = 0; b < BATCHES; b++) { /* sizes 0 to 7: empty batches, too */
        while (asked < BATCHES && asked < b + DEPTH) {
            assert_true(
                pt_loader_request(l, images[asked], asked % GOOD, asked % 2, asked));
            asked++;
        }
        if (asked < BATCHES) assert_false(pt_loader_request(l, images[b], 1, true, 0));
        check_batch(l, images[b], b % GOOD, b % 2, b);
    }
    pt_loader_destroy(&l);
}

static void test_epochs_differ_in_training_and_not_in_testing(void **state)
{
    static const uint32_t images[] = {2, 3, 4};
    pt_loader *l = make(2, 2, 3);
    const float *a, *b;
    const int32_t *labels;
    float first[3 * VIEW];
    size_t n;

    for (int train = 0; train < 2; train++) {
        assert_true(pt_loader_request(l, images, 3, train, 1));
        assert_true(pt_loader_request(l, images, 3, train, 2));
        assert_int_equal(pt_loader_get(l, &a, &labels, &n), PT_OK);
        memcpy(first, a, sizeof first);
        pt_loader_release(l);
        assert_int_equal(pt_loader_get(l, &b, &labels, &n), PT_OK);
        for (int i = 0; i < 3; i++) {
            bool same = memcmp(first + i * VIEW, b + i * VIEW, VIEW * sizeof *b) == 0;

            assert_int_equal(same, !train);
        }
        pt_loader_release(l);
    }
    pt_loader_destroy(&l);
}

static void test_a_failed_image_fails_its_batch_and_is_named(void **state)
{
    static const uint32_t bad[] = {1, 9, 0, 8, 10, 99, 2, 3}, good[] = {4, 5};
    static const uint32_t outside[] = {0, 11};
    const float *pixels;
    const int32_t *labels;
    size_t n;

    for (int threads = 1; threads <= 8; threads++) {
        pt_loader *l = make(threads, 3, 8);

        for (int i = 0; i < 10; i++) {
            assert_true(pt_loader_request(l, bad, 8, true, 0));
            assert_true(pt_loader_request(l, good, 2, true, 0));
            assert_true(pt_loader_request(l, outside, 2, false, 0));
            assert_int_equal(pt_loader_get(l, &pixels, &labels, &n), PT_ERR_DATA);
            assert_string_equal(pt_fail_text(),
                                "image 9 (cut_scan.jpg): corrupt JPEG data: "
                                "premature end of data segment");
            pt_loader_release(l);
            check_batch(l, good, 2, true, 0);
            assert_int_equal(pt_loader_get(l, &pixels, &labels, &n), PT_ERR_DATA);
            assert_string_equal(pt_fail_text(), "image 11: the data set has 11 images");
            pt_loader_release(l);
        }
        pt_loader_destroy(&l);
    }
}

static void test_an_image_below_the_crop_is_named(void **state)
{
    pt_augment taken_as_they_are = options;
    const pt_loader_options o = {data, &taken_as_they_are, 9, 1, 1, 1};
    const uint32_t small = 5;
    const float *pixels;
    const int32_t *labels;
    pt_loader *l;
    size_t n;

    taken_as_they_are.resize_mode = PT_RESIZE_NONE;
    taken_as_they_are.crop = 14;
    assert_int_equal(pt_loader_create(&o, &l), PT_OK);
    assert_true(pt_loader_request(l, &small, 1, false, 0));
    assert_int_equal(pt_loader_get(l, &pixels, &labels, &n), PT_ERR_DATA);
    assert_string_equal(pt_fail_text(), "image 5 (17x13.jpg): resized to 17 x 13 pixels, "
                                        "smaller than the crop of 14");
    pt_loader_destroy(&l);
}

static void test_a_loader_may_be_destroyed_at_any_time(void **state)
{
    uint32_t images[64];
    pt_loader *l = NULL;

    for (uint32_t i = 0; i < 64; i++) images[i] = i % IMAGES;
    for (int i = 0; i < 60; i++) {
        l = make(1 + i % 5, 4, 64);
        for (int b = 0; b < i % 6; b++) {
            assert_int_equal(pt_loader_request(l, images, 64, true, 0), b < 4);
        }
        if (i % 7 == 0) pt_loader_release(l);
        pt_loader_destroy(&l);
    }
    pt_loader_destroy(&l);
    pt_loader_destroy(NULL);
}

static void test_an_unasked_batch_and_odd_options_are_refused(void **state)
{
    pt_loader_options o = {data, &options, 9, 0, 1, 1};
    pt_loader *l = make(1, 1, 1);
    const float *pixels;
    const int32_t *labels;
    size_t n;

    assert_false(pt_loader_ready(l));
    assert_int_equal(pt_loader_get(l, &pixels, &labels, &n), PT_ERR_BUG);
    pt_loader_release(l); /* nothing to drop */
    pt_loader_destroy(&l);
    assert_int_equal(pt_loader_create(&o, &l), PT_ERR_CONFIG);
    assert_null(l);
    o.n_threads = 1;
    o.max_images = SIZE_MAX / 2;
    assert_int_equal(pt_loader_create(&o, &l), PT_ERR_NOMEM);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_batches_come_in_the_order_of_the_requests),
        cmocka_unit_test(test_epochs_differ_in_training_and_not_in_testing),
        cmocka_unit_test(test_a_failed_image_fails_its_batch_and_is_named),
        cmocka_unit_test(test_an_image_below_the_crop_is_named),
        cmocka_unit_test(test_a_loader_may_be_destroyed_at_any_time),
        cmocka_unit_test(test_an_unasked_batch_and_odd_options_are_refused),
    };
    return cmocka_run_group_tests(tests, pack, unpack);
}
