/* Each reader against small files that the programs of its format wrote
 * (tests/oracle/weights_fixtures.py). */
#include "common/weights/model.h"
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"

#include <math.h>
#include <unistd.h>

#include "common/weights/half.h"

static void test_every_half_widens_exactly(void **state)
{
    for (uint32_t h = 0; h < 0x10000; h++) {
        int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
        float f = pt_half_to_float((uint16_t)h);
        double wanted =
            exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        uint8_t bytes[2] = {(uint8_t)h, (uint8_t)(h >> 8)};
        float widened;

        if (exponent == 31)
            assert_true(fraction ? isnan(f) : isinf(f));
        else
            assert_true((double)f == (h & 0x8000 ? -wanted : wanted));
        assert_int_equal(!!signbit(f), h >> 15);
        pt_half_widen(bytes, 1, &widened);
        assert_memory_equal(&widened, &f, sizeof f);
    }
}

/* The same tensors in both containers of PyTorch's. */
static void check_torch(reader open, const char *name)
{
    pt_table *t = open_fixture(open, name);
    const pt_table_entry *e;
    float values[24];

    assert_int_equal(t->n, 9);
    assert_ramp(t, "conv.weight", "4x3x3x3", 0);
    assert_ramp(t, "bn.weight", "4", 1); /* a Parameter */
    assert_ramp(t, "bn.half", "2x5", 2);
    assert_ramp(t, "bn.bfloat", "7", 3);
    assert_ramp(t, "bn.double", "3x2", 4);
    assert_ramp(t, "scalar", "scalar", 7);
    e = find(t, "transposed", "6x4"); /* strides 1, 6 */
    assert_int_equal(pt_table_read(t, e, values), PT_OK);
    for (size_t i = 0; i < 24; i++)
        assert_true(values[i] == ramp(5, 24, i % 4 * 6 + i / 4));
    e = find(t, "inside", "3x2"); /* offset 13, strides 12, 6 */
    assert_int_equal(pt_table_read(t, e, values), PT_OK);
    for (size_t i = 0; i < 6; i++)
        assert_true(values[i] == ramp(6, 60, 13 + i / 2 * 12 + i % 2 * 6));
    pt_table_destroy(&t);
    assert_null(t);
}

static void test_torch_tensors_of_every_type_and_stride_are_read(void **state)
{
    check_torch(pt_torch_open, "plain.th");
    check_torch(pt_torch_zip_open, "plain.pth");
}

static void test_torch_checkpoints_give_their_tensors_and_nothing_else(void **state)
{
    pt_table *t = open_fixture(pt_torch_zip_open, "checkpoint.pth");

    assert_int_equal(t->n, 2);
    assert_ramp(t, "conv.weight", "2x3", 0);
    assert_ramp(t, "fc.bias", "2", 1);
    pt_table_destroy(&t);
    t = open_fixture(pt_torch_zip_open, "only_one.pth");
    assert_ramp(t, "fc.bias", "2", 1);
    pt_table_destroy(&t);
}

static void test_zip_files_without_tensors_say_what_they_are(void **state)
{
    assert_refused(pt_torch_zip_open, FIXTURES "module.pth",
                   "holds an object of __main__.Net, which only its own program");
    assert_refused(pt_torch_zip_open, FIXTURES "module.pth", "model.state_dict()");
    assert_refused(pt_torch_zip_open, FIXTURES "script.pt", "is a TorchScript program");
    assert_refused(pt_torch_zip_open, FIXTURES "arrays.npz", "is a NumPy archive");
    assert_refused(pt_torch_zip_open, FIXTURES "two.pth",
                   "its dictionary holds no tensors");
}

static void test_safetensors_of_every_type_are_read(void **state)
{
    pt_table *t = open_fixture(pt_safetensors_open, "plain.safetensors");
    pt_status failed = PT_OK;

    assert_int_equal(t->n, 8);
    assert_ramp(t, "conv.weight", "4x3x3x3", 0);
    assert_ramp(t, "half", "2x5", 1);
    assert_ramp(t, "bfloat", "7", 2);
    assert_ramp(t, "double", "3x2", 3);
    assert_ramp(t, "scalar", "scalar", 4);
    assert_ramp(t, "empty", "0x3", 0);
    assert_true(find(t, "bn.num_batches_tracked", "scalar")->integers);
    pt_table_check(t, find(t, "tiny", "2"), &failed);
    assert_int_equal(failed, PT_ERR_DATA);
    assert_says("tiny: values of type F8_E4M3 are not supported");
    pt_table_destroy(&t);
}

