/* PyTorch's legacy files: pickles, then storages. */
#include "common/weights/torch.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_torch_open, pt_fuzz_file("model.th", bytes, n));
    return 0;
}
