/* What `ptrain report` reads of a run: result.json, beside a configuration that is whole
 * (config.yaml has a target of its own). */
#include "launch/report/finished_run.h"

#include <sys/stat.h>

#include "tests/faults/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char config[] = "network: {name: resnet_small}\ndata: {path: d.h5}\n"
                                 "stages: [{epochs: 2}]\nrun: {dir: run}\n";
    const char *dir = "run";
    pt_finished_run *r = NULL;
    size_t n_read = 0;

    mkdir(dir, 0700);
    pt_fuzz_file("run/config.yaml", (const uint8_t *)config, sizeof config - 1);
    pt_fuzz_file("run/result.json", bytes, n);
    if (pt_finished_runs_read(&dir, 1, &r, &n_read) == PT_OK)
        pt_finished_runs_destroy(&r, n_read);
    return 0;
}
