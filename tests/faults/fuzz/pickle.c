/* A pickle alone, with globals of each use. */
#include "common/weights/pickle.h"

#include "tests/faults/fuzz/fuzz.h"

static const pt_pickle_global allowed[] = {
    {"collections", "OrderedDict", PT_PICKLE_MAKES_DICT},
    {"torch._utils", "_rebuild_tensor", PT_PICKLE_CALL},
    {"torch._utils", "_rebuild_tensor_v2", PT_PICKLE_CALL},
    {"torch", "FloatStorage", PT_PICKLE_NAME},
    {NULL, NULL, PT_PICKLE_NAME}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const pt_pickle_value *v;
    pt_pickle *p = NULL;
    size_t at = 0, values = 0;

    while (at < n && pt_pickle_read("input", bytes, n, &at, allowed, &p) == PT_OK) {
        PT_CHECK(at <= n, "the reader stands at %zu of %zu", at, n);
        for (; (v = pt_pickle_value_at(p, values)); values++)
            PT_CHECK(v->kind != PT_PICKLE_DICT || pt_pickle_lookup(v, "a") != v,
                     "a circle");
        PT_CHECK(values <= PT_PICKLE_VALUES_MAX, "%zu values", values);
        values = 0;
        pt_pickle_destroy(&p);
    }
    PT_CHECK(!p, "a pickle that failed is there");
    return 0;
}
