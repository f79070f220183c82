/* Caffe models. */
#include "common/weights/caffe.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_caffe_open, pt_fuzz_file("model.caffemodel", bytes, n));
    return 0;
}
