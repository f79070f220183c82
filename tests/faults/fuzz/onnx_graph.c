/* The graphs of ONNX models. */
#include <stdlib.h>

#include "common/weights/onnx_graph.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_graph *g = NULL;
    float *flat = NULL;

    if (pt_onnx_graph_load(pt_fuzz_file("graph.onnx", bytes, n), &g, &flat) == PT_OK)
        PT_CHECK(pt_graph_macs(g) > 0 && g->rep > 0 && flat, "an empty graph");
    else
        PT_CHECK(!g && !flat, "a graph that failed is there");
    pt_graph_destroy(&g);
    free(flat);
    return 0;
}
