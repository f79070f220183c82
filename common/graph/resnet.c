/* ResNet-18, -34 (basic blocks), -50, -101, -152 (bottlenecks; He et al., CVPR 2016) with
 * torchvision's names. The stride of a stage's first bottleneck sits on its 3x3
 * convolution (torchvision) or on its first 1x1 (He et al.); of a basic block on its
 * first 3x3 everywhere. torchvision has no dropout before fc; p = 0 gives its network. */
#include "common/graph/builder.h"

static int conv_norm(pt_builder *b, int in, pt_name conv, pt_name norm, int c,
                     pt_window w)
{
    return pt_build_batch_norm(b, pt_build_conv(b, in, conv, c, w, false), norm);
}

/* The block's input, or its projection where width or resolution change. */
static int shortcut_of(pt_builder *b, int in, int stage, int block, int c, int stride)
{
    if (stride == 1 && pt_build_node(b, in)->c == c) return in;
    return conv_norm(b, in, pt_named("layer%d.%d.downsample.0", stage, block),
                     pt_named("layer%d.%d.downsample.1", stage, block), c,
                     pt_window_square(1, stride, 0));
}

static int basic_block(pt_builder *b, int in, int stage, int block, int width, int stride)
{
    int x = in, shortcut;

    x = conv_norm(b, x, pt_named("layer%d.%d.conv1", stage, block),
                  pt_named("layer%d.%d.bn1", stage, block), width,
                  pt_window_square(3, stride, 1));
    x = pt_build_relu(b, x, pt_named("layer%d.%d.relu1", stage, block));
    x = conv_norm(b, x, pt_named("layer%d.%d.conv2", stage, block),
                  pt_named("layer%d.%d.bn2", stage, block), width,
                  pt_window_square(3, 1, 1));
    shortcut = shortcut_of(b, in, stage, block, width, stride);
    x = pt_build_add(b, x, shortcut, pt_named("layer%d.%d.add", stage, block));
    return pt_build_relu(b, x, pt_named("layer%d.%d.relu2", stage, block));
}

static int bottleneck(pt_builder *b, int in, int stage, int block, int width, int stride)
{
    int at1 = b->opt.stride_at == PT_STRIDE_CONV1 ? stride : 1, at2 = stride / at1;
    int x = in, shortcut;

    x = conv_norm(b, x, pt_named("layer%d.%d.conv1", stage, block),
                  pt_named("layer%d.%d.bn1", stage, block), width,
                  pt_window_square(1, at1, 0));
    x = pt_build_relu(b, x, pt_named("layer%d.%d.relu1", stage, block));
    x = conv_norm(b, x, pt_named("layer%d.%d.conv2", stage, block),
                  pt_named("layer%d.%d.bn2", stage, block), width,
                  pt_window_square(3, at2, 1));
    x = pt_build_relu(b, x, pt_named("layer%d.%d.relu2", stage, block));
    x = conv_norm(b, x, pt_named("layer%d.%d.conv3", stage, block),
                  pt_named("layer%d.%d.bn3", stage, block), 4 * width,
                  pt_window_square(1, 1, 0));
    shortcut = shortcut_of(b, in, stage, block, 4 * width, stride);
    x = pt_build_add(b, x, shortcut, pt_named("layer%d.%d.add", stage, block));
    return pt_build_relu(b, x, pt_named("layer%d.%d.relu3", stage, block));
}

typedef int residual_block(pt_builder *b, int in, int stage, int block, int width,
                           int stride);

static void residual_net(pt_builder *b, const int *blocks, residual_block *add)
{
    int x = conv_norm(b, 0, pt_named("conv1"), pt_named("bn1"), 64,
                      pt_window_square(7, 2, 3));

    x = pt_build_relu(b, x, pt_named("relu"));
    x = pt_build_max_pool(b, x, pt_named("maxpool"), pt_window_square(3, 2, 1));
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++)
            x = add(b, x, stage + 1, block, 64 << stage, block == 0 && stage > 0 ? 2 : 1);
    pt_build_pooled_head(b, x, "fc");
}

void pt_build_resnet_basic(pt_builder *b, const int *blocks)
{
    residual_net(b, blocks, basic_block);
}

void pt_build_resnet(pt_builder *b, const int *blocks)
{
    residual_net(b, blocks, bottleneck);
}
