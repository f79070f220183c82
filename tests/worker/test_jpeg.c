#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/worker/picture_files.h"
#include "worker/input/jpeg.h"

static const char dir[] = PT_TEST_DATA "/jpeg";

static pt_status decode(const void *file, size_t bytes, pt_image *im, char *warnings)
{
    return pt_decoder_run(pt_jpeg_decode, file, bytes, false, im, warnings);
}

static pt_status decode_file(const char *folder, const char *name, pt_image *im,
                             char *warnings)
{
    size_t bytes;
    uint8_t *file = read_file(folder, name, &bytes);
    pt_status s;

    if (!file) fail_msg("%s/%s cannot be read", folder, name);
    s = decode(file, bytes, im, warnings);
    free(file);
    return s;
}

enum { N_GOLDEN = 17 };

static void test_pixels_are_those_of_pillow(void **state)
{
    golden g[N_GOLDEN];

    read_golden(dir, g, N_GOLDEN);
    expect_golden(dir, g, N_GOLDEN);
}

static void test_broken_files_are_refused_with_the_reason(void **state)
{
    static const char *const bad[][2] = {
        {"truncated.jpg", "premature end of JPEG file"},
        {"no_end_mark.jpg", "premature end of JPEG file"},
        {"cut_scan.jpg", "corrupt JPEG data: premature end of data segment"},
        {"bad_code.jpg", "corrupt JPEG data: bad Huffman code"},
        {"scan_missing.jpg", "a colour component has no scan"},
        {"many_scans.jpg", "501 scans of 8 x 8 pixels: more than a photograph needs (at "
                           "most 500)"},
        {"png.jpg", "not a JPEG: starts with 89 50 4e 47 (a PNG)"},
        {"empty.jpg", "not a JPEG: the file is empty"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pt_image im = {1, 1, (uint8_t *)&im};

        assert_int_equal(decode_file(dir, bad[i][0], &im, NULL), PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), bad[i][1]);
        assert_null(im.pixels);
    }
}

static void test_every_cut_of_a_file_is_refused(void **state)
{
    static const char *const names[] = {"17x13.jpg", "progressive_444.jpg", "gray.jpg"};

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        refuse_every_cut(dir, names[k], 0);
}

static void test_any_changed_byte_is_survived(void **state)
{
    static const char *const names[] = {"17x13.jpg", "progressive_444.jpg", "ycck.jpg",
                                        "scans_apart.jpg"};

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        survive_changed_bytes(dir, names[k]);
}

static void test_harmless_warnings_are_told_and_do_not_refuse(void **state)
{
    char warnings[256];
    pt_image im;

    assert_int_equal(decode_file(dir, "junk_before_marker.jpg", &im, warnings), PT_OK);
    assert_string_equal(warnings,
                        "corrupt JPEG data: 3 extraneous bytes before marker 0xdb");
    pt_image_fini(&im);
    assert_int_equal(decode_file(dir, "adobe_odd.jpg", &im, warnings), PT_OK);
    assert_string_equal(warnings, "unknown Adobe color transform code 9");
    pt_image_fini(&im);
    assert_int_equal(decode_file(dir, "plain.jpg", &im, warnings), PT_OK);
    assert_string_equal(warnings, "");
    pt_image_fini(&im);
}

static void test_other_formats_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text;
    } other[] = {
        {"GIF89a", 6, "not a JPEG: starts with 47 49 46 38 (a GIF)"},
        {"BM\1\2\3", 5, "not a JPEG: starts with 42 4d 01 02 (a BMP)"},
        {"II*\0\10", 5, "not a JPEG: starts with 49 49 2a 00 (a TIFF)"},
        {"MM\0*\0", 5, "not a JPEG: starts with 4d 4d 00 2a (a TIFF)"},
        {"RIFF\1\2\3\4WEBPVP8 ", 16, "not a JPEG: starts with 52 49 46 46 (a WebP)"},
        {"\xff\xd8", 2, "not a JPEG: starts with ff d8"},
        {"<html>", 6, "not a JPEG: starts with 3c 68 74 6d"},
    };
    pt_image im;

    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_int_equal(decode(other[i].bytes, other[i].n, &im, NULL), PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), other[i].text);
        assert_int_equal(
            pt_decoder_run(pt_jpeg_decode, other[i].bytes, other[i].n, true, &im, NULL),
            PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), other[i].text);
    }
}

