/* Keras weights in HDF5. */
#include "common/weights/keras.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    pt_fuzz_weights(pt_keras_open, pt_fuzz_file(pt_fuzz_own_name(), bytes, n));
    pt_fuzz_nothing_open();
    return 0;
}
