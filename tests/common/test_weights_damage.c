/* Every fixture cut at every length and with every byte changed: it loads or is refused
 * with a reason, in little memory. Most useful under -DPT_SANITIZE=address,undefined.
 *
 * In HDF5 files only the bytes of values are changed: libhdf5 1.10.8 itself crashes on
 * some changes of others (H5HG_read, H5O__attr_exists; 40 of the first 6200 bytes of
 * model.h5), which nobody can catch inside this process. */
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"

#include <sys/resource.h>
#include <unistd.h>

enum { MEMORY_MAX = 64 << 20 }; /* in one piece; the largest fixture has 22 kB */

/* Read by AddressSanitizer when it starts: more than this in one piece is refused. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

static char dir[] = "/tmp/ptrain-damage-XXXXXX";
static char path[64];
static size_t n_loaded, n_refused;

static int make_dir(void **state)
{
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/model.json", dir); /* shards are not found there */
#ifndef PT_SANITIZED
    const struct rlimit all = {512 << 20, 512 << 20}; /* address space */

    return setrlimit(RLIMIT_AS, &all);
#else
    return 0;
#endif
}

static int remove_dir(void **state)
{
    return remove(path) == 0 && remove(dir) == 0 ? 0 : -1;
}

static void read_everything(const pt_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const pt_table_entry *e = &t->entries[i];
        pt_status failed = PT_OK;
        float *values;

        pt_table_check(t, e, &failed);
        if (failed != PT_OK || e->count > MEMORY_MAX / 4) continue;
        values = malloc(e->count * sizeof *values + 1);
        assert_non_null(values);
        if (pt_table_read(t, e, values) != PT_OK) failed = PT_ERR_DATA;
        free(values);
    }
}

/* Opens the file as it is now. Only "the data are not valid" may be wrong with it. */
static void look(reader open, const char *what, size_t where)
{
    pt_weights_info info;
    pt_table *t = NULL;
    pt_status s = open(path, &t);

    if (s == PT_OK) {
        n_loaded++;
        read_everything(t);
    } else {
        n_refused++;
        if (s != PT_ERR_DATA) fail_msg("%s %zu: %s", what, where, pt_fail_text());
        assert_null(t);
    }
    pt_table_destroy(&t);
    if (where % 8) return;
    s = pt_weights_inspect(path, NULL, &info);
    if (s != PT_OK && s != PT_ERR_DATA)
        fail_msg("%s %zu: %s", what, where, pt_fail_text());
}

/* Marks the bytes in which the values of the table's tensors lie. */
static void mark_values(const pt_table *t, const uint8_t *bytes, size_t n, bool *change)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t size = t->entries[i].count * sizeof(float);
        float *values = malloc(size + 1);
        const uint8_t *at;

        assert_non_null(values);
        assert_int_equal(pt_table_read(t, &t->entries[i], values), PT_OK);
        at = memmem(bytes, n, values, size);
        assert_non_null(at);
        memset(change + (at - bytes), true, size);
        free(values);
    }
}

static void change_bytes(reader open, FILE *f, const uint8_t *bytes, size_t n,
                         const bool *change)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t changed[2] = {bytes[i] ^ 0xff, bytes[i] ^ (uint8_t)(1 << i % 8)};

        if (!change[i]) continue;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(pwrite(fileno(f), &changed[k], 1, (off_t)i), 1);
            look(open, "changed byte", i);
        }
        assert_int_equal(pwrite(fileno(f), &bytes[i], 1, (off_t)i), 1);
    }
}

typedef enum { NO_BYTE, VALUES, ALL_BYTES } bytes_changed;

static void damage(reader open, const char *name, bytes_changed which)
{
    pt_table *t = open_fixture(open, name);
    uint8_t *bytes;
    bool *change;
    size_t n;
    FILE *f;

    bytes = read_file(t->path, &n);
    change = malloc(n);
    assert_non_null(change);
    memset(change, which == ALL_BYTES, n);
    if (which == VALUES) mark_values(t, bytes, n, change);
    pt_table_destroy(&t);
    write_file(path, bytes, n);
    n_loaded = n_refused = 0;
    f = fopen(path, "r+b");
    assert_non_null(f);
    setbuf(f, NULL);
    change_bytes(open, f, bytes, n, change);
    look(open, "whole file of", n);
    for (size_t i = n; i-- > 0;) {
        assert_int_equal(ftruncate(fileno(f), (off_t)i), 0);
        look(open, "cut at", i);
    }
    fclose(f);
    free(bytes);
    free(change);
    print_message("%s: %zu files loaded, %zu refused\n", name, n_loaded, n_refused);
    assert_true(n_loaded > 0 && n_refused > n / 2);
}

static void test_damaged_torch_files_load_or_are_refused(void **state)
{
    damage(pt_torch_open, "plain.th", ALL_BYTES);
    damage(pt_torch_open, "wrapped.th", ALL_BYTES);
    damage(pt_torch_open, "python2.th", ALL_BYTES);
    damage(pt_torch_zip_open, "only_one.pth", ALL_BYTES);
}

static void test_damaged_safetensors_load_or_are_refused(void **state)
{
    damage(pt_safetensors_open, "plain.safetensors", ALL_BYTES);
}

static void test_damaged_onnx_files_load_or_are_refused(void **state)
{
    damage(pt_onnx_open, "tiny.onnx", ALL_BYTES);
}

static void test_damaged_caffe_models_load_or_are_refused(void **state)
{
    damage(pt_caffe_open, "new.caffemodel", ALL_BYTES);
    damage(pt_caffe_open, "v1.caffemodel", ALL_BYTES);
}

static void test_damaged_tfjs_manifests_load_or_are_refused(void **state)
{
    damage(pt_tfjs_open, "tfjs/model.json", ALL_BYTES);
}

static void test_damaged_keras_files_load_or_are_refused(void **state)
{
    damage(pt_keras_open, "keras_fixed.h5", VALUES);
    damage(pt_keras_open, "keras_variable.h5", NO_BYTE);
}

static void test_damaged_model_files_load_or_are_refused(void **state)
{
    damage(pt_model_open, "model.h5", VALUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_torch_files_load_or_are_refused),
        cmocka_unit_test(test_damaged_safetensors_load_or_are_refused),
        cmocka_unit_test(test_damaged_onnx_files_load_or_are_refused),
        cmocka_unit_test(test_damaged_caffe_models_load_or_are_refused),
        cmocka_unit_test(test_damaged_tfjs_manifests_load_or_are_refused),
        cmocka_unit_test(test_damaged_keras_files_load_or_are_refused),
        cmocka_unit_test(test_damaged_model_files_load_or_are_refused),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
