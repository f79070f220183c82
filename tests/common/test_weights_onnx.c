/* ONNX models whose values are not in initialisers of their own: in a file beside the
 * model, in Constant nodes, under another tensor's name. */
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"
#include "tests/support/temp_dir.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/onnx.pb-c.h"

/* ---- what other programs wrote ---------------------------------------------------- */

static const char *const roles[] = {"weight", "bias", "running_mean", "running_var"};

static void assert_norms(const char *fixture)
{
    pt_table *t = open_fixture(pt_onnx_open, fixture);
    char name[32];

    assert_int_equal(t->n, 8);
    for (int k = 0; k < 8; k++) {
        snprintf(name, sizeof name, "bn%d.%s", k / 4 + 1, roles[k % 4]);
        assert_ramp(t, name, "4", k);
    }
    pt_table_destroy(&t);
}

static void test_external_data_is_read_from_its_file(void **state)
{
    assert_norms("external.onnx");
}

static void test_constant_nodes_are_read_under_the_names_of_their_outputs(void **state)
{
    assert_norms("constants.onnx");
}

/* bn2 reads two of bn1's tensors, one by way of an Identity. */
static void test_tensors_that_were_merged_have_both_names(void **state)
{
    pt_table *t = open_fixture(pt_onnx_open, "merged.onnx");

    assert_int_equal(t->n, 8);
    assert_ramp(t, "bn1.weight", "4", 0);
    assert_ramp(t, "bn2.weight", "4", 0);
    assert_ramp(t, "bn2.bias", "4", 5);
    assert_ramp(t, "bn2.running_mean", "4", 2);
    assert_ramp(t, "bn2.running_var", "4", 0);
    assert_true(find(t, "bn2.weight", "4")->spare);
    assert_false(find(t, "bn1.weight", "4")->spare);
    pt_table_destroy(&t);
}

/* ---- what nobody should write ----------------------------------------------------- */

/* A model in dir of one tensor `w` [2][3] with external data; NULL: no such entry. */
static const char *write_external(const char *location, const char *offset,
                                  const char *length)
{
    const char *keys[] = {"location", "offset", "length"};
    const char *values[] = {location, offset, length};
    Pt__Onnx__StringEntry entries[3], *refs[3];
    Pt__Onnx__TensorProto w = PT__ONNX__TENSOR_PROTO__INIT, *tensors[] = {&w};
    Pt__Onnx__GraphProto graph = PT__ONNX__GRAPH_PROTO__INIT;
    Pt__Onnx__ModelProto model = PT__ONNX__MODEL_PROTO__INIT;
    int64_t dims[2] = {2, 3};
    uint8_t bytes[512];

    for (int i = 0; i < 3; i++) {
        if (!values[i]) continue;
        pt__onnx__string_entry__init(&entries[i]);
        entries[i].key = (char *)keys[i];
        entries[i].value = (char *)values[i];
        refs[w.n_external_data++] = &entries[i];
    }
    w.external_data = refs;
    w.has_data_location = true;
    w.data_location = 1;
    w.name = (char *)"w";
    w.dims = dims;
    w.n_dims = 2;
    w.has_data_type = true;
    w.data_type = 1;
    graph.initializer = tensors;
    graph.n_initializer = 1;
    model.has_ir_version = true;
    model.ir_version = 7;
    model.graph = &graph;
    assert_true(pt__onnx__model_proto__get_packed_size(&model) <= sizeof bytes);
    write_file(in_dir("m.onnx"), bytes, pt__onnx__model_proto__pack(&model, bytes));
    return in_dir("m.onnx");
}

/* values.bin in dir: 8 bytes of something else, then ramp 0 of six values. */
static void write_values(void)
{
    float values[8] = {9, 9};

    for (size_t i = 0; i < 6; i++) values[2 + i] = ramp(0, 6, i);
    write_file(in_dir("values.bin"), values, sizeof values);
}

static void remove_files(void)
{
    assert_int_equal(remove(in_dir("m.onnx")), 0);
    assert_int_equal(remove(in_dir("values.bin")), 0);
}

