/* Our own model files. */
#include "common/weights/model.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = pt_fuzz_file(pt_fuzz_own_name(), bytes, n);
    pt_table *t = NULL;

    if (pt_model_open(path, &t) == PT_OK)
        pt_fuzz_read_table(t);
    else
        PT_CHECK(!t, "a table that failed is there");
    pt_table_destroy(&t);
    pt_fuzz_inspect(path);
    pt_fuzz_nothing_open();
    return 0;
}
