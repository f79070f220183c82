/* Our own model files. */
#include "common/weights/model.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_model_open, pt_fuzz_file(pt_fuzz_own_name(), bytes, n));
    pt_fuzz_nothing_open();
    return 0;
}
