/* Residual networks (He et al., CVPR 2016).
 *
 * resnet18, resnet34                    basic blocks; names of torchvision
 * resnet50, resnet101, resnet152        bottlenecks; names of torchvision. The stride of
 * a stage's first one sits on its 3x3 convolution (torchvision) or on its first 1x1 (He
 * et al.) cifar_resnet20, cifar_resnet56        for small images (section 4.2): shortcuts
 * without weights (option A); names of akamaster/pytorch_resnet_cifar10 resnet_small the
 * same with one block a stage and projections; names as torchvision's; for tests and the
 *                                       demonstration
 *
 * The stride of a basic block is on its first 3x3 everywhere. torchvision has no dropout
 * before fc; p = 0 gives its network. */
#include "common/graph/builder.h"

static int conv_norm(pt_builder *b, int in, pt_name conv, pt_name norm, int c,
                     pt_window w)
{
    return pt_build_batch_norm(b, pt_build_conv(b, in, conv, c, w, false), norm);
}

/* ---- blocks ----------------------------------------------------------------------- */

/* Number i of a block's convolutions, with its batch norm. */
static int block_conv(pt_builder *b, int in, int stage, int block, int i, int c,
                      pt_window w)
{
    return conv_norm(b, in, pt_named("layer%d.%d.conv%d", stage, block, i),
                     pt_named("layer%d.%d.bn%d", stage, block, i), c, w);
}

static int block_relu(pt_builder *b, int in, int stage, int block, int i)
{
    return pt_build_relu(b, in, pt_named("layer%d.%d.relu%d", stage, block, i));
}

/* The block's input, or its projection where width or resolution change. */
static int projection(pt_builder *b, int in, int stage, int block, int c, int stride)
{
    if (stride == 1 && pt_build_node(b, in)->c == c) return in;
    return conv_norm(b, in, pt_named("layer%d.%d.downsample.0", stage, block),
                     pt_named("layer%d.%d.downsample.1", stage, block), c,
                     pt_window_square(1, stride, 0));
}

/* The end of a block of i convolutions. */
static int block_sum(pt_builder *b, int x, int shortcut, int stage, int block, int i)
{
    x = pt_build_add(b, x, shortcut, pt_named("layer%d.%d.add", stage, block));
    return block_relu(b, x, stage, block, i);
}

static int two_convs(pt_builder *b, int x, int stage, int block, int width, int stride)
{
    x = block_conv(b, x, stage, block, 1, width, pt_window_square(3, stride, 1));
    x = block_relu(b, x, stage, block, 1);
    return block_conv(b, x, stage, block, 2, width, pt_window_square(3, 1, 1));
}

static int basic_block(pt_builder *b, int in, int stage, int block, int width, int stride)
{
    int x = two_convs(b, in, stage, block, width, stride);
    int shortcut = projection(b, in, stage, block, width, stride);

    return block_sum(b, x, shortcut, stage, block, 2);
}

static int option_a_block(pt_builder *b, int in, int stage, int block, int width,
                          int stride)
{
    int x = two_convs(b, in, stage, block, width, stride), shortcut = in;

    if (stride != 1)
        shortcut = pt_build_shortcut_a(
            b, in, pt_named("layer%d.%d.shortcut", stage, block), width, stride);
    return block_sum(b, x, shortcut, stage, block, 2);
}

static int bottleneck(pt_builder *b, int in, int stage, int block, int width, int stride)
{
    int at1 = b->opt.stride_at == PT_STRIDE_CONV1 ? stride : 1, at2 = stride / at1;
    int x = in, shortcut;

    x = block_conv(b, x, stage, block, 1, width, pt_window_square(1, at1, 0));
    x = block_relu(b, x, stage, block, 1);
    x = block_conv(b, x, stage, block, 2, width, pt_window_square(3, at2, 1));
    x = block_relu(b, x, stage, block, 2);
    x = block_conv(b, x, stage, block, 3, 4 * width, pt_window_square(1, 1, 0));
    shortcut = projection(b, in, stage, block, 4 * width, stride);
    return block_sum(b, x, shortcut, stage, block, 3);
}

typedef int residual_block(pt_builder *b, int in, int stage, int block, int width,
                           int stride);

/* Stages of blocks[stage] blocks; each doubles the width and, but the first, halves the
 * resolution. */
static int stages(pt_builder *b, int x, int n, const int *blocks, int width,
                  residual_block *add)
{
    for (int stage = 0; stage < n; stage++)
        for (int block = 0; block < blocks[stage]; block++)
            x = add(b, x, stage + 1, block, width << stage,
                    block == 0 && stage > 0 ? 2 : 1);
    return x;
}

/* ---- networks --------------------------------------------------------------------- */

static void residual_net(pt_builder *b, const int *blocks, residual_block *add)
{
    int x = conv_norm(b, 0, pt_named("conv1"), pt_named("bn1"), 64,
                      pt_window_square(7, 2, 3));

    x = pt_build_relu(b, x, pt_named("relu"));
    x = pt_build_max_pool(b, x, pt_named("maxpool"), pt_window_square(3, 2, 1));
    pt_build_pooled_head(b, stages(b, x, 4, blocks, 64, add), "fc");
}

void pt_build_resnet_basic(pt_builder *b, const int *blocks)
{
    residual_net(b, blocks, basic_block);
}

void pt_build_resnet(pt_builder *b, const int *blocks)
{
    residual_net(b, blocks, bottleneck);
}

/* Three stages of `blocks` blocks with 16, 32 and 64 channels. */
static void small_net(pt_builder *b, int blocks, residual_block *add, const char *head)
{
    const int all[] = {blocks, blocks, blocks};
    int x = conv_norm(b, 0, pt_named("conv1"), pt_named("bn1"), 16,
                      pt_window_square(3, 1, 1));

    x = pt_build_relu(b, x, pt_named("relu"));
    pt_build_pooled_head(b, stages(b, x, 3, all, 16, add), head);
}

void pt_build_cifar_resnet(pt_builder *b, const int *blocks)
{
    small_net(b, blocks[0], option_a_block, "linear");
}

void pt_build_resnet_small(pt_builder *b, const int *blocks)
{
    small_net(b, blocks[0], basic_block, "fc");
}
