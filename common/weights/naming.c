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
     .tensor = torch_tensor,
     .head = "fc",
     .kernel = "fc.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side},
    {.title = "torchvision",
     .formats = TORCH | ONNX,
     .networks = {"vgg16"},
     .tensor = torch_tensor,
     .head = "classifier.6",
     .kernel = "classifier.6.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side},
    {.title = "torchvision's folded",
     .formats = ONNX,
     .networks = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"},
     .tensor = folded_tensor,
     .head = "fc",
     .kernel = "fc.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side,
     .folded = true},
    {.title = "timm",
     .formats = TORCH,
     .networks = {"vgg16"},
     .layer = pt_layer_timm_vgg,
     .tensor = torch_tensor,
     .head = "head.fc",
     .kernel = "head.fc.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side},
    {.title = "Hugging Face",
     .formats = TORCH,
     .networks = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"},
     .layer = pt_layer_hf_resnet,
     .tensor = torch_tensor,
     .head = "classifier.1",
     .kernel = "classifier.1.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side},
    {.title = "torchvision",
     .formats = TORCH | ONNX,
     .networks = {"squeezenet1_1"},
     .tensor = torch_tensor,
     .head = "classifier.1",
     .kernel = "classifier.1.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &short_side},
    {.title = "pytorch_resnet_cifar10",
     .formats = TORCH | ONNX,
     .networks = {"cifar_resnet20", "cifar_resnet56"},
     .tensor = torch_tensor,
     .head = "linear",
     .kernel = "linear.weight",
     .preprocess = &pt_preprocess_imagenet,
     .geometry = &as_it_is},
    {.title = "Caffe",
     .formats = ONNX,
     .networks = {"squeezenet1_1"},
     .layer = pt_layer_caffe_squeezenet,
     .tensor = caffe2_tensor,
     .head = "conv10",
     .kernel = "conv10_w_0",
     .preprocess = &caffe,
     .geometry = &square},
    {.title = "Caffe",
     .formats = KERAS,
     .networks = {"squeezenet1_1"},
     .layout = PT_LAYOUT_KERAS,
     .layer = pt_layer_caffe_squeezenet,
     .tensor = keras_tensor,
     .head = "conv10",
     .kernel = "conv10/kernel",
     .preprocess = &caffe,
     .geometry = &square},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"mobilenet_v1"},
     .layout = PT_LAYOUT_KERAS,
     .tensor = keras_tensor,
     .head = "conv_preds",
     .kernel = "conv_preds/kernel",
     .preprocess = &inception,
     .geometry = &short_side,
     .leftovers = {{"conv_pw_13", "the network ends at conv_dw_13"}}},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"vgg16"},
     .layout = PT_LAYOUT_KERAS,
     .layer = pt_layer_keras_vgg,
     .tensor = keras_tensor,
     .head = "predictions",
     .kernel = "predictions/kernel",
     .preprocess = &caffe_exact,
     .geometry = &short_side},
    /* Its batch norms have Keras' default epsilon. */
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50"},
     .layout = PT_LAYOUT_KERAS,
     .layer = pt_layer_branch_resnet,
     .tensor = keras_tensor,
     .head = "fc1000",
     .kernel = "fc1000/kernel",
     .preprocess = &caffe_exact,
     .geometry = &short_side,
     .conv_bias = true,
     .sign = "res2a_branch2a/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-3f},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50", "resnet101", "resnet152"},
     .layout = PT_LAYOUT_KERAS,
     .layer = pt_layer_keras_resnet,
     .tensor = keras_tensor,
     .head = "probs",
     .kernel = "probs/kernel",
     .preprocess = &caffe_exact,
     .geometry = &short_side,
     .conv_bias = true,
     .sign = "conv2_block1_1_conv/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1.001e-5f},
    {.title = "Keras",
     .formats = TFJS | KERAS,
     .networks = {"resnet50", "resnet101", "resnet152"},
     .layout = PT_LAYOUT_KERAS,
     .layer = pt_layer_tf_resnet,
     .tensor = keras_tensor,
     .head = "predictions",
     .kernel = "predictions/kernel",
     .preprocess = &caffe_exact,
     .geometry = &short_side,
     .conv_bias = true,
     .sign = "conv2_block1_1_conv/kernel",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1.001e-5f},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"squeezenet1_1"},
     .layer = pt_layer_caffe_squeezenet,
     .tensor = caffe_tensor,
     .head = "conv10",
     .kernel = "conv10/weight",
     .preprocess = &caffe,
     .geometry = &square},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"vgg16"},
     .layer = pt_layer_caffe_vgg,
     .tensor = caffe_tensor,
     .head = "fc8",
     .kernel = "fc8/weight",
     .preprocess = &caffe_exact,
     .geometry = &short_side},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"resnet50"},
     .layer = pt_layer_branch_resnet,
     .tensor = caffe_tensor,
     .head = "fc1000",
     .kernel = "fc1000/weight",
     .preprocess = &caffe_exact,
     .geometry = &short_side,
     .conv_bias = true, /* of conv1 */
     .sign = "res2a_branch2a/weight",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-5f},
    {.title = "Caffe",
     .formats = CAFFE,
     .networks = {"resnet101", "resnet152"},
     .layer = pt_layer_branch_resnet_numbered,
     .tensor = caffe_tensor,
     .head = "fc1000",
     .kernel = "fc1000/weight",
     .preprocess = &caffe_exact,
     .geometry = &short_side,
     .conv_bias = true,
     .sign = "res2a_branch2a/weight",
     .stride_at = PT_STRIDE_CONV1,
     .bn_eps = 1e-5f},
    /* Our own files record which pixels they want; others have our names if nobody chose
     * better ones. SqueezeNet's head is `head` or its own. */
    {.title = "ptrain",
     .formats = MODEL,
     .networks = {"squeezenet1_1"},
     .tensor = torch_tensor,
     .head = "classifier.1",
     .kernel = "classifier.1.weight",
     .leftovers = {SOURCE_HEAD}},
    {.title = "ptrain",
     .formats = ~0u, /* the last resort everywhere */
     .tensor = torch_tensor,
     .head = "head",
     .kernel = "head.weight",
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