/* A file of this header and n bytes of data. */
static void refuse_safetensors(const char *header, size_t n, const char *words)
{
    char path[] = "/tmp/ptrain-safetensors-XXXXXX";
    uint8_t bytes[600] = {0};
    size_t length = strlen(header);
    int fd = mkstemp(path);

    assert_true(fd >= 0 && close(fd) == 0 && 8 + length + n <= sizeof bytes);
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    write_file(path, bytes, 8 + length + n);
    assert_refused(pt_safetensors_open, path, words);
    assert_int_equal(remove(path), 0);
}

static void test_broken_safetensors_are_refused(void **state)
{
#define TENSOR(name, shape, from, to)                                                    \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to \
    "]}"
    refuse_safetensors("{" TENSOR("a", "[2]", "0", "8") "}", 7, "data_offsets inside");
    refuse_safetensors("{" TENSOR("a", "[2]", "0", "8") "}", 9, "up to the end");
    refuse_safetensors("{" TENSOR("a", "[2]", "4", "12") "}", 12, "up to the end");
    refuse_safetensors(
        "{" TENSOR("a", "[2]", "0", "8") "," TENSOR("b", "[2]", "4", "12") "}", 12,
        "up to the end");
    refuse_safetensors("{" TENSOR("a", "[3]", "0", "8") "}", 8,
                       "a has 8 bytes, but its shape needs 12");
    refuse_safetensors("{" TENSOR("a", "[-2]", "0", "8") "}", 8, "a has dimension -2");
    refuse_safetensors("{" TENSOR("a", "[2]", "8", "0") "}", 8, "data_offsets inside");
    refuse_safetensors(
        "{" TENSOR("a", "[2]", "0", "8") "," TENSOR("a", "[2]", "0", "8") "}", 8,
        "its header is not JSON");
    refuse_safetensors("{\"a\":1}", 0, "lacks a dtype");
    refuse_safetensors("{\"__metadata__\":{}}", 0, "holds no tensors");
    refuse_safetensors("{", 0, "its header is not JSON");
#undef TENSOR
}

static void test_torch_integers_are_listed_and_not_read(void **state)
{
    pt_table *t = open_fixture(pt_torch_open, "plain.th");
    const pt_table_entry *e = find(t, "bn.num_batches_tracked", "scalar");
    pt_status failed = PT_OK;
    float value;

    pt_table_check(t, e, &failed);
    assert_int_equal(failed, PT_ERR_DATA);
    assert_int_equal(pt_table_read(t, e, &value), PT_ERR_DATA);
    assert_says("bn.num_batches_tracked: values of torch.LongStorage are not supported");
    pt_table_destroy(&t);
}

static void test_torch_wrapping_and_the_prefix_module_are_taken_off(void **state)
{
    pt_table *t = open_fixture(pt_torch_open, "wrapped.th");

    assert_int_equal(t->n, 2);
    assert_ramp(t, "conv.weight", "2x3", 0);
    assert_ramp(t, "fc.bias", "2", 1);
    pt_table_destroy(&t);
    t = open_fixture(pt_torch_open, "model.th");
    assert_int_equal(t->n, 1);
    assert_ramp(t, "conv.weight", "2x3", 0);
    pt_table_destroy(&t);
}

static void test_torch_dictionaries_of_python_2_are_read(void **state)
{
    pt_table *t = open_fixture(pt_torch_open, "python2.th");

    assert_int_equal(t->n, 1);
    assert_ramp(t, "conv.weight", "2x3", 0);
    pt_table_destroy(&t);
}

static void test_torch_files_without_tensors_say_what_they_hold(void **state)
{
    assert_refused(pt_torch_open, FIXTURES "list.th", "holds a list");
    assert_refused(pt_torch_open, FIXTURES "nothing.th", "holds no tensors");
}

static void test_onnx_initialisers_of_every_encoding_are_read(void **state)
{
    pt_table *t = open_fixture(pt_onnx_open, "tiny.onnx");
    const pt_table_entry *e;
    pt_status failed = PT_OK;
    float value;

    assert_int_equal(t->n, 6);
    assert_ramp(t, "raw", "4x3x3x3", 0);
    assert_ramp(t, "listed", "5", 1);
    assert_ramp(t, "half_raw", "2x3", 2);
    assert_ramp(t, "half_listed", "2x3", 2);
    assert_ramp(t, "scalar", "scalar", 3);
    e = find(t, "shape", "2");
    pt_table_check(t, e, &failed);
    assert_int_equal(failed, PT_ERR_DATA);
    assert_int_equal(pt_table_read(t, e, &value), PT_ERR_DATA);
    assert_says("shape: data type 7 is not supported");
    pt_table_destroy(&t);
}