static void test_external_data_need_not_say_how_long_it_is(void **state)
{
    pt_table *t = NULL;

    write_values();
    if (pt_onnx_open(write_external("values.bin", "8", NULL), &t) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_ramp(t, "w", "2x3", 0);
    pt_table_destroy(&t);
    remove_files();
}

static void test_external_data_outside_the_models_folder_is_refused(void **state)
{
    static const char *const paths[] = {"../values.bin", "a/../../values.bin",
                                        "/etc/passwd", ""};

    write_values();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_refused(pt_onnx_open, write_external(paths[i], "0", "24"),
                       "is not a path below the model");
        assert_null(strchr(pt_fail_text(), '\n'));
    }
    assert_int_equal(symlink("/etc/passwd", in_dir("link")), 0);
    assert_refused(pt_onnx_open, write_external("link", "0", "24"),
                   "is a link to /etc/passwd, outside the model's folder: put a copy of "
                   "the file there");
    assert_int_equal(remove(in_dir("link")), 0);
    assert_refused(pt_onnx_open, write_external(NULL, "0", "24"),
                   "w has external data, but no location");
    remove_files();
}

static void test_external_data_that_ends_early_is_refused_with_both_sizes(void **state)
{
    write_values();
    assert_refused(pt_onnx_open, write_external("values.bin", "12", NULL),
                   "values.bin: has 32 bytes, w of ");
    assert_says("m.onnx ends at 36");
    assert_null(strchr(pt_fail_text(), '\n'));
    assert_refused(pt_onnx_open, write_external("values.bin", "999999999999999999", "24"),
                   "ends at");
    assert_refused(pt_onnx_open, write_external("values.bin", "-1", NULL),
                   "the offset '-1' of external data is no number");
    remove_files();
}

static void test_external_data_of_another_length_than_the_shape_is_trouble(void **state)
{
    pt_table *t = NULL;
    pt_status failed = PT_OK;

    write_values();
    assert_int_equal(pt_onnx_open(write_external("values.bin", "0", "20"), &t), PT_OK);
    pt_table_check(t, pt_table_find(t, "w"), &failed);
    assert_int_equal(failed, PT_ERR_DATA);
    assert_says("w: has 20 bytes, but its shape needs 24");
    pt_table_destroy(&t);
    remove_files();
}

static void test_a_missing_file_of_values_is_named(void **state)
{
    pt_table *t = NULL;

    assert_int_equal(pt_onnx_open(write_external("lost.bin", "0", "24"), &t), PT_ERR_IO);
    assert_says("lost.bin cannot be opened: No such file or directory: keep both in one "
                "folder");
    assert_null(strchr(pt_fail_text(), '\n'));
    assert_int_equal(remove(in_dir("m.onnx")), 0);
}

static void test_more_than_protobuf_allows_says_what_to_do(void **state)
{
    static const uint8_t begins[] = {0x08, 0x07};
    const char *path = in_dir("large.onnx");

    write_file(path, begins, sizeof begins);
    assert_int_equal(truncate(path, (off_t)INT_MAX + 1), 0); /* takes no space */
    assert_refused(pt_onnx_open, path,
                   "has 2147483648 bytes, more than the 2147483647 that an ONNX file may "
                   "have: save the values beside it, in Python: onnx.save(model, FILE, "
                   "save_as_external_data=True)");
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_external_data_is_read_from_its_file),
        cmocka_unit_test(test_constant_nodes_are_read_under_the_names_of_their_outputs),
        cmocka_unit_test(test_tensors_that_were_merged_have_both_names),
        cmocka_unit_test(test_external_data_need_not_say_how_long_it_is),
        cmocka_unit_test(test_external_data_outside_the_models_folder_is_refused),
        cmocka_unit_test(test_external_data_that_ends_early_is_refused_with_both_sizes),
        cmocka_unit_test(test_external_data_of_another_length_than_the_shape_is_trouble),
        cmocka_unit_test(test_a_missing_file_of_values_is_named),
        cmocka_unit_test(test_more_than_protobuf_allows_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
