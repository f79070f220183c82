/* PyTorch's zip files. */
#include "common/weights/torch_zip.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_torch_zip_open, pt_fuzz_file("model.pth", bytes, n));
    return 0;
}