static void check_keras(const char *name)
{
    pt_table *t = open_fixture(pt_keras_open, name);

    assert_int_equal(t->n, 12);
    assert_ramp(t, "conv1/kernel", "3x3x2x4", 0); /* the data set uniform1 */
    assert_ramp(t, "conv1/bias", "4", 1);
    assert_ramp(t, "conv1_bn/gamma", "4", 2);
    assert_ramp(t, "conv1_bn/beta", "4", 3);
    assert_ramp(t, "conv1_bn/moving_mean", "4", 4);
    assert_ramp(t, "conv1_bn/moving_variance", "4", 5);
    assert_ramp(t, "fire2/dw/depthwise_kernel", "3x3x4x1", 6);
    assert_ramp(t, "fc/kernel", "6x5", 7);
    assert_ramp(t, "fc/bias", "5", 8);
    assert_ramp(t, "odd/odd_c", "2", 11); /* a layer of no known kind keeps its names */
    pt_table_destroy(&t);
}

static void test_keras_layers_are_found_by_names_of_fixed_length(void **state)
{
    check_keras("keras_fixed.h5");
}

static void test_keras_layers_are_found_by_variable_names_in_float16(void **state)
{
    check_keras("keras_variable.h5"); /* below /model_weights */
}

static void test_tfjs_tensors_are_read_across_shards(void **state)
{
    pt_table *t = open_fixture(pt_tfjs_open, "tfjs/model.json");

    assert_int_equal(t->n, 7);
    assert_ramp(t, "conv1/kernel", "3x3x2x4", 0);
    assert_ramp(t, "conv1/bias", "4", 1);
    assert_ramp(t, "dw/depthwise_kernel", "3x3x4x1", 2);
    pt_table_destroy(&t);
}

static void check_trouble(const pt_table *t, const char *name, const char *words)
{
    pt_status failed = PT_OK;

    pt_table_check(t, pt_table_find(t, name), &failed);
    assert_int_not_equal(failed, PT_OK);
    assert_says(name);
    assert_says(words);
}

static void test_tfjs_tensors_that_cannot_be_had_say_why(void **state)
{
    pt_table *t = open_fixture(pt_tfjs_open, "tfjs/model.json");

    check_trouble(t, "gone/kernel", "tfjs/group2-shard1of1: cannot be opened");
    check_trouble(t, "counts", "data type int32 is not supported");
    check_trouble(t, "behind", "follows a tensor");
    check_trouble(t, "long/bias", "has 17 bytes");
    pt_table_destroy(&t);
}

static void test_tfjs_shards_outside_of_the_model_are_refused(void **state)
{
    static const char *const paths[] = {"/etc/passwd", "../secret", "a/../../b", ".."};
    char dir[] = "/tmp/ptrain-tfjs-XXXXXX", file[64], json[256];

    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/model.json", dir);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int n = snprintf(json, sizeof json,
                         "{\"weightsManifest\":[{\"paths\":[\"%s\"],\"weights\":[]}]}",
                         paths[i]);

        write_file(file, json, (size_t)n);
        assert_refused(pt_tfjs_open, file, "is not a path below the model");
    }
    assert_int_equal(remove(file), 0);
    assert_int_equal(remove(dir), 0);
}

static void test_model_file_of_h5py_is_read_with_its_record(void **state)
{
    pt_table *t = open_fixture(pt_model_open, "model.h5");
    pt_weights_info info;

    assert_int_equal(t->n, 4);
    assert_ramp(t, "conv1.weight", "4x3x3x3", 0);
    assert_ramp(t, "fc.weight", "3x4", 1);
    assert_ramp(t, "fc.bias", "3", 2);
    assert_ramp(t, "bn1.running_mean", "4", 3);
    pt_table_destroy(&t);
    assert_int_equal(pt_weights_inspect(FIXTURES "model.h5", NULL, &info), PT_OK);
    assert_int_equal(info.format, PT_FORMAT_MODEL);
    assert_string_equal(info.network, "resnet_small");
    assert_int_equal(info.n_classes, 3);
    assert_int_equal(info.options.n_classes, 3);
    assert_int_equal(info.options.side, 40);
    assert_false(info.options.original_head);
    assert_int_equal(info.options.stride_at, PT_STRIDE_CONV1);
    assert_int_equal(info.options.rep_at, PT_REP_BEFORE_RELU);
    assert_true(info.options.dropout == 0.25f && info.options.bn_eps == 0.5f);
    assert_true(info.has_preprocess && info.preprocess.bgr);
    assert_true(info.preprocess.scale == 0.5f);
    assert_true(info.preprocess.mean[2] == 3 && info.preprocess.std[0] == 4);
}

