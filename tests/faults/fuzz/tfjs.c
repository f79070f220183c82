/* TensorFlow.js manifests; fuzz.sh lays shards beside them. */
#include "common/weights/tfjs.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = pt_fuzz_file("model.json", bytes, n);
    pt_table *t = NULL;

    if (pt_tfjs_open(path, &t) == PT_OK)
        pt_fuzz_read_table(t);
    else
        PT_CHECK(!t, "a table that failed is there");
    pt_table_destroy(&t);
    pt_fuzz_inspect(path);
    return 0;
}
