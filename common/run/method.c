#include "common/run/method.h"

#define ROW(NAME, name, run, ...)                                                        \
    PT_IF_##run([PT_METHOD_##NAME] = &pt_run_method_##name, )
const pt_run_method *const pt_run_methods[PT_N_METHODS] = {PT_METHOD_LIST(ROW)};
