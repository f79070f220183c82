/* Residual networks for small images: three stages of basic blocks with 16, 32 and 64
 * channels (He et al., CVPR 2016, section 4.2).
 *
 * cifar_resnet20, cifar_resnet56  shortcuts without weights (option A); names of
 *                                 akamaster/pytorch_resnet_cifar10
 * resnet_small                    one block per stage, 1x1 projections with batch norm;
 *                                 names as torchvision's; for tests and the demonstration
 */
#include "common/graph/builder.h"

static int conv_norm(pt_builder *b, int in, pt_name conv, pt_name norm, int c,
                     pt_window w)
{
    return pt_build_batch_norm(b, pt_build_conv(b, in, conv, c, w, false), norm);
}

static int basic_block(pt_builder *b, int in, int stage, int block, int stride,
                       bool projection)
{
    int c = 8 << stage, x = in, shortcut = in;

    x = conv_norm(b, x, pt_named("layer%d.%d.conv1", stage, block),
                  pt_named("layer%d.%d.bn1", stage, block), c,
                  pt_window_square(3, stride, 1));
    x = pt_build_relu(b, x, pt_named("layer%d.%d.relu1", stage, block));
    x = conv_norm(b, x, pt_named("layer%d.%d.conv2", stage, block),
                  pt_named("layer%d.%d.bn2", stage, block), c, pt_window_square(3, 1, 1));
    if (stride != 1 && projection)
        shortcut = conv_norm(b, in, pt_named("layer%d.%d.downsample.0", stage, block),
                             pt_named("layer%d.%d.downsample.1", stage, block), c,
                             pt_window_square(1, stride, 0));
    else if (stride != 1)
        shortcut = pt_build_shortcut_a(
            b, in, pt_named("layer%d.%d.shortcut", stage, block), c, stride);
    x = pt_build_add(b, x, shortcut, pt_named("layer%d.%d.add", stage, block));
    return pt_build_relu(b, x, pt_named("layer%d.%d.relu2", stage, block));
}

static int trunk(pt_builder *b, int blocks, bool projection)
{
    int x = conv_norm(b, 0, pt_named("conv1"), pt_named("bn1"), 16,
                      pt_window_square(3, 1, 1));

    x = pt_build_relu(b, x, pt_named("relu"));
    for (int stage = 1; stage <= 3; stage++)
        for (int block = 0; block < blocks; block++)
            x = basic_block(b, x, stage, block, block == 0 && stage > 1 ? 2 : 1,
                            projection);
    return x;
}

void pt_build_cifar_resnet(pt_builder *b, const int *blocks)
{
    pt_build_pooled_head(b, trunk(b, blocks[0], false), "linear");
}

void pt_build_resnet_small(pt_builder *b, const int *blocks)
{
    pt_build_pooled_head(b, trunk(b, blocks[0], true), "fc");
}
