#ifndef PT_TESTS_GEMM_WIDE_H
#define PT_TESTS_GEMM_WIDE_H

#include "common/gemm/gemm_bf16.h"
#include "common/gemm/gemm_path.h"

extern const pt_gemm_path pt_gemm_wide;
extern const pt_gemm_bf16_path pt_gemm_wide_bf16;

#endif
