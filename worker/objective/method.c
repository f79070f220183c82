#include "worker/objective/method.h"

#define ROW(NAME, name, run, worker, ...)                                                \
    PT_IF_##worker([PT_METHOD_##NAME] = &pt_worker_##name, )
const pt_worker_method *const pt_worker_methods[PT_N_METHODS] = {PT_METHOD_LIST(ROW)};
