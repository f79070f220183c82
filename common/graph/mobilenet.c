/* MobileNet v1, width 1.0 (Howard et al., 2017) with the layer names of Keras and
 * TensorFlow's padding. It ends at conv_dw_13_relu: conv_pw_13 of the pretrained weights
 * is not available, so the representation has the 1024 channels of the layer before it.
 */
#include "common/graph/builder.h"

static int norm_relu6(pt_builder *b, int in, const char *layer)
{
    int x = pt_build_batch_norm(b, in, pt_named("%s_bn", layer));

    return pt_build_relu6(b, x, pt_named("%s_relu", layer));
}

static pt_window same(const pt_builder *b, int in, int stride)
{
    const pt_node *n = pt_build_node(b, in);

    return pt_window_same(3, stride, n->h, n->w);
}

void pt_build_mobilenet(pt_builder *b, const int *blocks)
{
    static const int channels[13] = {64,  128, 128, 256, 256,  512, 512,
                                     512, 512, 512, 512, 1024, 0};
    int x = pt_build_conv(b, 0, pt_named("conv1"), 32, same(b, 0, 2), false);

    x = norm_relu6(b, x, "conv1");
    for (int i = 1; i <= 13; i++) {
        int stride = i == 2 || i == 4 || i == 6 || i == 12 ? 2 : 1;
        pt_name dw = pt_named("conv_dw_%d", i), pw = pt_named("conv_pw_%d", i);

        x = norm_relu6(b, pt_build_depthwise(b, x, dw, same(b, x, stride)), dw.text);
        if (i == 13) break;
        x = pt_build_conv(b, x, pw, channels[i - 1], pt_window_square(1, 1, 0), false);
        x = norm_relu6(b, x, pw.text);
    }
    pt_build_pooled_head(b, x, "head");
}
