#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/worker/picture_files.h"
#include "worker/input/fingerprint.h"

static const char dir[] = PT_TEST_DATA "/picture";

/* ---- what Pillow makes of them ----------------------------------------------------- */

enum { N_GOLDEN = 89 };

static void test_pixels_are_those_of_pillow(void **state)
{
    golden g[N_GOLDEN];

    read_golden(dir, g, N_GOLDEN);
    expect_golden(dir, g, N_GOLDEN);
}

static void *decode_all(void *golden_of_all)
{
    const golden *g = golden_of_all;
    char text[256];

    for (int round = 0; round < 4; round++)
        for (int i = 0; i < N_GOLDEN; i++) {
            pt_image im;

            if (decode_picture(dir, g[i].name, &im, NULL) != PT_OK) return "refused";
            compare(&g[i], &im, text);
            pt_image_fini(&im);
            if (text[0]) return "different";
        }
    return NULL;
}

static void test_the_fingerprint_is_of_pixels_that_pillow_has(void **state)
{
    uint32_t crc;

    assert_int_equal(pt_input_fingerprint(&crc), PT_OK);
    assert_int_equal(crc, PT_INPUT_FINGERPRINT);
}

static void test_threads_decode_at_once(void **state)
{
    golden g[N_GOLDEN];
    pthread_t thread[4];

    read_golden(dir, g, N_GOLDEN);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, decode_all, g), 0);
    for (int i = 0; i < 4; i++) {
        void *why;

        assert_int_equal(pthread_join(thread[i], &why), 0);
        assert_null(why);
    }
}

static void test_the_size_is_that_of_the_pixels(void **state)
{
    golden g[N_GOLDEN];

    read_golden(dir, g, N_GOLDEN);
    for (int i = 0; i < N_GOLDEN; i++) {
        size_t bytes;
        uint8_t *file = read_file(dir, g[i].name, &bytes);
        int height = 0, width = 0;

        assert_non_null(file);
        assert_int_equal(pt_picture_size(file, bytes, &height, &width), PT_OK);
        assert_int_equal(height, g[i].height);
        assert_int_equal(width, g[i].width);
        free(file);
    }
}

/* ---- what is refused --------------------------------------------------------------- */

static void test_broken_files_are_refused_with_the_reason(void **state)
{
    static const char *const bad[][2] = {
        {"no_end_mark.png", "premature end of PNG file"},
        {"bad_crc.png", "IDAT: CRC error"},
        {"few_rows.png", "not enough image data"},
        {"bad_sum.png", "IDAT: incorrect data check"},
        {"beyond_palette.png", "index 14 is beyond the palette of 5 colours"},
        {"no_palette.png", "IDAT: Missing PLTE before IDAT"},
        {"giant.png", "20000 x 20000 pixels, above the limit of 178956970 pixels"},
        {"bomb.png", "13000 x 13000 pixels cannot fit in 84 bytes"},
        {"cut.webp", "premature end of WebP file"},
        {"cut_inside.webp", "corrupt WebP data"},
        {"bad.webp", "corrupt WebP data"},
        {"no_end_mark.gif", "premature end of GIF file"},
        {"few_pixels.gif", "image EOF detected before image complete"},
        {"no_frame.gif", "the file has no frame"},
        {"bomb.gif", "13000 x 13000 pixels cannot fit in 76 bytes"},
        {"giant.gif", "65535 x 65535 pixels, above the limit of 178956970 pixels"},
        {"cut.bmp", "premature end of BMP file"},
        {"runs.bmp", "BMP compression 1 (1, 2: runs, 4: JPEG, 5: PNG) is not read: save "
                     "it without"},
        {"odd_masks.bmp", "channels of the bits 3ff00000 000ffc00 000003ff in 32 are not "
                          "read"},
        {"beyond_palette.bmp", "index 60 is beyond the palette of 5 colours"},
        {"cut.tif", "can not read TIFF directory count"},
        {"cmyk.tif", "a TIFF of colours 5 with 4 samples of 8 bits (format 1, planes 1) "
                     "is not read"},
        {"float.tif", "a TIFF of colours 1 with 1 samples of 32 bits (format 3, planes "
                      "1) is not read"},
        {"giant.tif", "20000 x 20000 pixels, above the limit of 178956970 pixels"},
        {"giant.bmp", "20000 x 20000 pixels, above the limit of 178956970 pixels"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pt_image im = {1, 1, (uint8_t *)&im};

        if (decode_picture(dir, bad[i][0], &im, NULL) != PT_ERR_DATA)
            fail_msg("%s was read", bad[i][0]);
        assert_string_equal(pt_fail_text(), bad[i][1]);
        assert_null(im.pixels);
    }
}

static void test_what_is_no_picture_is_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text;
    } other[] = {
        {"", 0, "not a JPEG, PNG, WebP, GIF, BMP or TIFF: the file is empty"},
        {"\0\0\0\x1c"
         "ftypavif",
         12,
         "not a JPEG, PNG, WebP, GIF, BMP or TIFF: starts with 00 00 00 1c (an AVIF)"},
        {"\0\0\0\x0cJXL \r\n", 10,
         "not a JPEG, PNG, WebP, GIF, BMP or TIFF: starts with 00 00 00 0c (a JPEG XL)"},
        {"<html>", 6, "not a JPEG, PNG, WebP, GIF, BMP or TIFF: starts with 3c 68 74 6d"},
    };
    int height, width;
    pt_image im;

    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_int_equal(pt_picture_decode(other[i].bytes, other[i].n, &im, NULL),
                         PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), other[i].text);
        assert_null(im.pixels);
        assert_int_equal(pt_picture_size(other[i].bytes, other[i].n, &height, &width),
                         PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), other[i].text);
    }
}