static void test_class_names_of_a_model_file_are_read_where_it_has_them(void **state)
{
    char **names = NULL;
    size_t n = 0;

    assert_int_equal(pt_model_class_names(FIXTURES "model.h5", &names, &n), PT_OK);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "rose");
    assert_string_equal(names[2], "tulip");
    assert_null(names[3]);
    free(names);
    assert_int_equal(pt_model_class_names(FIXTURES "keras_fixed.h5", &names, &n), PT_OK);
    assert_int_equal(n, 0);
    assert_null(names);
}

static void test_one_changed_value_of_a_model_file_is_seen(void **state)
{
    static const char path[] = "/tmp/ptrain-model-damaged.h5";
    const float value = ramp(0, 108, 3); /* of conv1.weight alone */
    size_t n, hits = 0;
    uint8_t *bytes = read_file(FIXTURES "model.h5", &n);

    for (size_t i = 0; i + 4 <= n; i += 4) {
        if (memcmp(bytes + i, &value, sizeof value) != 0) continue;
        bytes[i] ^= 1;
        hits++;
    }
    assert_int_equal(hits, 1);
    write_file(path, bytes, n);
    assert_refused(pt_model_open, path, "it is damaged");
    assert_int_equal(remove(path), 0);
    free(bytes);
}

static void test_caffe_layers_of_both_versions_are_read(void **state)
{
    pt_table *t = open_fixture(pt_caffe_open, "new.caffemodel");

    assert_int_equal(t->n, 8);
    assert_ramp(t, "conv1/weight", "4x3x3x3", 0);
    assert_ramp(t, "conv1/bias", "4", 1);
    assert_ramp(t, "scale1/weight", "4", 4);
    assert_ramp(t, "scale1/bias", "4", 5);
    assert_ramp(t, "fc/weight", "2x5", 6);
    assert_ramp(t, "fc/bias", "2", 7); /* doubles */
    pt_table_destroy(&t);
    t = open_fixture(pt_caffe_open, "v1.caffemodel");
    assert_int_equal(t->n, 4);
    assert_ramp(t, "conv1/weight", "4x3x3x3", 0);
    assert_ramp(t, "conv1/bias", "4", 1);
    assert_ramp(t, "fc/weight", "2x5", 2);
    assert_ramp(t, "fc/bias", "2", 3);
    pt_table_destroy(&t);
}

/* The file's factor is 2. */
static void test_caffes_statistics_are_divided_by_their_factor(void **state)
{
    pt_table *t = open_fixture(pt_caffe_open, "new.caffemodel");
    float mean[4], variance[2];

    assert_int_equal(pt_table_read(t, find(t, "bn1/mean", "4"), mean), PT_OK);
    assert_int_equal(pt_table_read_part(t, find(t, "bn1/variance", "4"), 1, 2, variance),
                     PT_OK);
    for (size_t i = 0; i < 4; i++) assert_true(mean[i] == ramp(2, 4, i) / 2);
    for (size_t i = 0; i < 2; i++) assert_true(variance[i] == ramp(3, 4, i + 1) / 2);
    assert_null(pt_table_find(t, "bn1/blob2"));
    pt_table_destroy(&t);
}

static void test_a_caffe_model_cut_short_is_refused_with_the_byte(void **state)
{
    static const char path[] = "/tmp/ptrain-short.caffemodel";
    size_t n;
    uint8_t *bytes = read_file(FIXTURES "new.caffemodel", &n);

    write_file(path, bytes, 600);
    assert_refused(pt_caffe_open, path, "is not a valid protobuf message at byte ");
    assert_int_equal(remove(path), 0);
    free(bytes);
}

static void test_formats_are_told_apart_by_content(void **state)
{
    static const struct {
        const char *name;
        pt_format format;
    } files[] = {{"plain.th", PT_FORMAT_TORCH},
                 {"plain.pth", PT_FORMAT_TORCH_ZIP},
                 {"plain.safetensors", PT_FORMAT_SAFETENSORS},
                 {"tiny.onnx", PT_FORMAT_ONNX},
                 {"new.caffemodel", PT_FORMAT_CAFFE},
                 {"v1.caffemodel", PT_FORMAT_CAFFE},
                 {"keras_fixed.h5", PT_FORMAT_KERAS},
                 {"keras_variable.h5", PT_FORMAT_KERAS},
                 {"model.h5", PT_FORMAT_MODEL},
                 {"tfjs/model.json", PT_FORMAT_TFJS},
                 {"tfjs", PT_FORMAT_TFJS}};
    char path[512];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        pt_weights_info info;

        snprintf(path, sizeof path, FIXTURES "%s", files[i].name);
        assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_OK);
        assert_int_equal(info.format, files[i].format);
    }
}

