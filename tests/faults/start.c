/* What every job does first: ranks that report a line about themselves to rank 0. A tool
 * of start.sh, which stops one of them under the shim. usage: faults_start DEADLINE_S */
#include <stdio.h>
#include <stdlib.h>

#include "common/comm/job.h"

int main(int argc, char **argv)
{
    double deadline = argc > 1 ? atof(argv[1]) : 0;
    char *all;
    uint64_t sum = 0;
    pt_status s = pt_job_start(&argc, &argv);

    if (s != PT_OK) return pt_job_end(s);
    pt_job_set_deadline(deadline);
    all = pt_job_gather_text("here");
    s = pt_job_agree(pt_job_sum_on_host(1, &sum));
    if (all)
        printf("%d ranks, %d here, the last says %s\n", pt_job_size(), (int)sum,
               all + (size_t)(pt_job_size() - 1) * PT_JOB_TEXT_BYTES);
    free(all);
    return pt_job_end(s);
}
