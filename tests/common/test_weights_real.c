/* The real files of ../shared/data/weights, against hashes that the libraries of the
 * formats gave (tests/oracle/weights_golden.py). */
#include "tests/common/weights_tables.h"

#include <unistd.h>

#include "common/base/digest.h"
#include "common/weights/half.h"
#include "common/weights/weights.h"
#include "tests/support/half.h"

#define REAL  PT_SHARED "/data/weights/"
#define KERAS REAL "squeezenet1.1/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"

typedef struct {
    pt_graph *g;
    float *flat;
    pt_weights_info info;
} model;

static model make(const char *network, int n_classes, bool original_head)
{
    const pt_graph_options opt = {
        .n_classes = n_classes, .original_head = original_head, .dropout = 0.5f};
    model m = {0};

    if (access(REAL, R_OK) != 0) {
        print_message("skip: ../shared is not here\n");
        skip();
    }
    if (pt_graph_create(network, &opt, &m.g) != PT_OK) fail_msg("%s", pt_fail_text());
    m.flat = pt_calloc(m.g->n_floats, sizeof *m.flat);
    assert_non_null(m.flat);
    for (size_t i = 0; i < m.g->n_floats; i++) m.flat[i] = -77; /* no weight has it */
    return m;
}

static void load(model *m, const char *path, const char *entry, bool with_head)
{
    if (pt_weights_load(path, entry, m->g, with_head, m->flat, &m->info) != PT_OK)
        fail_msg("%s", pt_fail_text());
}

static void destroy(model *m)
{
    free(m->flat);
    pt_graph_destroy(&m->g);
}

/* Hash and number of the values of tensors in file layout, with or without the head, or
 * of the one tensor `only`. */
static void assert_hash(const model *m, bool head, const char *only, size_t count,
                        const char *hash)
{
    char hex[PT_DIGEST_HEX];
    pt_digest *d = NULL;
    size_t n = 0;

    assert_int_equal(pt_digest_create(&d), PT_OK);
    for (int i = 0; i < m->g->n_tensors; i++) {
        const pt_tensor *t = &m->g->tensors[i];
        float *file;

        if ((t->head && !head) || (only && strcmp(only, t->name) != 0)) continue;
        file = test_malloc(t->count * sizeof *file);
        pt_tensor_to_file(t, m->flat + t->offset, file);
        pt_digest_add(d, file, t->count * sizeof *file);
        n += t->count;
        test_free(file);
    }
    pt_digest_finish(&d, hex);
    assert_int_equal(n, count);
    assert_string_equal(hex, hash);
}

static void assert_preprocess(const pt_weights_info *info, bool bgr, float scale,
                              const float mean[3], const float std[3])
{
    assert_true(info->has_preprocess);
    assert_int_equal(info->preprocess.bgr, bgr);
    assert_true(info->preprocess.scale == scale);
    assert_memory_equal(info->preprocess.mean, mean, sizeof info->preprocess.mean);
    assert_memory_equal(info->preprocess.std, std, sizeof info->preprocess.std);
}

static const float caffe_mean[3] = {104, 117, 123}, ones[3] = {1, 1, 1};

static void test_squeezenet_onnx_loads_whole(void **state)
{
    model m = make("squeezenet1_1", 1000, true);

    load(&m, REAL "squeezenet1.1", "SqueezeNet_fp16.onnx", true);
    assert_int_equal(m.info.format, PT_FORMAT_ONNX);
    assert_int_equal(m.info.n_classes, 1000);
    assert_preprocess(&m.info, true, 1, caffe_mean, ones);
    assert_hash(&m, true, NULL, 1235496,
                "1283922d9d4b8e07d31894ed2c7971a28de3a6cd6696e17eec1c3bf95cd1b22b");
    assert_hash(&m, true, "features.3.expand3x3.weight", 9216,
                "483f11ddc38db0301de00a4dacfe9e8d198b42e95a757c9b9cea9510230c24fc");
    destroy(&m);
}

static void test_squeezenet_onnx_trunk_leaves_a_new_head_alone(void **state)
{
    model m = make("squeezenet1_1", 17, false);

    load(&m, REAL "squeezenet1.1/SqueezeNet_fp16.onnx", NULL, false);
    assert_hash(&m, false, NULL, 722496,
                "836f00523ddbeb92942af2502307a751ea319ea9787dadf45b992f47022ebaad");
    for (int i = 0; i < m.g->n_tensors; i++)
        for (size_t k = 0; m.g->tensors[i].head && k < m.g->tensors[i].count; k++)
            assert_true(m.flat[m.g->tensors[i].offset + k] == -77);
    destroy(&m);
}

