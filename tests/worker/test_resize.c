#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/noise.h"
#include "worker/input/resize.h"

enum { HEX_MAX = 4096 };

static void compare_hex(const pt_image *im, const char *hex, const char *what)
{
    size_t n = (size_t)im->height * (size_t)im->width * 3;

    assert_int_equal(strlen(hex), 2 * n);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        if (im->pixels[i] != byte) {
            fail_msg("%s: byte %zu is %d, Pillow has %u", what, i, im->pixels[i], byte);
        }
    }
}

static void test_every_byte_is_that_of_pillow(void **state)
{
    char line[2 * HEX_MAX], hex[HEX_MAX], what[64];
    FILE *f = fopen(PT_TEST_DATA "/resize.tsv", "r");
    int small = 0, large = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        unsigned seed, crc;
        int h, w, oh, ow;
        double box[4];
        pt_image in, out;

        if (sscanf(line, "%u %d %d %lf %lf %lf %lf %d %d %x %4095s", &seed, &h, &w, box,
                   box + 1, box + 2, box + 3, &oh, &ow, &crc, hex) != 11) {
            continue; /* the heading */
        }
        snprintf(what, sizeof what, "%d x %d to %d x %d (case %u)", w, h, ow, oh, seed);
        in = noise_image(seed, h, w);
        if (pt_resize_bilinear(&in, box, oh, ow, &out) != PT_OK) fail_msg("%s", what);
        assert_int_equal(out.height, oh);
        assert_int_equal(out.width, ow);
        if (hex[0] != '-') compare_hex(&out, hex, what);
        if (crc32(0, out.pixels, (unsigned)(oh * ow * 3)) != crc) {
            fail_msg("%s: not the bytes of Pillow", what);
        }
        small += hex[0] != '-';
        large += hex[0] == '-';
        pt_image_fini(&in);
        pt_image_fini(&out);
    }
    fclose(f);
    assert_int_equal(small, 21);
    assert_int_equal(large, 6);
}

static void test_no_box_is_the_whole_image(void **state)
{
    static const double box[4] = {0, 0, 50, 40};
    pt_image in = noise_image(1, 40, 50), a, b;

    assert_int_equal(pt_resize_bilinear(&in, NULL, 17, 33, &a), PT_OK);
    assert_int_equal(pt_resize_bilinear(&in, box, 17, 33, &b), PT_OK);
    assert_memory_equal(a.pixels, b.pixels, 17 * 33 * 3);
    pt_image_fini(&a);
    pt_image_fini(&b);
    pt_image_fini(&in);
}

static void check_window(const pt_image *in, const pt_image *whole, pt_region w)
{
    pt_image part;

    assert_int_equal(pt_resize_window(in, NULL, whole->height, whole->width, &w, &part),
                     PT_OK);
    assert_int_equal(part.height, w.height);
    assert_int_equal(part.width, w.width);
    for (int y = 0; y < w.height; y++) {
        assert_memory_equal(part.pixels + y * w.width * 3,
                            whole->pixels + ((w.y + y) * whole->width + w.x) * 3,
                            (size_t)w.width * 3);
    }
    pt_image_fini(&part);
}

static void test_a_window_is_that_part_of_the_whole(void **state)
{
    static const int sizes[][2] = {{40, 50}, {40, 31}, {23, 50}, {17, 19}, {77, 90}};
    pt_image in = noise_image(2, 40, 50);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int h = sizes[i][0], w = sizes[i][1];
        pt_image whole;

        assert_int_equal(pt_resize_bilinear(&in, NULL, h, w, &whole), PT_OK);
        check_window(&in, &whole, (pt_region){0, 0, h, w});
        check_window(&in, &whole, (pt_region){3, 5, 9, 11});
        check_window(&in, &whole, (pt_region){h - 1, 0, 1, w});
        check_window(&in, &whole, (pt_region){0, w - 1, h, 1});
        pt_image_fini(&whole);
    }
    pt_image_fini(&in);
}

static void test_a_window_of_a_giant_costs_only_the_window(void **state)
{
    pt_image in = noise_image(3, 3000, 1), out;
    pt_region w = {100000000, 100, 32, 32};

    assert_int_equal(pt_resize_window(&in, NULL, 768000000, 256, &w, &out), PT_OK);
    pt_image_fini(&out);
    assert_int_equal(pt_resize_bilinear(&in, NULL, 768000, 256, &out), PT_ERR_SHAPE);
    assert_string_equal(pt_fail_text(),
                        "resized to 256 x 768000 pixels, above the limit of 178956970");
    assert_null(out.pixels);
    pt_image_fini(&in);
}

static void test_boxes_outside_the_image_are_refused(void **state)
{
    static const double bad[][4] = {{-1, 0, 5, 5}, {0, 0, 51, 5}, {0, 0, 5, 41},
                                    {5, 0, 5, 5},  {0, 6, 5, 5},  {0, -0.5, 5, 5}};
    pt_image in = noise_image(4, 40, 50), out;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(pt_resize_bilinear(&in, bad[i], 8, 8, &out), PT_ERR_SHAPE);
        assert_null(out.pixels);
    }
    assert_int_equal(pt_resize_bilinear(&in, NULL, 0, 8, &out), PT_ERR_SHAPE);
    assert_int_equal(pt_resize_window(&in, NULL, 8, 8, &(pt_region){1, 0, 8, 8}, &out),
                     PT_ERR_SHAPE);
    pt_image_fini(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_is_that_of_pillow),
        cmocka_unit_test(test_no_box_is_the_whole_image),
        cmocka_unit_test(test_a_window_is_that_part_of_the_whole),
        cmocka_unit_test(test_a_window_of_a_giant_costs_only_the_window),
        cmocka_unit_test(test_boxes_outside_the_image_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
