#include "common/weights/naming.h"

#include <stdio.h>
#include <string.h>

#include "common/weights/layers.h"

/* ---- what pixels a program's networks want ---------------------------------------- */

static const pt_preprocess caffe = {true, 1, {104, 117, 123}, {1, 1, 1}};
static const pt_preprocess caffe_exact = {
    true, 1, {103.939f, 116.779f, 123.68f}, {1, 1, 1}};
static const pt_preprocess inception = {false, 1.0f / 127.5f, {1, 1, 1}, {1, 1, 1}};

static const pt_geometry square = {PT_RESIZE_SQUARE, 256};
static const pt_geometry short_side = {PT_RESIZE_SHORT_SIDE, 256};
static const pt_geometry as_it_is = {PT_RESIZE_NONE, 0};

static const pt_pixels imagenet_pixels = {&pt_preprocess_imagenet, &short_side};
static const pt_pixels cifar_pixels = {&pt_preprocess_imagenet, &as_it_is};
static const pt_pixels caffe_pixels = {&caffe, &square};
static const pt_pixels caffe_exact_pixels = {&caffe_exact, &short_side};
static const pt_pixels inception_pixels = {&inception, &short_side};

/* ---- what a format calls the tensors of a layer ----------------------------------- */

static void torch_tensor(const pt_graph *g, const pt_tensor *t, const char *layer,
                         const char *ours, char name[PT_NAMES_MAX])
{
    snprintf(name, PT_NAMES_MAX, "%s.%s", layer, ours);
}

/* conv1_w_0, conv1_b_0 */
static void caffe2_tensor(const pt_graph *g, const pt_tensor *t, const char *layer,
                          const char *ours, char name[PT_NAMES_MAX])
{
    snprintf(name, PT_NAMES_MAX, "%s_%c_0", layer, ours[0]);
}

static const char *keras_role(const pt_graph *g, const pt_tensor *t, const char *ours)
{
    bool norm = g->nodes[t->node].op == PT_OP_BATCH_NORM;

    if (strcmp(ours, "running_mean") == 0) return "moving_mean";
    if (strcmp(ours, "running_var") == 0) return "moving_variance";
    if (strcmp(ours, "bias") == 0) return norm ? "beta" : "bias";
    if (norm) return "gamma";
    return t->kind == PT_TENSOR_DEPTHWISE ? "depthwise_kernel" : "kernel";
}

static void keras_tensor(const pt_graph *g, const pt_tensor *t, const char *layer,
                         const char *ours, char name[PT_NAMES_MAX])
{
    snprintf(name, PT_NAMES_MAX, "%s/%s", layer, keras_role(g, t, ours));
}

/* A convolution's tensors by its place among the file's (onnx.c): its batch norm became
 * its bias. Linear layers have PyTorch's names. */
static void folded_tensor(const pt_graph *g, const pt_tensor *t, const char *layer,
                          const char *ours, char name[PT_NAMES_MAX])
{
    const pt_node *n = &g->nodes[t->node];
    int conv = n->op == PT_OP_BATCH_NORM ? n->in[0] : t->node, number = 0;

    if (g->nodes[conv].op != PT_OP_CONV) {
        torch_tensor(g, t, layer, ours, name);
        return;
    }
    for (int i = 0; i < conv; i++) number += g->nodes[i].op == PT_OP_CONV;
    snprintf(name, PT_NAMES_MAX, "Conv.%d/%s", number,
             n->op == PT_OP_BATCH_NORM && strcmp(ours, "bias") != 0 ? "folded" : ours);
}

