#include "common/base/float_mode.h"

#include <fenv.h>

#include "common/base/status.h"

void pt_float_mode_standard(void)
{
    PT_CHECK(fesetenv(FE_DFL_ENV) == 0, "the CPU's rounding cannot be set");
}
