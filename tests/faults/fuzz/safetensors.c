/* safetensors: a header of JSON, then tensors. */
#include "common/weights/safetensors.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_safetensors_open, pt_fuzz_file("model.safetensors", bytes, n));
    return 0;
}
