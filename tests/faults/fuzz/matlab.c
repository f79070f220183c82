/* MATLAB files, read for the array that Flower102's labels are in. */
#include "launch/layouts/matlab.h"

#include <stdlib.h>

#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const names[] = {"labels", "trnid", "absent"};
    const char *path = pt_fuzz_file("labels.mat", bytes, n);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double *values = NULL, sum = 0;
        size_t k = 0;

        if (pt_matlab_read(path, names[i], &values, &k) != PT_OK)
            PT_CHECK(!values, "values that failed are there");
        for (size_t j = 0; values && j < k; j++) sum += values[j];
        PT_CHECK(values || sum == 0, "no values and a sum");
        free(values);
    }
    return 0;
}
