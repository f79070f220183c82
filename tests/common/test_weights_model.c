/* Our own model file: written, read back, read and rewritten by h5py. */
#include "common/weights/model.h"
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"
#include "tests/support/temp_dir.h"

/* ---- our own file ----------------------------------------------------------------- */

static const pt_graph_options small = {.side = 48,
                                       .n_classes = 3,
                                       .stride_at = PT_STRIDE_CONV1,
                                       .rep_at = PT_REP_AFTER_DROPOUT,
                                       .dropout = 0.3f,
                                       .bn_eps = 1e-3f};
static const char *const classes[] = {"rose", "daisy", "tulip \303\251"};

static void save_small(const char *path, const pt_graph *g, const float *flat)
{
    const pt_weights_info info = {.options = small,
                                  .has_preprocess = true,
                                  .preprocess = {true, 0.5f, {1, 2, 3}, {4, 5, 6}},
                                  .has_geometry = true,
                                  .geometry = {PT_RESIZE_NONE, 77},
                                  .direct = true};

    if (pt_model_save(path, g, &info, flat, classes) != PT_OK)
        fail_msg("%s", pt_fail_text());
}

static void test_what_is_saved_loads_bit_for_bit_with_its_record(void **state)
{
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1), *back = make_flat(g, 2);
    const char *path = in_dir("model.h5");
    pt_weights_info info;
    const uint32_t nan = 0x7f812345; /* kept, payload and all */

    memcpy(&flat[5], &nan, sizeof nan);
    save_small(path, g, flat);
    assert_int_equal(pt_weights_load(path, NULL, g, true, back, &info), PT_OK);
    assert_memory_equal(back, flat, g->n_floats * sizeof *flat);
    assert_int_equal(info.format, PT_FORMAT_MODEL);
    assert_string_equal(info.network, "resnet_small");
    assert_int_equal(info.n_classes, 3);
    assert_int_equal(info.options.side, 48);
    assert_int_equal(info.options.n_classes, 3);
    assert_false(info.options.original_head);
    assert_int_equal(info.options.stride_at, PT_STRIDE_CONV1);
    assert_int_equal(info.options.rep_at, PT_REP_AFTER_DROPOUT);
    assert_true(info.options.dropout == small.dropout);
    assert_true(info.options.bn_eps == small.bn_eps);
    assert_true(info.has_preprocess && info.preprocess.bgr);
    assert_true(info.direct);
    assert_true(info.has_geometry && info.geometry.mode == PT_RESIZE_NONE &&
                info.geometry.resize == 77);
    assert_true(info.preprocess.scale == 0.5f && info.preprocess.mean[1] == 2 &&
                info.preprocess.std[2] == 6);
    assert_int_equal(remove(path), 0);
    free(flat);
    free(back);
    pt_graph_destroy(&g);
}

/* Flips the lowest bit of the first of n bytes where they are in the file. */
static void flip(const char *path, const void *bytes, size_t n)
{
    static unsigned char all[1 << 20];
    FILE *f = fopen(path, "r+b");
    size_t size, at = 0;

    assert_non_null(f);
    size = fread(all, 1, sizeof all, f);
    while (at + n <= size && memcmp(all + at, bytes, n) != 0) at++;
    assert_true(at + n <= size && size < sizeof all);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fputc(all[at] ^ 1, f), all[at] ^ 1);
    fclose(f);
}

static void test_a_flipped_bit_of_weights_or_record_is_refused(void **state)
{
    static const float mean[3] = {1, 2, 3};
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1), *back = make_flat(g, 2);
    const struct {
        const void *bytes;
        size_t n;
        const char *text;
    } parts[] = {
        {&flat[8], sizeof *flat, "the weights hash to"},
        {"daisy", 5, "network, classes and preprocessing is damaged: the CRC32C"},
        {mean, sizeof mean, "network, classes and preprocessing is damaged"}};
    const char *path = in_dir("flipped.h5");

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        pt_weights_info info;

        save_small(path, g, flat);
        flip(path, parts[i].bytes, parts[i].n);
        assert_int_equal(pt_weights_load(path, NULL, g, true, back, NULL), PT_ERR_DATA);
        assert_non_null(strstr(pt_fail_text(), parts[i].text));
        if (i > 0) assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_ERR_DATA);
    }
    assert_int_equal(remove(path), 0);
    free(flat);
    free(back);
    pt_graph_destroy(&g);
}

static void test_preprocessing_and_classes_may_be_left_out(void **state)
{
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1);
    const char *path = in_dir("bare.h5");
    pt_weights_info info = {.options = small};

    assert_int_equal(pt_model_save(path, g, &info, flat, NULL), PT_OK);
    assert_int_equal(pt_weights_load(path, NULL, g, true, flat, &info), PT_OK);
    assert_false(info.has_preprocess || info.has_geometry || info.direct);
    assert_int_equal(remove(path), 0);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_saving_twice_gives_the_same_bytes_and_replaces_the_file(void **state)
{
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1);
    const char *path = in_dir("twice.h5");
    size_t n = 0, m = 0;
    uint8_t *first, *second;

    write_file(path, "old", 3);
    save_small(path, g, flat);
    first = read_file(path, &n);
    save_small(path, g, flat);
    second = read_file(path, &m);
    assert_int_equal(n, m);
    assert_true(n > g->n_floats * sizeof *flat);
    assert_memory_equal(first, second, n);
    assert_int_equal(remove(path), 0);
    free(first);
    free(second);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_a_directory_that_is_missing_is_an_error(void **state)
{
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1);

    assert_int_equal(pt_model_save("/nowhere/model.h5", g,
                                   &(pt_weights_info){.options = small}, flat, NULL),
                     PT_ERR_IO);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_a_model_file_without_its_head_fits_other_classes(void **state)
{
    const pt_graph_options ten = {.n_classes = 10};
    pt_graph *g = make_graph("resnet_small", &small);
    pt_graph *other = make_graph("resnet_small", &ten);
    float *flat = make_flat(g, 1), *to = make_flat(other, 2), *was = make_flat(other, 2);
    const char *path = in_dir("head.h5");

    save_small(path, g, flat);
    assert_int_equal(pt_weights_load(path, NULL, other, false, to, NULL), PT_OK);
    for (int i = 0; i < other->n_tensors; i++) {
        const pt_tensor *t = &other->tensors[i], *from = &g->tensors[i];

        assert_memory_equal(to + t->offset,
                            t->head ? was + t->offset : flat + from->offset,
                            t->count * sizeof *to);
    }
    assert_int_equal(pt_weights_load(path, NULL, other, true, to, NULL), PT_ERR_WEIGHTS);
    assert_string_equal(pt_fail_text(),
                        "fc.weight: the file has 3x64, the network needs 10x64\n"
                        "fc.bias: the file has 3, the network needs 10");
    assert_int_equal(remove(path), 0);
    free(flat);
    free(to);
    free(was);
    pt_graph_destroy(&g);
    pt_graph_destroy(&other);
}