/* BatchNorm res2a's bn2a has gamma and beta in a layer of its own, scale2a. */
static void caffe_tensor(const pt_graph *g, const pt_tensor *t, const char *layer,
                         const char *ours, char name[PT_NAMES_MAX])
{
    bool norm = g->nodes[t->node].op == PT_OP_BATCH_NORM;

    if (!norm)
        snprintf(name, PT_NAMES_MAX, "%s/%s", layer, ours);
    else if (strncmp(ours, "running_", 8) == 0)
        snprintf(name, PT_NAMES_MAX, "%s/%s", layer,
                 strcmp(ours, "running_mean") == 0 ? "mean" : "variance");
    else
        snprintf(name, PT_NAMES_MAX, "scale%s/%s", layer + strlen("bn"), ours);
}

static const pt_spelling torch_spelling = {PT_LAYOUT_TORCH, torch_tensor, ".weight"};
static const pt_spelling folded_spelling = {PT_LAYOUT_TORCH, folded_tensor, ".weight"};
static const pt_spelling caffe2_spelling = {PT_LAYOUT_TORCH, caffe2_tensor, "_w_0"};
static const pt_spelling caffe_spelling = {PT_LAYOUT_TORCH, caffe_tensor, "/weight"};
static const pt_spelling keras_spelling = {PT_LAYOUT_KERAS, keras_tensor, "/kernel"};

/* ---- the rules -------------------------------------------------------------------- */

enum {
    MODEL = 1 << PT_FORMAT_MODEL,
    ONNX = 1 << PT_FORMAT_ONNX,
    KERAS = 1 << PT_FORMAT_KERAS,
    TFJS = 1 << PT_FORMAT_TFJS,
    CAFFE = 1 << PT_FORMAT_CAFFE,
    TORCH = 1 << PT_FORMAT_TORCH | 1 << PT_FORMAT_TORCH_ZIP | 1 << PT_FORMAT_SAFETENSORS
};

/* A model of a run with a source head beside its own. */
#define SOURCE_HEAD                                                                      \
    {                                                                                    \
        "source_head", "the run that wrote the file had a second head"                   \
    }

/* Names that two programs have used (torchvision's ResNets were also trained by others,
 * on other pixels) are taken to be those of the program that chose them; data.preprocess
 * corrects that where it is wrong. */
