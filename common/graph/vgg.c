/* VGG-16, configuration D of Simonyan and Zisserman, with torchvision's names: nodes are
 * numbered as in torchvision's `features` and `classifier`. */
#include "common/graph/builder.h"

enum { GRID = 7 }; /* rows and columns of the map that the first linear layer reads */

void pt_build_vgg16(pt_builder *b, const int *blocks)
{
    static const int convs[5] = {2, 2, 3, 3, 3}, channels[5] = {64, 128, 256, 512, 512};
    int x = 0, i = 0;
    int rep[3];

    for (int stage = 0; stage < 5; stage++) {
        for (int k = 0; k < convs[stage]; k++) {
            x = pt_build_conv(b, x, pt_named("features.%d", i++), channels[stage],
                              pt_window_square(3, 1, 1), true);
            x = pt_build_relu(b, x, pt_named("features.%d", i++));
        }
        x = pt_build_max_pool(b, x, pt_named("features.%d", i++),
                              pt_window_square(2, 2, 0));
    }
    if (pt_build_node(b, x)->h != GRID) /* at 224 pixels it would change nothing */
        x = pt_build_adaptive_avg_pool(b, x, pt_named("avgpool"), GRID);
    x = pt_build_linear(b, x, pt_named("classifier.0"), 4096);
    x = pt_build_relu(b, x, pt_named("classifier.1"));
    x = pt_build_dropout(b, x, pt_named("classifier.2"));
    x = rep[PT_REP_BEFORE_RELU] = pt_build_linear(b, x, pt_named("classifier.3"), 4096);
    x = rep[PT_REP_AFTER_RELU] = pt_build_relu(b, x, pt_named("classifier.4"));
    if (b->opt.n_source_classes > 0) {
        int y = pt_build_dropout(b, x, pt_named("source_classifier.5"));

        pt_build_source_logits(
            b, pt_build_linear(b, y, pt_named("source_head"), b->opt.n_source_classes));
    }
    x = rep[PT_REP_AFTER_DROPOUT] = pt_build_dropout(b, x, pt_named("classifier.5"));
    if (b->status == PT_OK) b->g->rep = rep[b->opt.rep_at];
    b->in_head = true;
    pt_build_linear(b, x, pt_named("classifier.6"), b->opt.n_classes);
}
