/* Files of `ptrain attention`: what the trial reads, then weights for a network. */
#include "common/run/delta.h"

#include <math.h>
#include <stdlib.h>

#include "tests/faults/fuzz/fuzz.h"

static void read_weights(const char *path)
{
    static char conv[] = "layer2.0.conv2";
    pt_graph_options o = {.side = 32, .n_classes = 5};
    pt_graph *graph = NULL;
    char *name = conv;
    int *nodes = NULL, n = 0;
    float factor[32];

    PT_CHECK(pt_graph_create("resnet_small", &o, &graph) == PT_OK, "no network");
    PT_CHECK(pt_delta_find(graph, "name", &name, 1, &nodes, &n) == PT_OK, "no node");

    pt_delta_maps maps = {graph, nodes, n};

    PT_CHECK(pt_delta_channels(&maps) == 32, "other channels");
    if (pt_delta_read_attention(path, &maps, factor) == PT_OK)
        for (int i = 0; i < 32; i++)
            PT_CHECK(isfinite(factor[i]) && factor[i] >= 0, "a weight of %g",
                     (double)factor[i]);
    free(nodes);
    pt_graph_destroy(&graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = pt_fuzz_file(pt_fuzz_own_name(), bytes, n);

    if (pt_delta_try_attention(path) == PT_OK) read_weights(path);
    pt_fuzz_nothing_open();
    return 0;
}
