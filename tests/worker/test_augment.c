#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/jpeg_files.h"
#include "tests/worker/noise.h"
#include "worker/input/augment.h"
#include "worker/input/picture.h"

static const pt_preprocess imagenet = {
    false, 1 / 255.0f, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
static const pt_preprocess caffe = {true, 1, {104, 117, 123}, {1, 1, 1}};
static const pt_preprocess bare = {false, 1, {0, 0, 0}, {1, 1, 1}};

static pt_image decode_file(const char *name)
{
    size_t bytes;
    uint8_t *file = read_file(PT_TEST_DATA "/jpeg", name, &bytes);
    pt_image im;

    assert_non_null(file);
    assert_int_equal(pt_picture_decode(file, bytes, &im, NULL), PT_OK);
    free(file);
    return im;
}

/* Red is the column, green the row, blue 255. */
static pt_image map_image(int height, int width)
{
    pt_image im = noise_image(0, height, width);

    for (int i = 0; i < height * width; i++) {
        im.pixels[3 * i] = (uint8_t)(i % width);
        im.pixels[3 * i + 1] = (uint8_t)(i / width);
        im.pixels[3 * i + 2] = 255;
    }
    return im;
}

static void test_views_are_those_of_pillow_and_torchvision(void **state)
{
    FILE *f = fopen(PT_TEST_DATA "/augment.tsv", "r");
    char line[512], name[64];
    int rows = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        pt_augment a = {0};
        int mode, kind, flip, bgr;
        uint64_t seed, epoch, sample;
        unsigned crc;
        float pixel[3], *out;
        pt_image im;

        if (sscanf(line,
                   "%63s %d %d %d %d %d %f %d %d %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %x %f %f %f",
                   name, &mode, &a.resize, &a.crop, &kind, &a.pad, &a.min_area, &flip,
                   &bgr, &seed, &epoch, &sample, &crc, pixel, pixel + 1,
                   pixel + 2) != 16) {
            continue; /* the heading */
        }
        a.resize_mode = (pt_resize_mode)mode;
        a.train_crop = kind < 0 ? PT_CROP_RANDOM : (pt_crop_mode)kind;
        a.flip = flip != 0;
        a.preprocess = bgr ? caffe : imagenet;
        im = decode_file(name);
        out = pt_calloc((size_t)(a.crop * a.crop), 3 * sizeof *out);
        if (kind < 0) assert_int_equal(pt_augment_test(&a, &im, out), PT_OK);
        if (kind >= 0) {
            assert_int_equal(pt_augment_train(&a, &im, seed, epoch, sample, out), PT_OK);
        }
        if (crc32(0, (uint8_t *)out, (unsigned)(a.crop * a.crop) * 12) != crc) {
            fail_msg("first pixel %.9g %.9g %.9g, differs: %s", out[0], out[1], out[2],
                     line);
        }
        assert_memory_equal(out, pixel, sizeof pixel);
        free(out);
        pt_image_fini(&im);
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 55);
}

static void test_the_centre_of_256_for_224_is_at_16(void **state)
{
    pt_augment a = {.resize_mode = PT_RESIZE_SQUARE, .resize = 256, .crop = 224};
    float *out = pt_calloc(224 * 224, 3 * sizeof *out);
    pt_image im = map_image(256, 256);

    a.preprocess = bare;
    assert_int_equal(pt_augment_test(&a, &im, out), PT_OK);
    assert_true(out[0] == 16 && out[1] == 16 && out[2] == 255);
    a.preprocess.bgr = true; /* the channels change places, nothing else */
    assert_int_equal(pt_augment_test(&a, &im, out), PT_OK);
    assert_true(out[3] == 255 && out[4] == 16 && out[5] == 17);
    free(out);
    pt_image_fini(&im);
}

static void test_random_crops_reach_every_place_and_mirror_half(void **state)
{
    enum { PLACES = 33, CROP = 8, N = 4000 };
    const pt_augment a = {.resize_mode = PT_RESIZE_NONE,
                          .crop = CROP,
                          .train_crop = PT_CROP_RANDOM,
                          .flip = true,
                          .preprocess = bare};
    pt_image im = map_image(CROP + PLACES - 1, CROP + PLACES - 1);
    int seen_y[PLACES] = {0}, seen_x[PLACES] = {0}, mirrored = 0;
    float out[CROP * CROP * 3];

    for (uint64_t sample = 0; sample < N; sample++) {
        int left;

        assert_int_equal(pt_augment_train(&a, &im, 7, 3, sample, out), PT_OK);
        left = (int)out[0] < (int)out[3] ? (int)out[0] : (int)out[3 * (CROP - 1)];
        mirrored += out[0] > out[3];
        seen_y[(int)out[1]]++;
        seen_x[left]++;
        assert_true(out[3 * CROP + 1] == out[1] + 1); /* rows are never turned */
    }
    for (int i = 0; i < PLACES; i++) { /* 121 expected, deviation 11: within 5 of it */
        assert_in_range(seen_y[i], 66, 176);
        assert_in_range(seen_x[i], 66, 176);
    }
    assert_in_range(mirrored, N / 2 - 160, N / 2 + 160); /* 5 deviations of 32 */
    pt_image_fini(&im);
}

