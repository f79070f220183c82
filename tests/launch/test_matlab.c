#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/layouts/matlab.h"

#define DATA PT_TEST_DATA "/matlab"

static void expect(const char *file, const char *name, const double *values, size_t n)
{
    double *got = NULL;
    size_t k = 0;

    if (pt_matlab_read(file, name, &got, &k) != PT_OK)
        fail_msg("%s in %s: %s", name, file, pt_fail_text());
    assert_int_equal(k, n);
    for (size_t i = 0; i < n; i++) assert_true(got[i] == values[i]);
    free(got);
}

static void expect_fault(const char *file, const char *name, const char *text)
{
    double *got = (double *)1;
    size_t k = 7;

    assert_int_not_equal(pt_matlab_read(file, name, &got, &k), PT_OK);
    assert_null(got);
    if (!strstr(pt_fail_text(), text)) fail_msg("'%s', not '%s'", pt_fail_text(), text);
}

#define EXPECT(file, name, ...)                                                          \
    expect(file, name, (const double[]){__VA_ARGS__},                                    \
           sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void test_doubles_stored_as_small_integers_are_read(void **state)
{
    const char *file = DATA "/downcast.mat";

    EXPECT(file, "id", 1, 300, 6149);
    EXPECT(file, "labels", 1, 2, 102);
    EXPECT(file, "minus", -1, 5);
    EXPECT(file, "less", -300, 5, 6);
    EXPECT(file, "grid", 1, 2, 70000, 4);
}

static void test_octaves_arrays_are_read_plain_and_compressed(void **state)
{
    static const char *const files[] = {DATA "/types7.mat", DATA "/types6.mat"};
    double cube[24];

    for (int i = 0; i < 24; i++) cube[i] = i + 1;
    for (int k = 0; k < 2; k++) {
        EXPECT(files[k], "a", 1, 300, 65535);
        EXPECT(files[k], "negative", -1, 3, -200, -40000);
        EXPECT(files[k], "big", 2147483648.0, 4294967296.0, 1);
        EXPECT(files[k], "fraction", 0.5, -1.25, 1e300);
        EXPECT(files[k], "single_class", 0.5, 2);
        EXPECT(files[k], "i8", -128, 127);
        EXPECT(files[k], "u8", 0, 255);
        EXPECT(files[k], "i16", -32768, 32767);
        EXPECT(files[k], "u16", 0, 65535);
        EXPECT(files[k], "i32", -2147483648.0, 2147483647.0);
        EXPECT(files[k], "u32", 0, 4294967295.0);
        EXPECT(files[k], "i64", -1099511627776.0, 1099511627776.0);
        EXPECT(files[k], "uint64_class", 1, 2);
        expect(files[k], "cube", cube, 24);
        expect(files[k], "none", NULL, 0);
    }
}

static void test_arrays_that_are_not_real_numbers_are_refused(void **state)
{
    static const char *const files[] = {DATA "/types7.mat", DATA "/types6.mat"};

    for (int k = 0; k < 2; k++) {
        expect_fault(files[k], "word",
                     "'word' is not an array of real numbers (class 4)");
        expect_fault(files[k], "z", "'z' is not an array of real numbers");
        expect_fault(files[k], "sp", "'sp' is not an array of real numbers (class 5)");
        expect_fault(files[k], "gone", "has no array named 'gone'");
    }
    expect_fault(DATA "/gone.mat", "a", "No such file");
}

/* ---- damaged files ---------------------------------------------------------------- */

static char path[] = "/tmp/ptrain-matlab-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(path);
}

static size_t load(const char *from, unsigned char *bytes, size_t max)
{
    FILE *f = fopen(from, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, max, f);
    fclose(f);
    assert_true(n > 128 && n < max);
    return n;
}

static void store(const unsigned char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void test_other_kinds_of_file_are_told_apart(void **state)
{
    unsigned char bytes[4096];
    size_t n = load(DATA "/downcast.mat", bytes, sizeof bytes);

    memcpy(bytes + 126, "MI", 2);
    store(bytes, n);
    expect_fault(path, "id", "is big-endian");
    memcpy(bytes + 124, "\0\2IM", 4);
    store(bytes, n);
    expect_fault(path, "id", "is MATLAB version 2.0");
    bytes[0] = 'X';
    store(bytes, n);
    expect_fault(path, "id", "is not a MATLAB 5 file");
    store(bytes, 0);
    expect_fault(path, "id", "is not a MATLAB 5 file");
}

static void test_every_truncation_is_a_fault(void **state)
{
    static const char *const files[] = {DATA "/types6.mat", DATA "/types7.mat"};
    unsigned char bytes[4096];
    double *got;
    size_t k;

    for (int i = 0; i < 2; i++) {
        size_t n = load(files[i], bytes, sizeof bytes);
        for (size_t cut = 0; cut < n; cut++) {
            store(bytes, cut);
            assert_int_not_equal(pt_matlab_read(path, "gone", &got, &k), PT_OK);
        }
    }
}

static void test_no_flipped_byte_does_harm_and_compressed_ones_are_found(void **state)
{
    static const char *const files[] = {DATA "/types6.mat", DATA "/downcast.mat"};
    unsigned char bytes[4096];
    double *got;
    size_t k, found = 0, tried = 0;

    for (int i = 0; i < 2; i++) {
        size_t n = load(files[i], bytes, sizeof bytes);
        for (size_t at = 128; at < n; at++) {
            bytes[at] ^= 0x41;
            store(bytes, n);
            bytes[at] ^= 0x41;
            got = NULL;
            pt_status s = pt_matlab_read(path, i ? "grid" : "cube", &got, &k);
            found += i == 1 && s != PT_OK;
            tried += i == 1;
            free(got);
        }
    }
    assert_int_equal(found, tried); /* zlib's checksum covers them all */
}

static void test_sizes_that_do_not_fit_are_refused(void **state)
{
    unsigned char bytes[4096];
    size_t n = load(DATA "/types6.mat", bytes, sizeof bytes);

    /* The dimensions of `a`: 1 x 3 at byte 160. */
    bytes[164] = 4;
    store(bytes, n);
    expect_fault(path, "a", "'a' has 4 elements in 24 bytes of type 9");
    memset(bytes + 160, 0x7f, 8);
    store(bytes, n);
    expect_fault(path, "a", "dimension 0 of 'a' is 2139062143");
    bytes[163] = 0xff;
    store(bytes, n);
    expect_fault(path, "a", "dimension 0 of 'a' is -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_stored_as_small_integers_are_read),
        cmocka_unit_test(test_octaves_arrays_are_read_plain_and_compressed),
        cmocka_unit_test(test_arrays_that_are_not_real_numbers_are_refused),
        cmocka_unit_test(test_other_kinds_of_file_are_told_apart),
        cmocka_unit_test(test_every_truncation_is_a_fault),
        cmocka_unit_test(test_no_flipped_byte_does_harm_and_compressed_ones_are_found),
        cmocka_unit_test(test_sizes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