static void test_squeezenet_keras_loads_its_trunk(void **state)
{
    model m = make("squeezenet1_1", 17, false);

    load(&m, KERAS, NULL, false);
    assert_int_equal(m.info.format, PT_FORMAT_KERAS);
    assert_int_equal(m.info.n_classes, 0);
    assert_preprocess(&m.info, true, 1, caffe_mean, ones);
    assert_hash(&m, false, NULL, 722496,
                "de88d7348c206bc143db38e41de514fb71454eca35657871b6c46d686d34ffcc");
    destroy(&m);
}

static void test_squeezenet_of_keras_rounded_is_that_of_onnx(void **state)
{
    model onnx = make("squeezenet1_1", 17, false);
    model keras = make("squeezenet1_1", 17, false);
    size_t n = 0;

    load(&onnx, REAL "squeezenet1.1/SqueezeNet_fp16.onnx", NULL, false);
    load(&keras, KERAS, NULL, false);
    for (int i = 0; i < onnx.g->n_tensors; i++) {
        const pt_tensor *t = &onnx.g->tensors[i];

        for (size_t k = t->offset; !t->head && k < t->offset + t->count; k++, n++)
            if (round_to_half(keras.flat[k]) != onnx.flat[k])
                fail_msg("%s: %a and %a", t->name, (double)keras.flat[k],
                         (double)onnx.flat[k]);
    }
    assert_int_equal(n, 722496);
    destroy(&onnx);
    destroy(&keras);
}

static void test_squeezenet_keras_lacks_the_head_by_name(void **state)
{
    model m = make("squeezenet1_1", 1000, true);

    assert_int_equal(pt_weights_load(KERAS, NULL, m.g, true, m.flat, NULL),
                     PT_ERR_WEIGHTS);
    assert_string_equal(pt_fail_text(),
                        "classifier.1.weight: the file has no conv10/kernel, the network "
                        "needs 1000x512x1x1\n"
                        "classifier.1.bias: the file has no conv10/bias, the network "
                        "needs 1000");
    destroy(&m);
}

static void test_mobilenet_tfjs_loads_without_its_two_missing_shards(void **state)
{
    model m = make("mobilenet_v1", 17, false);

    load(&m, REAL "mobilenet_v1_1.0_224", NULL, false);
    assert_int_equal(m.info.format, PT_FORMAT_TFJS);
    assert_int_equal(m.info.n_classes, 0); /* conv_preds: its shard is not there */
    assert_preprocess(&m.info, false, 1.0f / 127.5f, ones, ones);
    assert_hash(&m, false, NULL, 2176192,
                "e3593ce9d72c2e1e4cdbec53ce35c50263065be11fa3cc466d8ed225448b79b3");
    assert_hash(&m, false, "conv_dw_2.weight", 576,
                "98bdc4b2f124cec1b44de7b2958f9cdcb01bda3679cdaf3815532a700c3e1730");
    destroy(&m);
}

static void check_cifar(const char *network, const char *entry, size_t count,
                        const char *hash)
{
    model m = make(network, 10, false);
    char hex[65];

    load(&m, REAL "resnet_cifar10", entry, true);
    assert_int_equal(m.info.format, PT_FORMAT_TORCH);
    assert_int_equal(m.info.n_classes, 10);
    assert_preprocess(&m.info, false, 1.0f / 255.0f, pt_preprocess_imagenet.mean,
                      pt_preprocess_imagenet.std);
    assert_hash(&m, true, NULL, count, hash);
    assert_int_equal(pt_graph_hash(m.g, m.flat, hex), PT_OK);
    assert_string_equal(hex, hash);
    destroy(&m);
}

static void test_cifar_resnet20_loads_whole(void **state)
{
    check_cifar("cifar_resnet20", "resnet20-12fca82f.th", 271098,
                "cab502291fb81d7545fe160f9dca0406e883d2f86f782fe263ca8a8e3ae13462");
}

static void test_cifar_resnet56_loads_whole(void **state)
{
    check_cifar("cifar_resnet56", "resnet56-4bfd9763.th", 857082,
                "4a3a5a36baf53cc9ecc7239ddbd154e5716a70274efa5e32a97a978d0c447bf8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squeezenet_onnx_loads_whole),
        cmocka_unit_test(test_squeezenet_onnx_trunk_leaves_a_new_head_alone),
        cmocka_unit_test(test_squeezenet_keras_loads_its_trunk),
        cmocka_unit_test(test_squeezenet_of_keras_rounded_is_that_of_onnx),
        cmocka_unit_test(test_squeezenet_keras_lacks_the_head_by_name),
        cmocka_unit_test(test_mobilenet_tfjs_loads_without_its_two_missing_shards),
        cmocka_unit_test(test_cifar_resnet20_loads_whole),
        cmocka_unit_test(test_cifar_resnet56_loads_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
