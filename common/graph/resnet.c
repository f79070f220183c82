/* ResNet-50, -101, -152 (He et al., CVPR 2016) with torchvision's names. The stride of a
 * stage's first block sits on its 3x3 convolution (torchvision) or on its first 1x1 (He
 * et al.). torchvision has no dropout before fc; p = 0 gives its network. */
#include "common/graph/builder.h"

static int conv_norm(pt_builder *b, int in, pt_name conv, pt_name norm, int c,
                     pt_window w)
{
    return pt_build_batch_norm(b, pt_build_conv(b, in, conv, c, w, false), norm);
}

static int bottleneck(pt_builder *b, int in, int stage, int block, int width, int stride)
{
    int at1 = b->opt.stride_at == PT_STRIDE_CONV1 ? stride : 1, at2 = stride / at1;
    int x = in, shortcut = in;

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
    if (block == 0)
        shortcut = conv_norm(b, in, pt_named("layer%d.%d.downsample.0", stage, block),
                             pt_named("layer%d.%d.downsample.1", stage, block), 4 * width,
                             pt_window_square(1, stride, 0));
    x = pt_build_add(b, x, shortcut, pt_named("layer%d.%d.add", stage, block));
    return pt_build_relu(b, x, pt_named("layer%d.%d.relu3", stage, block));
}

void pt_build_resnet(pt_builder *b, const int *blocks)
{
    int x = conv_norm(b, 0, pt_named("conv1"), pt_named("bn1"), 64,
                      pt_window_square(7, 2, 3));

    x = pt_build_relu(b, x, pt_named("relu"));
    x = pt_build_max_pool(b, x, pt_named("maxpool"), pt_window_square(3, 2, 1));
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++)
            x = bottleneck(b, x, stage + 1, block, 64 << stage,
                           block == 0 && stage > 0 ? 2 : 1);
    pt_build_pooled_head(b, x, "fc");
}
