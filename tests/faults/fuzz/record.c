/* The step record as it arrives: always PT_RECORD_BYTES bytes. */
#include <string.h>

#include "common/run/wire.h"
#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t in[PT_RECORD_BYTES] = {0}, out[PT_RECORD_BYTES];
    Pt__Record__StepRecord r, again;

    memcpy(in, bytes, n < sizeof in ? n : sizeof in);
    if (pt_record_unpack(in, &r) != PT_OK) return 0;
    PT_CHECK(r.verdict >= PT__RECORD__VERDICT__APPLY &&
                 r.verdict <= PT__RECORD__VERDICT__STOP,
             "verdict %d", (int)r.verdict);
    pt_record_pack(&r, out);
    PT_CHECK(pt_record_unpack(out, &again) == PT_OK, "%s", pt_fail_text());
    PT_CHECK(r.step == again.step && r.verdict == again.verdict && r.last == again.last,
             "a record is another after packing");
    return 0;
}
