/* TensorFlow.js manifests; fuzz.sh lays shards beside them. */
#include "common/weights/tfjs.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_tfjs_open, pt_fuzz_file("model.json", bytes, n));
    return 0;
}