static void test_a_model_file_of_another_network_is_refused(void **state)
{
    const pt_graph_options ten = {.n_classes = 10};
    pt_graph *g = make_graph("resnet_small", &small);
    pt_graph *other = make_graph("cifar_resnet20", &ten);
    float *flat = make_flat(g, 1), *to = make_flat(other, 2);
    const char *path = in_dir("other.h5");

    save_small(path, g, flat);
    assert_int_equal(pt_weights_load(path, NULL, other, false, to, NULL), PT_ERR_WEIGHTS);
    assert_says("holds resnet_small, the network is cifar_resnet20");
    assert_int_equal(remove(path), 0);
    free(flat);
    free(to);
    pt_graph_destroy(&g);
    pt_graph_destroy(&other);
}

/* ---- h5py, in another language ---------------------------------------------------- */

static void need_h5py(void)
{
    if (system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") == 0) return;
    print_message("skip: /usr/bin/python3 has no h5py\n");
    skip();
}

static void run_python(const char *script, const char *path, char *out, size_t n)
{
    char command[2048];
    FILE *p;

    snprintf(command, sizeof command, "/usr/bin/python3 -c '%s' '%s'", script, path);
    p = popen(command, "r");
    assert_non_null(p);
    n = fread(out, 1, n - 1, p);
    out[n] = '\0';
    assert_int_equal(pclose(p), 0);
}

static void test_ten_lines_of_h5py_compute_the_weight_hash(void **state)
{
    static const char script[] =
        "import h5py, hashlib, sys\n"
        "with h5py.File(sys.argv[1]) as f:\n"
        "    h = hashlib.sha256()\n"
        "    for name in f[\"tensors\"].asstr():\n"
        "        h.update(f[\"weights\"][name][...].astype(\"<f4\").tobytes())\n"
        "    assert h.hexdigest() == f.attrs[\"weight_hash\"]\n"
        "    print(h.hexdigest(), list(f[\"classes\"].asstr())[1], end=\"\")\n";
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1);
    const char *path = in_dir("hash.h5");
    char hex[65], expected[80], out[128];

    need_h5py();
    save_small(path, g, flat);
    run_python(script, path, out, sizeof out);
    assert_int_equal(pt_graph_hash(g, flat, hex), PT_OK);
    snprintf(expected, sizeof expected, "%s daisy", hex);
    assert_string_equal(out, expected);
    assert_int_equal(remove(path), 0);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_a_model_file_that_h5py_rewrote_loads(void **state)
{
    /* Every weight doubled, packed, alphabetical: only /tensors knows the order. */
    static const char script[] =
        "import h5py, hashlib, sys\n"
        "with h5py.File(sys.argv[1], \"r+\") as f:\n"
        "    h = hashlib.sha256()\n"
        "    for name in f[\"tensors\"].asstr():\n"
        "        v = f[\"weights\"][name][...] * 2\n"
        "        h.update(v.tobytes())\n"
        "        del f[\"weights\"][name]\n"
        "        f[\"weights\"].create_dataset(name, data=v, compression=\"gzip\")\n"
        "    f.attrs[\"weight_hash\"] = h.hexdigest()\n";
    pt_graph *g = make_graph("resnet_small", &small);
    float *flat = make_flat(g, 1), *back = make_flat(g, 2);
    const char *path = in_dir("rewritten.h5");
    char out[8];

    need_h5py();
    save_small(path, g, flat);
    run_python(script, path, out, sizeof out);
    if (pt_weights_load(path, NULL, g, true, back, NULL) != PT_OK)
        fail_msg("%s", pt_fail_text());
    for (size_t i = 0; i < g->n_floats; i++) assert_true(back[i] == 2 * flat[i]);
    assert_int_equal(remove(path), 0);
    free(flat);
    free(back);
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_loads_bit_for_bit_with_its_record),
        cmocka_unit_test(test_a_flipped_bit_of_weights_or_record_is_refused),
        cmocka_unit_test(test_preprocessing_and_classes_may_be_left_out),
        cmocka_unit_test(test_saving_twice_gives_the_same_bytes_and_replaces_the_file),
        cmocka_unit_test(test_a_directory_that_is_missing_is_an_error),
        cmocka_unit_test(test_a_model_file_without_its_head_fits_other_classes),
        cmocka_unit_test(test_a_model_file_of_another_network_is_refused),
        cmocka_unit_test(test_ten_lines_of_h5py_compute_the_weight_hash),
        cmocka_unit_test(test_a_model_file_that_h5py_rewrote_loads),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
