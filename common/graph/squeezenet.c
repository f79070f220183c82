/* SqueezeNet 1.1 (Iandola et al., 2016) with torchvision's names. Pools round up. */
#include "common/graph/builder.h"

static int conv_relu(pt_builder *b, int in, int fire, const char *part, int c, int k)
{
    int x = pt_build_conv(b, in, pt_named("features.%d.%s", fire, part), c,
                          pt_window_square(k, 1, k / 2), true);

    return pt_build_relu(b, x, pt_named("features.%d.%s_activation", fire, part));
}

static int fire_module(pt_builder *b, int in, int index, int squeeze, int expand)
{
    int x = conv_relu(b, in, index, "squeeze", squeeze, 1);
    int e1 = conv_relu(b, x, index, "expand1x1", expand, 1);
    int e3 = conv_relu(b, x, index, "expand3x3", expand, 3);

    return pt_build_concat(b, e1, e3, pt_named("features.%d", index));
}

static int pool(pt_builder *b, int in, int index)
{
    pt_window w = pt_window_square(3, 2, 0);

    w.ceil = true;
    return pt_build_max_pool(b, in, pt_named("features.%d", index), w);
}

/* The network's own head, which pools after it classifies. As a branch its convolution is
 * source_head. */
static int classifier(pt_builder *b, int in, const char *prefix, int classes)
{
    pt_name conv = prefix[0] ? pt_named("source_head") : pt_named("classifier.1");
    int x = pt_build_dropout(b, in, pt_named("%sclassifier.0", prefix));

    x = pt_build_conv(b, x, conv, classes, pt_window_square(1, 1, 0), true);
    x = pt_build_relu(b, x, pt_named("%sclassifier.2", prefix));
    return pt_build_global_avg_pool(b, x, pt_named("%sclassifier.3", prefix));
}

void pt_build_squeezenet(pt_builder *b, const int *blocks)
{
    static const struct {
        int squeeze, expand; /* squeeze 0: a pool */
    } module[10] = {{16, 64}, {16, 64},  {0, 0},    {32, 128}, {32, 128},
                    {0, 0},   {48, 192}, {48, 192}, {64, 256}, {64, 256}};
    int x =
        pt_build_conv(b, 0, pt_named("features.0"), 64, pt_window_square(3, 2, 0), true);

    x = pt_build_relu(b, x, pt_named("features.1"));
    x = pool(b, x, 2);
    for (int i = 0; i < 10; i++)
        x = module[i].squeeze
                ? fire_module(b, x, i + 3, module[i].squeeze, module[i].expand)
                : pool(b, x, i + 3);
    if (!b->opt.original_head) {
        int classes = b->opt.n_source_classes;

        if (classes > 0) pt_build_source_logits(b, classifier(b, x, "source_", classes));
        b->opt.n_source_classes = 0; /* it is made */
        pt_build_pooled_head(b, x, "head");
        return;
    }
    if (b->status == PT_OK) b->g->rep = x;
    b->in_head = true;
    classifier(b, x, "", b->opt.n_classes);
}