static void test_files_of_no_known_format_are_refused_by_what_they_are(void **state)
{
    static const char path[] = "/tmp/ptrain-unknown-weights";
    static const struct {
        char begins[40];
        const char *words;
    } files[] = {{"PK\3\4....", "its zip directory cannot be read"},
                 {"\377\330\377\340", "starts with ff d8 ff e0"},
                 {"version https://git-lfs.github.com/spec", "is a Git LFS pointer"},
                 {"<!DOCTYPE html><html>", "is a web page"},
                 {"\x1f\x8b\x08", "is compressed with gzip"},
                 {"\x93NUMPY", "is one NumPy array"},
                 {"\x80\x04\x95", "is a pickle of some Python program"}};
    pt_weights_info info;

    assert_int_equal(pt_weights_inspect("/nowhere/weights", NULL, &info), PT_ERR_IO);
    assert_int_equal(pt_weights_inspect("/tmp", NULL, &info), PT_ERR_IO);
    assert_says("directory without model.json");
    assert_int_equal(pt_weights_inspect(FIXTURES, "tiny.onnx", &info), PT_OK);
    write_file(path, "", 0);
    assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_ERR_DATA);
    assert_says("is empty");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file(path, files[i].begins, 40);
        assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_ERR_DATA);
        assert_says(files[i].words);
    }
    assert_int_equal(remove(path), 0);
}

static void test_a_trial_reads_what_can_be_read_and_refuses_as_loading_does(void **state)
{
    assert_int_equal(pt_weights_try(FIXTURES "model.h5", NULL), PT_OK);
    assert_int_equal(pt_weights_try(FIXTURES "keras_fixed.h5", NULL), PT_OK);
    assert_int_equal(pt_weights_try(FIXTURES, "keras_variable.h5"), PT_OK);
    assert_int_equal(pt_weights_try(FIXTURES "laughs.th", NULL), PT_OK); /* not HDF5 */
    assert_int_equal(pt_weights_try(PT_TEST_DATA "/h5file/short.h5", NULL), PT_ERR_DATA);
    assert_int_equal(pt_weights_try(FIXTURES "nowhere.h5", NULL), PT_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_widens_exactly),
        cmocka_unit_test(test_torch_tensors_of_every_type_and_stride_are_read),
        cmocka_unit_test(test_torch_checkpoints_give_their_tensors_and_nothing_else),
        cmocka_unit_test(test_zip_files_without_tensors_say_what_they_are),
        cmocka_unit_test(test_safetensors_of_every_type_are_read),
        cmocka_unit_test(test_broken_safetensors_are_refused),
        cmocka_unit_test(test_torch_integers_are_listed_and_not_read),
        cmocka_unit_test(test_torch_wrapping_and_the_prefix_module_are_taken_off),
        cmocka_unit_test(test_torch_dictionaries_of_python_2_are_read),
        cmocka_unit_test(test_torch_files_without_tensors_say_what_they_hold),
        cmocka_unit_test(test_onnx_initialisers_of_every_encoding_are_read),
        cmocka_unit_test(test_keras_layers_are_found_by_names_of_fixed_length),
        cmocka_unit_test(test_keras_layers_are_found_by_variable_names_in_float16),
        cmocka_unit_test(test_tfjs_tensors_are_read_across_shards),
        cmocka_unit_test(test_tfjs_tensors_that_cannot_be_had_say_why),
        cmocka_unit_test(test_tfjs_shards_outside_of_the_model_are_refused),
        cmocka_unit_test(test_model_file_of_h5py_is_read_with_its_record),
        cmocka_unit_test(test_class_names_of_a_model_file_are_read_where_it_has_them),
        cmocka_unit_test(test_one_changed_value_of_a_model_file_is_seen),
        cmocka_unit_test(test_caffe_layers_of_both_versions_are_read),
        cmocka_unit_test(test_caffes_statistics_are_divided_by_their_factor),
        cmocka_unit_test(test_a_caffe_model_cut_short_is_refused_with_the_byte),
        cmocka_unit_test(test_formats_are_told_apart_by_content),
        cmocka_unit_test(test_files_of_no_known_format_are_refused_by_what_they_are),
        cmocka_unit_test(test_a_trial_reads_what_can_be_read_and_refuses_as_loading_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
