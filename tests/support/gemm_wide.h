#ifndef PT_TESTS_GEMM_WIDE_H
#define PT_TESTS_GEMM_WIDE_H

#include "common/gemm/gemm_path.h"

extern const pt_gemm_path pt_gemm_wide;

#endif
