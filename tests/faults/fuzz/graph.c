/* The graph of a network that a file described, as model files keep it: damaged, or of a
 * program that is not ours. What is accepted packs to bytes that give the same again. */
#include <stdlib.h>
#include <string.h>

#include "common/graph/packed.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_graph *g = NULL, *again = NULL;
    uint8_t *first = NULL, *second = NULL;
    size_t n_first = 0, n_second = 0;

    if (pt_graph_unpack(bytes, n, "bytes", &g) != PT_OK) {
        PT_CHECK(!g, "a graph that failed is there");
        return 0;
    }
    PT_CHECK(pt_graph_macs(g) > 0 && g->rep > 0, "an empty graph");
    PT_CHECK(pt_graph_pack(g, &first, &n_first) == PT_OK, "%s", pt_fail_text());
    PT_CHECK(pt_graph_unpack(first, n_first, "bytes", &again) == PT_OK, "%s",
             pt_fail_text());
    PT_CHECK(pt_graph_pack(again, &second, &n_second) == PT_OK, "%s", pt_fail_text());
    PT_CHECK(n_first == n_second && memcmp(first, second, n_first) == 0,
             "other bytes the second time");
    free(first);
    free(second);
    pt_graph_destroy(&g);
    pt_graph_destroy(&again);
    return 0;
}
