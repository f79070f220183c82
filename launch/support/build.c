#include "launch/support/build.h"

#include "common/comm/job.h"
#include "common/gemm/gemm_path.h"
#include "launch/support/version.h"

void pt_version_print(FILE *out)
{
    char mpi[PT_JOB_LIBRARY_BYTES];

    fprintf(out, "ptrain %s\n", PT_VERSION);
    if (PT_COMMIT[0]) fprintf(out, "  commit   %s\n", PT_COMMIT);
    fprintf(out, "  built    by %s, %s\n", PT_COMPILER, PT_BUILD);
    fprintf(out, "  MPI      %s\n", pt_job_mpi_library(mpi));
    fprintf(out, "  kernels  %s\n", pt_gemm_path_in_use()->name);
}