static const pt_naming rules[] = {
    {.title = "torchvision",
     .formats = TORCH | ONNX,
     .networks = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"},
     .spelling = &torch_spelling,
     .head = "fc",
     .pixels = &imagenet_pixels},
    {.title = "torchvision",
     .formats = TORCH | ONNX,
     .networks = {"vgg16"},
     .spelling = &torch_spelling,
     .head = "classifier.6",
     .pixels = &imagenet_pixels},
    {.title = "torchvision's folded",
     .formats = ONNX,
     .networks = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"},
     .spelling = &folded_spelling,
     .head = "fc",
     .pixels = &imagenet_pixels,
     .folded = true},
    {.title = "timm",
     .formats = TORCH,
     .networks = {"vgg16"},
     .layer = pt_layer_timm_vgg,
     .spelling = &torch_spelling,
     .head = "head.fc",
     .pixels = &imagenet_pixels},
    {.title = "Hugging Face",
     .formats = TORCH,
     .networks = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"},
     .layer = pt_layer_hf_resnet,
     .spelling = &torch_spelling,
     .head = "classifier.1",
     .pixels = &imagenet_pixels},
    {.title = "torchvision",
     .formats = TORCH | ONNX,
     .networks = {"squeezenet1_1"},
     .spelling = &torch_spelling,
     .head = "classifier.1",
     .pixels = &imagenet_pixels},
    {.title = "pytorch_resnet_cifar10",
     .formats = TORCH | ONNX,
     .networks = {"cifar_resnet20", "cifar_resnet56"},
     .spelling = &torch_spelling,
     .head = "linear",
     .pixels = &cifar_pixels},
    {.title = "Caffe",
     .formats = ONNX,
     .networks = {"squeezenet1_1"},
     .layer = pt_layer_caffe_squeezenet,
     .spelling = &caffe2_spelling,
     .head = "conv10",
     .pixels = &caffe_pixels},
    {.title = "Caffe",
     .formats = KERAS,
     .networks = {"squeezenet1_1"},
     .layer = pt_layer_caffe_squeezenet,
     .spelling = &keras_spelling,
     .head = "conv10",
     .pixels = &caffe_pixels},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"mobilenet_v1"},
     .spelling = &keras_spelling,
     .head = "conv_preds",
     .pixels = &inception_pixels,
     .leftovers = {{"conv_pw_13", "the network ends at conv_dw_13"}}},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"vgg16"},
     .layer = pt_layer_keras_vgg,
     .spelling = &keras_spelling,
     .head = "predictions",
     .pixels = &caffe_exact_pixels},
    /* Its batch norms have Keras' default epsilon. */
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50"},
     .layer = pt_layer_branch_resnet,
     .spelling = &keras_spelling,
     .head = "fc1000",
     .pixels = &caffe_exact_pixels,
     .conv_bias = true,
     .sign = "res2a_branch2a/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-3f},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50", "resnet101", "resnet152"},
     .layer = pt_layer_keras_resnet,
     .spelling = &keras_spelling,
     .head = "probs",
     .pixels = &caffe_exact_pixels,
     .conv_bias = true,
     .sign = "conv2_block1_1_conv/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1.001e-5f},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50", "resnet101", "resnet152"},
     .layer = pt_layer_tf_resnet,
     .spelling = &keras_spelling,
     .head = "predictions",
     .pixels = &caffe_exact_pixels,
     .conv_bias = true,
     .sign = "conv2_block1_1_conv/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1.001e-5f},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"squeezenet1_1"},
     .layer = pt_layer_caffe_squeezenet,
     .spelling = &caffe_spelling,
     .head = "conv10",
     .pixels = &caffe_pixels},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"vgg16"},
     .layer = pt_layer_caffe_vgg,
     .spelling = &caffe_spelling,
     .head = "fc8",
     .pixels = &caffe_exact_pixels},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"resnet50"},
     .layer = pt_layer_branch_resnet,
     .spelling = &caffe_spelling,
     .head = "fc1000",
     .pixels = &caffe_exact_pixels,
     .conv_bias = true, /* of conv1 */
     .sign = "res2a_branch2a/weight",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-5f},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"resnet101", "resnet152"},
     .layer = pt_layer_branch_resnet_numbered,
     .spelling = &caffe_spelling,
     .head = "fc1000",
     .pixels = &caffe_exact_pixels,
     .conv_bias = true,
     .sign = "res2a_branch2a/weight",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-5f},
    /* Our own files record which pixels they want; others have our names if nobody chose
     * better ones. SqueezeNet's head is `head` or its own. */
    {.title = "ptrain",
     .formats = MODEL,
     .networks = {"squeezenet1_1"},
     .spelling = &torch_spelling,
     .head = "classifier.1",
     .leftovers = {SOURCE_HEAD}},
    {.title = "ptrain",
     .formats = ~0u, /* the last resort everywhere */
     .spelling = &torch_spelling,
     .head = "head",
     .leftovers = {SOURCE_HEAD}},
};

const pt_naming *pt_naming_at(size_t i)
{
    return i < sizeof rules / sizeof *rules ? &rules[i] : NULL;
}

const pt_naming *pt_naming_signed(const pt_table *t, pt_format format)
{
    const pt_naming *rule;

    for (size_t i = 0; (rule = pt_naming_at(i)); i++)
        if (rule->sign && rule->formats & 1u << format && pt_table_find(t, rule->sign))
            return rule;
    return NULL;
}

bool pt_naming_fits(const pt_naming *rule, pt_format format, const char *network)
{
    if (!(rule->formats & 1u << format)) return false;
    if (!rule->networks[0]) return true;
    for (int i = 0; i < PT_NAMING_NETWORKS && rule->networks[i]; i++)
        if (strcmp(rule->networks[i], network) == 0) return true;
    return false;
}