/* A copy of a file of the test data with other sizes in its frame header. */
static uint8_t *resized_header(const char *name, unsigned height, unsigned width,
                               size_t *bytes)
{
    uint8_t *file = read_file(dir, name, bytes);
    size_t at = 2;

    assert_non_null(file);
    while (file[at + 1] != 0xc0 && file[at + 1] != 0xc2) {
        at += 2u + (file[at + 2] << 8 | file[at + 3]);
        assert_true(at + 9 < *bytes);
    }
    file[at + 5] = (uint8_t)(height >> 8);
    file[at + 6] = (uint8_t)height;
    file[at + 7] = (uint8_t)(width >> 8);
    file[at + 8] = (uint8_t)width;
    return file;
}

static void test_headers_of_giants_are_refused_before_memory_is_taken(void **state)
{
    static const struct {
        const char *name;
        unsigned height, width;
        size_t more; /* bytes after the end mark */
        const char *text;
    } giants[] = {
        {"plain.jpg", 65535, 65535, 0,
         "maximum supported image dimension is 65500 pixels"},
        {"plain.jpg", 65500, 65500, 0,
         "65500 x 65500 pixels, above the limit of 178956970 pixels"},
        {"plain.jpg", 13378, 13377, 0,
         "13377 x 13378 pixels, above the limit of 178956970 pixels"},
        {"progressive_444.jpg", 12000, 10000, 0,
         "10000 x 12000 pixels cannot fit in 981 bytes"},
        {"progressive_444.jpg", 12000, 10000, 120000,
         "10000 x 12000 pixels in several scans need 1081056384 bytes, above the limit "
         "of 1073741824"},
        {"plain.jpg", 2000, 2000, 0, "2000 x 2000 pixels cannot fit in 2605 bytes"},
        {"plain.jpg", 0, 64, 0, "empty JPEG image (DNL not supported)"},
    };

    for (size_t i = 0; i < sizeof giants / sizeof giants[0]; i++) {
        size_t bytes;
        uint8_t *file =
            resized_header(giants[i].name, giants[i].height, giants[i].width, &bytes);
        uint8_t *longer = realloc(file, bytes + giants[i].more);
        pt_image im;

        assert_non_null(longer);
        memset(longer + bytes, 0, giants[i].more);
        assert_int_equal(decode(longer, bytes + giants[i].more, &im, NULL), PT_ERR_DATA);
        assert_string_equal(pt_fail_text(), giants[i].text);
        free(longer);
    }
}

static void test_the_size_is_read_from_the_header_alone(void **state)
{
    size_t bytes;
    uint8_t *file = read_file(dir, "truncated.jpg", &bytes);
    int height = 0, width = 0;

    assert_non_null(file);
    assert_int_equal(pt_picture_size(file, bytes, &height, &width), PT_OK);
    assert_int_equal(height, 48);
    assert_int_equal(width, 64);
    free(file);
}

/* The formula of tests/oracle/jpegs.py. */
static void paint(pt_image *im)
{
    im->pixels = malloc((size_t)im->height * im->width * 3);
    assert_non_null(im->pixels);
    for (int y = 0; y < im->height; y++) {
        for (int x = 0; x < im->width; x++) {
            for (int c = 0; c < 3; c++) {
                int v = (x * (7 + c) + y * (5 - c) * 3 + (x * y >> 2) + 60 * c) % 256;

                if ((x / 8 + y / 6) % 2 != 0) v = 255 - v / 2;
                im->pixels[(y * im->width + x) * 3 + c] = (uint8_t)v;
            }
        }
    }
}

static void test_the_encoder_writes_what_pillow_writes(void **state)
{
    pt_image im = {13, 17, NULL};
    size_t bytes, expected_bytes;
    uint8_t *file, *expected = read_file(dir, "17x13.jpg", &expected_bytes);

    assert_non_null(expected);
    paint(&im);
    assert_int_equal(pt_jpeg_encode(&im, 75, &file, &bytes), PT_OK);
    assert_int_equal(bytes, expected_bytes);
    assert_memory_equal(file, expected, bytes);
    free(file);
    free(expected);
    pt_image_fini(&im);
}