static void test_a_view_depends_on_seed_epoch_and_sample_alone(void **state)
{
    enum { CROP = 16 };
    static const pt_crop_mode modes[] = {PT_CROP_RANDOM, PT_CROP_RESIZED};
    pt_image im = noise_image(1, 60, 70);
    float base[CROP * CROP * 3], out[CROP * CROP * 3];

    for (int m = 0; m < 2; m++) {
        const pt_augment a = {.resize_mode = PT_RESIZE_SQUARE,
                              .resize = 64,
                              .crop = CROP,
                              .train_crop = modes[m],
                              .min_area = 0.1f,
                              .flip = true,
                              .preprocess = bare};

        assert_int_equal(pt_augment_train(&a, &im, 1, 2, 3, base), PT_OK);
        assert_int_equal(pt_augment_train(&a, &im, 2, 2, 3, out), PT_OK);
        assert_memory_not_equal(out, base, sizeof out);
        assert_int_equal(pt_augment_train(&a, &im, 1, 3, 3, out), PT_OK);
        assert_memory_not_equal(out, base, sizeof out);
        assert_int_equal(pt_augment_train(&a, &im, 1, 2, 4, out), PT_OK);
        assert_memory_not_equal(out, base, sizeof out);
        assert_int_equal(pt_augment_train(&a, &im, 1, 2, 3, out), PT_OK);
        assert_memory_equal(out, base, sizeof out);
    }
    pt_image_fini(&im);
}

static void test_images_smaller_than_the_crop_are_refused_with_both_sizes(void **state)
{
    pt_augment a = {.resize_mode = PT_RESIZE_NONE, .crop = 24, .preprocess = bare};
    float out[24 * 24 * 3];
    pt_image im = noise_image(1, 30, 20);

    assert_int_equal(pt_augment_test(&a, &im, out), PT_ERR_DATA);
    assert_string_equal(pt_fail_text(),
                        "resized to 20 x 30 pixels, smaller than the crop of 24");
    assert_int_equal(pt_augment_train(&a, &im, 1, 1, 1, out), PT_ERR_DATA);
    a.pad = 2;
    assert_int_equal(pt_augment_train(&a, &im, 1, 1, 1, out), PT_OK);
    a.crop = 0;
    assert_int_equal(pt_augment_test(&a, &im, out), PT_ERR_CONFIG);
    pt_image_fini(&im);
}

static void test_a_thin_image_does_not_need_the_memory_of_its_resized_self(void **state)
{
    pt_augment a = {.resize_mode = PT_RESIZE_SHORT_SIDE,
                    .resize = 4096, /* the long side would be 204,800,000 */
                    .crop = 224,
                    .preprocess = bare};
    float *out = pt_calloc(224 * 224, 3 * sizeof *out);
    pt_image im = noise_image(1, 1, 50000);

    assert_int_equal(pt_augment_test(&a, &im, out), PT_OK);
    assert_int_equal(pt_augment_train(&a, &im, 1, 1, 1, out), PT_OK);
    free(out);
    pt_image_fini(&im);
}

/* A small image in wide padding: each view holds a part of it, mirrored or not, and what
 * is around it, or nothing but black. Every pixel of the image is 1 + its place. */
static void test_windows_may_lie_in_the_padding(void **state)
{
    enum { SIDE = 3, CROP = 4, PAD = 9, N = 600 };
    const pt_augment a = {.resize_mode = PT_RESIZE_NONE,
                          .crop = CROP,
                          .train_crop = PT_CROP_RANDOM,
                          .pad = PAD,
                          .flip = true,
                          .preprocess = bare};
    uint8_t pixels[SIDE * SIDE * 3];
    pt_image im = {SIDE, SIDE, pixels};
    int black = 0, whole = 0;
    float out[CROP * CROP * 3];

    for (int i = 0; i < SIDE * SIDE * 3; i++) pixels[i] = (uint8_t)(1 + i / 3);
    for (uint64_t sample = 0; sample < N; sample++) {
        int seen = 0;

        assert_int_equal(pt_augment_train(&a, &im, 5, 1, sample, out), PT_OK);
        for (int i = 0; i < CROP * CROP; i++) {
            int v = (int)out[3 * i],
                right = i % CROP < CROP - 1 ? (int)out[3 * i + 3] : 0;

            seen += v > 0;
            assert_in_range(v, 0, SIDE * SIDE);
            assert_true(v == 0 || right == 0 || right == v + 1 || right == v - 1);
        }
        black += seen == 0;
        whole += seen == SIDE * SIDE;
    }
    assert_true(black > N / 2 && whole > 0 && black + whole < N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_are_those_of_pillow_and_torchvision),
        cmocka_unit_test(test_the_centre_of_256_for_224_is_at_16),
        cmocka_unit_test(test_random_crops_reach_every_place_and_mirror_half),
        cmocka_unit_test(test_a_view_depends_on_seed_epoch_and_sample_alone),
        cmocka_unit_test(test_images_smaller_than_the_crop_are_refused_with_both_sizes),
        cmocka_unit_test(test_a_thin_image_does_not_need_the_memory_of_its_resized_self),
        cmocka_unit_test(test_windows_may_lie_in_the_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
