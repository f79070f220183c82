/* ONNX models. */
#include "common/weights/onnx.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_onnx_open, pt_fuzz_file("model.onnx", bytes, n));
    return 0;
}
