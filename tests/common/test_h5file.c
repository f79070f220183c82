#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/data/h5file.h"
#include "tests/support/temp_dir.h"

static const char *foreign = PT_TEST_DATA "/h5file/foreign.h5";

/* The library's locks come through here. */
static int lock_errno;

int flock(int fd, int operation)
{
    if (lock_errno) {
        errno = lock_errno;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* The library's time of day comes from here. */
static time_t day;

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    *now = (struct timeval){.tv_sec = day};
    return 0;
}

static pt_h5file *open_foreign(void)
{
    pt_h5file *f = NULL;

    assert_int_equal(pt_h5file_open(foreign, &f), PT_OK);
    return f;
}

static void test_what_was_written_reads_back(void **state)
{
    const float x[6] = {1, 2, 3, -4, 5.5f, 6}, mean[3] = {.1f, .2f, .3f};
    const uint64_t dims[2] = {2, 3}, three[1] = {3};
    const int32_t i[3] = {-1, 0, INT32_MAX};
    const uint64_t u[3] = {0, 1, UINT64_MAX};
    const char *const words[] = {"a", "", "gänse"};
    float *fx = NULL, m[3];
    int32_t *ix = NULL;
    uint64_t *ux = NULL;
    char **w = NULL, *text = NULL;
    pt_h5file *f = NULL;
    pt_h5_shape shape;
    size_t n;
    int64_t k;
    double d;

    assert_int_equal(pt_h5file_create(in_dir("a.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_write_f32(f, "deep/down/x", 2, dims, x), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "i", 1, three, i), PT_OK);
    assert_int_equal(pt_h5file_write_u64(f, "u", 1, three, u), PT_OK);
    assert_int_equal(pt_h5file_write_strings(f, "words", words, 3), PT_OK);
    assert_int_equal(pt_h5file_set_int(f, "/", "version", 7), PT_OK);
    assert_int_equal(pt_h5file_set_int(f, "/", "version", -8), PT_OK);
    assert_int_equal(pt_h5file_set_float(f, "deep", "eps", 1e-5), PT_OK);
    assert_int_equal(pt_h5file_set_floats(f, "deep/down/x", "mean", mean, 3), PT_OK);
    assert_int_equal(pt_h5file_set_string(f, "/", "name", "wört"), PT_OK);
    assert_int_equal(pt_h5file_set_strings(f, "/", "names", words, 3), PT_OK);
    assert_int_equal(access(in_dir("a.h5"), F_OK), -1); /* not before commit */
    assert_int_equal(pt_h5file_commit(&f), PT_OK);
    assert_null(f);

    assert_int_equal(pt_h5file_open(in_dir("a.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_shape(f, "deep/down/x", &shape), PT_OK);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.dims[1], 3);
    assert_int_equal(shape.class_, PT_H5_FLOAT);
    assert_int_equal(pt_h5file_read_f32(f, "deep/down/x", 6, &fx, &n), PT_OK);
    assert_memory_equal(fx, x, sizeof x);
    assert_int_equal(pt_h5file_read_i32(f, "i", 3, &ix, &n), PT_OK);
    assert_memory_equal(ix, i, sizeof i);
    assert_int_equal(pt_h5file_read_u64(f, "u", 3, &ux, &n), PT_OK);
    assert_memory_equal(ux, u, sizeof u);
    assert_int_equal(pt_h5file_read_strings(f, "words", 3, &w, &n), PT_OK);
    assert_string_equal(w[2], "gänse");
    assert_null(w[3]);
    free(w);
    assert_int_equal(pt_h5file_attr_int(f, "/", "version", &k), PT_OK);
    assert_int_equal(k, -8);
    assert_int_equal(pt_h5file_attr_float(f, "deep", "eps", &d), PT_OK);
    assert_true(d == 1e-5);
    assert_int_equal(pt_h5file_attr_floats(f, "deep/down/x", "mean", m, 3), PT_OK);
    assert_memory_equal(m, mean, sizeof m);
    assert_int_equal(pt_h5file_attr_string(f, "/", "name", &text), PT_OK);
    assert_string_equal(text, "wört");
    assert_int_equal(pt_h5file_attr_strings(f, "/", "names", 3, &w, &n), PT_OK);
    assert_string_equal(w[0], "a");
    free(w);
    free(text);
    free(fx);
    free(ix);
    free(ux);
    pt_h5file_destroy(&f);
    unlink(in_dir("a.h5"));
}

static void test_the_same_content_is_the_same_file_on_another_day(void **state)
{
    const uint64_t dims[1] = {4};
    const uint8_t x[4] = {1, 2, 3, 4};
    static char bytes[2][1 << 16];
    size_t n[2];

    for (int k = 0; k < 2; k++) {
        pt_h5file *f = NULL;
        day = 1000000000 + 86400 * k;
        assert_int_equal(pt_h5file_create(in_dir("same.h5"), &f), PT_OK);
        assert_int_equal(pt_h5file_write_u8(f, "g/x", 1, dims, x), PT_OK);
        assert_int_equal(pt_h5file_set_string(f, "/", "name", "v"), PT_OK);
        assert_int_equal(pt_h5file_commit(&f), PT_OK);
        FILE *in = fopen(in_dir("same.h5"), "rb");
        n[k] = fread(bytes[k], 1, sizeof bytes[k], in);
        fclose(in);
    }
    unlink(in_dir("same.h5"));
    assert_true(n[0] > 0 && n[0] == n[1] && n[0] < sizeof bytes[0]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
}

static void test_a_file_that_is_not_committed_leaves_nothing(void **state)
{
    const uint64_t dims[1] = {1};
    pt_h5file *f = NULL;

    assert_int_equal(pt_h5file_create(in_dir("gone.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_write_f32(f, "x", 1, dims, (float[]){1}), PT_OK);
    pt_h5file_destroy(&f);
    assert_int_equal(access(in_dir("gone.h5"), F_OK), -1);
    assert_int_equal(pt_h5file_create("/no/such/dir/x.h5", &f), PT_ERR_IO);
    assert_string_equal(
        pt_fail_text(),
        "/no/such/dir/x.h5: cannot be created: No such file or directory");
    assert_null(f);
}

static void test_reserved_bytes_are_where_it_says(void **state)
{
    uint64_t at = 0, where = 0, size = 0;
    pt_h5file *f = NULL;
    uint8_t *x = NULL;
    size_t n;
    FILE *out;

    assert_int_equal(pt_h5file_create(in_dir("r.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_reserve_bytes(f, "images/bytes", 70000, &at), PT_OK);
    out = fopen(pt_h5file_current_path(f), "r+b");
    assert_non_null(out);
    fseek(out, (long)at + 69995, SEEK_SET);
    fputs("hello", out);
    fclose(out);
    assert_int_equal(pt_h5file_set_string(f, "/", "late", "attribute"), PT_OK);
    assert_int_equal(pt_h5file_commit(&f), PT_OK);

    assert_int_equal(pt_h5file_open(in_dir("r.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_bytes_at(f, "images/bytes", &where, &size), PT_OK);
    assert_int_equal(where, at);
    assert_int_equal(size, 70000);
    assert_int_equal(pt_h5file_read_u8(f, "images/bytes", 70000, &x, &n), PT_OK);
    assert_memory_equal(x + 69995, "hello", 5);
    free(x);
    pt_h5file_destroy(&f);
    unlink(in_dir("r.h5"));
}

static void test_strings_of_every_kind_that_h5py_writes_are_read(void **state)
{
    pt_h5file *f = open_foreign();
    char **w = NULL, *text = NULL;
    size_t n;

    assert_int_equal(pt_h5file_attr_strings(f, "/", "layer_names", 100, &w, &n), PT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(w[1], "fc");
    free(w);
    assert_int_equal(pt_h5file_attr_strings(f, "conv1", "weight_names", 100, &w, &n),
                     PT_OK);
    assert_string_equal(w[1], "conv1/bé:0");
    free(w);
    assert_int_equal(pt_h5file_attr_string(f, "/", "keras_version", &text), PT_OK);
    assert_string_equal(text, "2.1.4");
    free(text);
    assert_int_equal(pt_h5file_attr_string(f, "/", "backend", &text), PT_OK);
    assert_string_equal(text, "tensorflow");
    free(text);
    assert_int_equal(pt_h5file_read_strings(f, "padded", 3, &w, &n), PT_OK);
    assert_string_equal(w[0], "ab");
    assert_string_equal(w[1], "");
    assert_string_equal(w[2], "abcd");
    free(w);
    assert_int_equal(pt_h5file_read_strings(f, "words", 3, &w, &n), PT_OK);
    assert_string_equal(w[2], "drei €");
    free(w);
    assert_int_equal(pt_h5file_read_strings(f, "words", 2, &w, &n), PT_ERR_DATA);
    assert_null(w);
    pt_h5file_destroy(&f);
}

static void test_numbers_of_other_widths_are_converted_or_refused(void **state)
{
    const float half[3] = {0.5f, -2.0f, 65504.0f};
    pt_h5file *f = open_foreign();
    float *x = NULL, two[2];
    int32_t *i = NULL;
    uint32_t *u = NULL;
    size_t n;

    assert_int_equal(pt_h5file_read_f32(f, "half", 3, &x, &n), PT_OK);
    assert_memory_equal(x, half, sizeof half);
    free(x);
    assert_int_equal(pt_h5file_read_f32_into(f, "big", two, 2), PT_OK);
    assert_true(two[0] == 1 && two[1] == 2);
    assert_int_equal(pt_h5file_read_f32_into(f, "big", two, 3), PT_ERR_SHAPE);
    assert_int_equal(pt_h5file_read_f32_into(f, "scalar", two, 1), PT_OK);
    assert_true(two[0] == 7);
    assert_int_equal(pt_h5file_read_i32(f, "small", 3, &i, &n), PT_OK);
    assert_int_equal(i[1], -2);
    free(i);
    assert_int_equal(pt_h5file_read_i32(f, "packed", 4096, &i, &n), PT_OK);
    free(i);
    assert_int_equal(pt_h5file_read_f32(f, "none", 0, &x, &n), PT_OK);
    assert_int_equal(n, 0);
    free(x);
    assert_int_equal(pt_h5file_read_f32(f, "double", 2, &x, &n), PT_ERR_DATA); /* 1e300 */
    assert_null(x);
    assert_int_equal(pt_h5file_read_i32(f, "wide", 3, &i, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "outside the range of 4 bytes"));
    assert_int_equal(pt_h5file_read_u32(f, "small", 3, &u, &n), PT_ERR_DATA); /* -2 */
    assert_int_equal(pt_h5file_read_i32(f, "half", 3, &i, &n), PT_ERR_DATA);
    assert_int_equal(pt_h5file_read_f32(f, "half", 2, &x, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "'half' has 3 elements, the limit is 2"));
    pt_h5file_destroy(&f);
}

static void test_attributes_are_checked(void **state)
{
    pt_h5file *f = open_foreign();
    float mean[3];
    int64_t k;
    double d;
    char *text;

    assert_true(pt_h5file_has_attr(f, "/", "answer"));
    assert_false(pt_h5file_has_attr(f, "/", "question"));
    assert_false(pt_h5file_has_attr(f, "no/such", "answer"));
    assert_int_equal(pt_h5file_attr_int(f, "/", "answer", &k), PT_OK);
    assert_int_equal(k, -42);
    assert_int_equal(pt_h5file_attr_float(f, "/", "answer", &d), PT_OK);
    assert_int_equal(pt_h5file_attr_floats(f, "/", "mean", mean, 3), PT_OK);
    assert_true(mean[2] == 3.5f);
    assert_int_equal(pt_h5file_attr_floats(f, "/", "mean", mean, 2), PT_ERR_SHAPE);
    assert_int_equal(pt_h5file_attr_int(f, "/", "mean", &k), PT_ERR_DATA);
    assert_int_equal(pt_h5file_attr_int(f, "/", "backend", &k), PT_ERR_DATA);
    assert_int_equal(pt_h5file_attr_string(f, "/", "answer", &text), PT_ERR_DATA);
    assert_int_equal(pt_h5file_attr_int(f, "/", "question", &k), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "'/' has no attribute 'question'"));
    pt_h5file_destroy(&f);
}

static void test_objects_are_found_and_listed(void **state)
{
    pt_h5file *f = open_foreign();
    char **names = NULL;
    size_t n;

    assert_int_equal(pt_h5file_kind(f, "/"), PT_H5_GROUP);
    assert_int_equal(pt_h5file_kind(f, "conv1"), PT_H5_GROUP);
    assert_int_equal(pt_h5file_kind(f, "conv1/conv1/kernel:0"), PT_H5_DATASET);
    assert_int_equal(pt_h5file_kind(f, "conv9/conv1/kernel:0"), PT_H5_NONE);
    assert_int_equal(pt_h5file_kind(f, "dangling"), PT_H5_NONE);
    assert_int_equal(pt_h5file_list(f, "/", &names, &n), PT_OK);
    assert_int_equal(n, 17);
    assert_string_equal(names[0], "big");
    assert_string_equal(names[16], "words");
    assert_null(names[17]);
    free(names);
    assert_int_equal(pt_h5file_list(f, "half", &names, &n), PT_ERR_DATA);
    assert_null(names);
    pt_h5file_destroy(&f);
}

static void test_sizes_beyond_the_file_and_other_files_are_refused(void **state)
{
    pt_h5file *f = open_foreign();
    uint64_t at, bytes;
    uint8_t *u = NULL;
    float *x = NULL;
    size_t n;

    assert_int_equal(pt_h5file_read_f32(f, "huge", SIZE_MAX, &x, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "1099511627776 elements"));
    assert_int_equal(pt_h5file_read_f32(f, "virtual", 4, &x, &n), PT_ERR_DATA);
    assert_int_equal(pt_h5file_read_u8(f, "external", 4, &u, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "is stored in other files"));
    assert_int_equal(pt_h5file_read_f32(f, "outside", 4, &x, &n), PT_ERR_DATA);
    assert_int_equal(pt_h5file_kind(f, "outside"), PT_H5_NONE);
    assert_int_equal(pt_h5file_bytes_at(f, "bytes", &at, &bytes), PT_OK);
    assert_int_equal(bytes, 5);
    assert_int_equal(pt_h5file_bytes_at(f, "packed", &at, &bytes), PT_ERR_DATA);
    assert_int_equal(pt_h5file_bytes_at(f, "half", &at, &bytes), PT_ERR_DATA);
    pt_h5file_destroy(&f);
}

static void test_a_link_into_another_file_is_not_followed(void **state)
{
    static char bytes[1 << 17];
    const uint64_t dims[1] = {4};
    const float four[4] = {1, 2, 3, 4};
    pt_h5file *f = NULL;
    FILE *file = fopen(foreign, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, file);
    float *x = NULL;

    fclose(file);
    file = fopen(in_dir("f.h5"), "wb");
    fwrite(bytes, 1, n, file);
    fclose(file);
    assert_int_equal(pt_h5file_create(in_dir("other.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_write_f32(f, "x", 1, dims, four), PT_OK);
    assert_int_equal(pt_h5file_commit(&f), PT_OK);
    assert_int_equal(pt_h5file_open(in_dir("f.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_kind(f, "outside"), PT_H5_NONE);
    assert_int_equal(pt_h5file_read_f32(f, "outside", 4, &x, &n), PT_ERR_DATA);
    assert_null(x);
    pt_h5file_destroy(&f);
    unlink(in_dir("f.h5"));
    unlink(in_dir("other.h5"));
}

static void test_files_that_are_not_hdf5_are_named_with_the_reason(void **state)
{
    pt_h5file *f = NULL;
    FILE *out = fopen(in_dir("text.h5"), "w");

    fputs("not HDF5", out);
    fclose(out);
    assert_int_equal(pt_h5file_open(in_dir("text.h5"), &f), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "file signature not found"));
    assert_null(f);
    unlink(in_dir("text.h5"));
    assert_int_equal(pt_h5file_open(in_dir("text.h5"), &f), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "No such file or directory"));
    assert_int_equal(pt_h5file_open(dir, &f), PT_ERR_DATA);
}

static void test_a_damaged_superblock_is_not_taken_for_a_lock(void **state)
{
    pt_h5file *f = NULL;
    FILE *out = fopen(in_dir("super.h5"), "w");

    fwrite("\x89HDF\r\n\x1a\n\xff", 1, 9, out); /* no such version */
    fclose(out);
    assert_int_equal(pt_h5file_open(in_dir("super.h5"), &f), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "superblock"));
    unlink(in_dir("super.h5"));
}

static void test_truncation_anywhere_is_an_error_not_a_crash(void **state)
{
    static char bytes[1 << 17];
    FILE *in = fopen(foreign, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, in);

    fclose(in);
    assert_true(n > 0 && n < sizeof bytes);
    for (size_t cut = 0; cut < n; cut += 997) {
        pt_h5file *f = NULL;
        FILE *out = fopen(in_dir("cut.h5"), "wb");
        fwrite(bytes, 1, cut, out);
        fclose(out);
        assert_int_not_equal(pt_h5file_open(in_dir("cut.h5"), &f), PT_OK);
        assert_null(f);
    }
    unlink(in_dir("cut.h5"));
}

/* element: bytes of one of `words`: a length, an address and an index. */
static void check_long_string(const char *path, size_t element)
{
    static char bytes[1 << 17];
    const char length[] = "\x08\0\0\0", *at = NULL;
    pt_h5file *f = NULL;
    char **w = NULL;
    FILE *file = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, file);

    fclose(file);
    /* Their lengths are 3, 0 and 8. */
    for (size_t i = 2 * element; i + 4 < n && !at; i++)
        if (memcmp(bytes + i, length, 4) == 0 &&
            memcmp(bytes + i - element, "\0\0\0", 4) == 0 &&
            memcmp(bytes + i - 2 * element, "\3\0\0", 4) == 0)
            at = bytes + i;
    assert_non_null(at);
    bytes[at - bytes + 3] = (char)0xff;
    file = fopen(in_dir("long.h5"), "wb");
    fwrite(bytes, 1, n, file);
    fclose(file);
    assert_int_equal(pt_h5file_open(in_dir("long.h5"), &f), PT_OK);
    assert_int_equal(pt_h5file_read_strings(f, "words", 3, &w, NULL), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "string 2 of 'words' has 4278190088 bytes"));
    pt_h5file_destroy(&f);
    unlink(in_dir("long.h5"));
}

static void test_a_string_longer_than_the_file_is_refused_at_once(void **state)
{
    check_long_string(foreign, 16);
}

static void test_addresses_of_another_size_hide_no_string(void **state)
{
    const char *path = PT_TEST_DATA "/h5file/short.h5";
    pt_h5file *f = NULL;
    char **w = NULL;

    assert_int_equal(pt_h5file_open(path, &f), PT_OK);
    assert_int_equal(pt_h5file_read_strings(f, "words", 3, &w, NULL), PT_OK);
    assert_string_equal(w[2], "drei \xe2\x82\xac");
    free(w);
    pt_h5file_destroy(&f);
    check_long_string(path, 12);
}

static void test_a_file_system_without_locks_is_no_obstacle(void **state)
{
    pt_h5file *f = NULL;

    lock_errno = ENOLCK;
    assert_int_equal(pt_h5file_open(foreign, &f), PT_OK);
    pt_h5file_destroy(&f);
    lock_errno = EWOULDBLOCK; /* somebody holds it */
    assert_int_equal(pt_h5file_open(foreign, &f), PT_ERR_IO);
    lock_errno = 0;
    assert_non_null(strstr(pt_fail_text(), "another program is writing it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_reads_back),
        cmocka_unit_test(test_the_same_content_is_the_same_file_on_another_day),
        cmocka_unit_test(test_a_file_that_is_not_committed_leaves_nothing),
        cmocka_unit_test(test_reserved_bytes_are_where_it_says),
        cmocka_unit_test(test_strings_of_every_kind_that_h5py_writes_are_read),
        cmocka_unit_test(test_numbers_of_other_widths_are_converted_or_refused),
        cmocka_unit_test(test_attributes_are_checked),
        cmocka_unit_test(test_objects_are_found_and_listed),
        cmocka_unit_test(test_sizes_beyond_the_file_and_other_files_are_refused),
        cmocka_unit_test(test_a_link_into_another_file_is_not_followed),
        cmocka_unit_test(test_files_that_are_not_hdf5_are_named_with_the_reason),
        cmocka_unit_test(test_a_damaged_superblock_is_not_taken_for_a_lock),
        cmocka_unit_test(test_truncation_anywhere_is_an_error_not_a_crash),
        cmocka_unit_test(test_a_string_longer_than_the_file_is_refused_at_once),
        cmocka_unit_test(test_addresses_of_another_size_hide_no_string),
        cmocka_unit_test(test_a_file_system_without_locks_is_no_obstacle),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
