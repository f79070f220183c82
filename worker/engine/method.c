#include "worker/engine/method.h"

#include <stdio.h>

#include "worker/engine/gemm_blas.h"
#include "worker/engine/gemm_path.h"

const char *pt_method_identity(pt_conv_method m)
{
    if (m == PT_BLAS) return pt_blas_describe();
    return m == PT_WINOGRAD ? "exact, Winograd" : "exact";
}

const char *pt_method_describe(pt_conv_method m)
{
    static _Thread_local char text[64];

    if (m == PT_BLAS) return pt_blas_describe();
    snprintf(text, sizeof text, "%s (%s)", pt_method_identity(m),
             pt_gemm_path_in_use()->name);
    return text;
}
