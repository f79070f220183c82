#include "common/weights/layers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SqueezeNet ------------------------------------------------------------------- */

/* torchvision's features.N against the names of the original Caffe network, which its
 * ONNX and Keras versions kept: fire2 is features.3, pools take a number of their own. */
void pt_layer_caffe_squeezenet(const char *ours, char *theirs, size_t n)
{
    char *end;
    long index;

    if (strcmp(ours, "features.0") == 0) {
        snprintf(theirs, n, "conv1");
    } else if (strcmp(ours, "classifier.1") == 0) {
        snprintf(theirs, n, "conv10");
    } else if (strncmp(ours, "features.", 9) == 0) {
        index = strtol(ours + 9, &end, 10);
        if (*end != '.') return;
        index -= index < 6 ? 1 : index < 9 ? 2 : 3;
        snprintf(theirs, n, "fire%ld/%s%s", index, end + 1,
                 strcmp(end + 1, "squeeze") == 0 ? "1x1" : "");
    }
}

/* ---- VGG-16 ----------------------------------------------------------------------- */

/* Block and number in the block, from 1, of a convolution features.N. */
static bool vgg_conv(const char *ours, int *block, int *conv)
{
    static const int at[5][3] = {
        {0, 2, -1}, {5, 7, -1}, {10, 12, 14}, {17, 19, 21}, {24, 26, 28}};
    int index;

    if (sscanf(ours, "features.%d", &index) != 1) return false;
    for (*block = 1; *block <= 5; ++*block)
        for (*conv = 1; *conv <= 3; ++*conv)
            if (at[*block - 1][*conv - 1] == index) return true;
    return false;
}

/* names: of classifier.0, .3 and .6 */
static void vgg_linear(const char *ours, const char *const names[3], char *theirs,
                       size_t n)
{
    static const char *const layers[3] = {"classifier.0", "classifier.3", "classifier.6"};

    for (int i = 0; i < 3; i++)
        if (strcmp(ours, layers[i]) == 0) snprintf(theirs, n, "%s", names[i]);
}

void pt_layer_keras_vgg(const char *ours, char *theirs, size_t n)
{
    static const char *const names[3] = {"fc1", "fc2", "predictions"};
    int block, conv;

    if (vgg_conv(ours, &block, &conv)) snprintf(theirs, n, "block%d_conv%d", block, conv);
    vgg_linear(ours, names, theirs, n);
}

void pt_layer_caffe_vgg(const char *ours, char *theirs, size_t n)
{
    static const char *const names[3] = {"fc6", "fc7", "fc8"};
    int block, conv;

    if (vgg_conv(ours, &block, &conv)) snprintf(theirs, n, "conv%d_%d", block, conv);
    vgg_linear(ours, names, theirs, n);
}

void pt_layer_timm_vgg(const char *ours, char *theirs, size_t n)
{
    static const char *const names[3] = {"pre_logits.fc1", "pre_logits.fc2", "head.fc"};

    snprintf(theirs, n, "%s", ours);
    vgg_linear(ours, names, theirs, n);
}

/* ---- ResNet ----------------------------------------------------------------------- */

/* A layer of a block: its stage from 1, block from 0, and number in the block, 0 for the
 * shortcut's; a batch norm or the convolution before it. */
typedef struct {
    int stage, block, number;
    bool norm;
} place;

static bool resnet_place(const char *ours, place *p)
{
    int at = 0;

    if (sscanf(ours, "layer%d.%d.%n", &p->stage, &p->block, &at) != 2 || at == 0)
        return false;
    ours += at;
    p->number = 0;
    p->norm = strcmp(ours, "downsample.1") == 0;
    if (p->norm || strcmp(ours, "downsample.0") == 0) return true;
    p->norm = strncmp(ours, "bn", 2) == 0;
    return sscanf(ours, p->norm ? "bn%d" : "conv%d", &p->number) == 1;
}

static void branch_resnet(const char *ours, bool numbered, char *theirs, size_t n)
{
    static const char *const branches[4] = {"1", "2a", "2b", "2c"};
    char block[16];
    place p;

    if (strcmp(ours, "conv1") == 0)
        snprintf(theirs, n, "conv1");
    else if (strcmp(ours, "bn1") == 0)
        snprintf(theirs, n, "bn_conv1");
    else if (strcmp(ours, "fc") == 0)
        snprintf(theirs, n, "fc1000");
    if (!resnet_place(ours, &p) || p.number > 3) return;
    if (numbered && p.block > 0 && (p.stage == 2 || p.stage == 3))
        snprintf(block, sizeof block, "b%d", p.block);
    else
        snprintf(block, sizeof block, "%c", 'a' + p.block);
    snprintf(theirs, n, "%s%d%s_branch%s", p.norm ? "bn" : "res", p.stage + 1, block,
             branches[p.number]);
}

void pt_layer_branch_resnet(const char *ours, char *theirs, size_t n)
{
    branch_resnet(ours, false, theirs, n);
}

void pt_layer_branch_resnet_numbered(const char *ours, char *theirs, size_t n)
{
    branch_resnet(ours, true, theirs, n);
}

static void keras_resnet(const char *ours, const char *head, char *theirs, size_t n)
{
    place p;

    if (strcmp(ours, "conv1") == 0)
        snprintf(theirs, n, "conv1_conv");
    else if (strcmp(ours, "bn1") == 0)
        snprintf(theirs, n, "conv1_bn");
    else if (strcmp(ours, "fc") == 0)
        snprintf(theirs, n, "%s", head);
    else if (resnet_place(ours, &p))
        snprintf(theirs, n, "conv%d_block%d_%d_%s", p.stage + 1, p.block + 1, p.number,
                 p.norm ? "bn" : "conv");
}

void pt_layer_keras_resnet(const char *ours, char *theirs, size_t n)
{
    keras_resnet(ours, "probs", theirs, n);
}

void pt_layer_tf_resnet(const char *ours, char *theirs, size_t n)
{
    keras_resnet(ours, "predictions", theirs, n);
}

void pt_layer_hf_resnet(const char *ours, char *theirs, size_t n)
{
    char within[32] = "shortcut";
    place p;

    if (strcmp(ours, "conv1") == 0)
        snprintf(theirs, n, "embedder.embedder.convolution");
    else if (strcmp(ours, "bn1") == 0)
        snprintf(theirs, n, "embedder.embedder.normalization");
    else if (strcmp(ours, "fc") == 0)
        snprintf(theirs, n, "classifier.1");
    if (!resnet_place(ours, &p)) return;
    if (p.number > 0) snprintf(within, sizeof within, "layer.%d", p.number - 1);
    snprintf(theirs, n, "encoder.stages.%d.layers.%d.%s.%s", p.stage - 1, p.block, within,
             p.norm ? "normalization" : "convolution");
}