static void test_a_large_file_is_encoded_and_read_back(void **state)
{
    pt_image im = {500, 700, NULL}, back;
    size_t bytes, n = (size_t)500 * 700 * 3;
    uint8_t *file;

    paint(&im);
    for (size_t i = 0; i < n; i++) im.pixels[i] = im.pixels[i - i % 3]; /* gray */
    assert_int_equal(pt_jpeg_encode(&im, 100, &file, &bytes), PT_OK);
    assert_true(bytes > 2 << 16); /* the buffer grew more than once */
    assert_int_equal(decode(file, bytes, &back, NULL), PT_OK);
    for (size_t i = 0; i < n; i++) { /* quality 100: rounding of the transform alone */
        assert_in_range(back.pixels[i] - im.pixels[i] + 3, 0, 6);
    }
    free(file);
    pt_image_fini(&back);
    im.height = 0;
    assert_int_equal(pt_jpeg_encode(&im, 75, &file, &bytes), PT_ERR_SHAPE);
    assert_null(file);
    im.height = 500;
    assert_int_equal(pt_jpeg_encode(&im, 101, &file, &bytes), PT_ERR_SHAPE);
    pt_image_fini(&im);
}

/* ---- the zoo of ../shared ---------------------------------------------------------- */

enum { FILE_COLUMN = 0, DJPEG = 12, PILLOW = 14, MEAN = 16, COLUMNS = 17 };

static int split_tabs(char *line, char *column[COLUMNS])
{
    int n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    while (n < COLUMNS && line) column[n++] = strsep(&line, "\t");
    return n;
}

static void check_mean(const char *name, const pt_image *im, const char *text)
{
    double want[3], pixels = (double)im->height * im->width;
    int n = sscanf(text, "%lf,%lf,%lf", want, want + 1, want + 2);

    if (n < 1) return; /* Pillow has no mean for CMYK */
    for (int c = 0; c < 3; c++) {
        double sum = 0, w = n == 3 ? want[c] : want[0];

        for (size_t i = 0; i < (size_t)pixels; i++) sum += im->pixels[3 * i + c];
        if (!(fabs(sum / pixels - w) <= 1)) {
            fail_msg("%s: mean %g of channel %d, Pillow has %g", name, sum / pixels, c,
                     w);
        }
    }
}

static void test_the_zoo_is_decoded_or_refused_with_a_reason(void **state)
{
    static const char zoo[] = PT_SHARED "/data/jpeg_zoo";
    char line[4096], *column[COLUMNS], warnings[256];
    int clean = 0, read = 0, refused = 0;
    FILE *f = fopen(PT_SHARED "/data/jpeg_zoo/manifest.tsv", "r");

    if (!f) {
        print_message("skip: ../shared is not here\n");
        skip();
    }
    while (fgets(line, sizeof line, f)) {
        const char *name = line;
        pt_image im;
        pt_status s;
        bool both;

        if (split_tabs(line, column) != COLUMNS || strcmp(name, "file") == 0) continue;
        s = decode_file(zoo, name, &im, warnings);
        both = strcmp(column[DJPEG], "ok") == 0 && strcmp(column[PILLOW], "ok") == 0;
        if (both && s != PT_OK) fail_msg("%s: %s", name, pt_fail_text());
        if (both) assert_string_equal(warnings, "");
        if (s == PT_OK) {
            check_mean(name, &im, column[MEAN]);
            pt_image_fini(&im);
        } else {
            assert_int_equal(s, PT_ERR_DATA);
            assert_true(strlen(pt_fail_text()) > 10);
        }
        clean += both;
        read += s == PT_OK;
        refused += s != PT_OK;
    }
    fclose(f);
    print_message("%d read (%d of %d clean ones), %d refused\n", read, clean, clean,
                  refused);
    assert_int_equal(clean, 86);
    assert_int_equal(read + refused, 223);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_are_those_of_pillow),
        cmocka_unit_test(test_broken_files_are_refused_with_the_reason),
        cmocka_unit_test(test_every_cut_of_a_file_is_refused),
        cmocka_unit_test(test_any_changed_byte_is_survived),
        cmocka_unit_test(test_harmless_warnings_are_told_and_do_not_refuse),
        cmocka_unit_test(test_other_formats_are_named),
        cmocka_unit_test(test_headers_of_giants_are_refused_before_memory_is_taken),
        cmocka_unit_test(test_the_size_is_read_from_the_header_alone),
        cmocka_unit_test(test_the_encoder_writes_what_pillow_writes),
        cmocka_unit_test(test_a_large_file_is_encoded_and_read_back),
        cmocka_unit_test(test_the_zoo_is_decoded_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