/* One of each kind of coding. */
static const char *const varied[] = {"netpbm_interlaced.png",
                                     "palette_4_transparent.png",
                                     "gray_16.png",
                                     "lossless_rgba.webp",
                                     "lossy_rgba.webp",
                                     "inside.gif",
                                     "pillow_interlaced.gif",
                                     "palette_4.bmp",
                                     "565.bmp",
                                     "tiff_lzw.tif",
                                     "jpeg.tif",
                                     "group4.tif",
                                     "tiles.tif",
                                     "pillow_p.tif"};
enum { N_VARIED = sizeof varied / sizeof *varied };

static void test_every_cut_of_a_file_is_refused(void **state)
{
    /* A TIFF may end with the place of the next page: there is none. */
    for (size_t k = 0; k < N_VARIED; k++)
        refuse_every_cut(dir, varied[k], strstr(varied[k], ".tif") ? 4 : 0);
}

static void test_any_changed_byte_is_survived(void **state)
{
    for (size_t k = 0; k < N_VARIED; k++) survive_changed_bytes(dir, varied[k]);
}

static void test_harmless_warnings_are_told_and_do_not_refuse(void **state)
{
    static const char *const told[][2] = {
        {"gray_16.png",
         "gray of 16 bits is white above 255, as in Pillow: store it in 8 bits"},
        {"pillow_i16.tif",
         "gray of 16 bits is white above 255, as in Pillow: store it in 8 bits"},
        {"more_after_end.png", ""},
        {"profile_broken.png", ""},
        {"1x1.png", ""},
    };

    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        char warnings[PT_PICTURE_WARNING] = "?";
        pt_image im;

        assert_int_equal(decode_picture(dir, told[i][0], &im, warnings), PT_OK);
        assert_string_equal(warnings, told[i][1]);
        pt_image_fini(&im);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_are_those_of_pillow),
        cmocka_unit_test(test_the_fingerprint_is_of_pixels_that_pillow_has),
        cmocka_unit_test(test_threads_decode_at_once),
        cmocka_unit_test(test_the_size_is_that_of_the_pixels),
        cmocka_unit_test(test_broken_files_are_refused_with_the_reason),
        cmocka_unit_test(test_what_is_no_picture_is_named),
        cmocka_unit_test(test_every_cut_of_a_file_is_refused),
        cmocka_unit_test(test_any_changed_byte_is_survived),
        cmocka_unit_test(test_harmless_warnings_are_told_and_do_not_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
