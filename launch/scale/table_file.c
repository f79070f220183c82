#include "launch/scale/table_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "launch/sweep/table.h"

const char *pt_scale_name(bool weak)
{
    return weak ? "weak" : "strong";
}

static void put_job(FILE *f, const pt_scale_job *j)
{
    fprintf(f, "  - {name: w%d, set: [engine.workers=%d", j->workers, j->workers);
    if (j->threads > 0) fprintf(f, ", engine.threads=%d", j->threads);
    if (j->batch > 0) fprintf(f, ", data.batch=%d", j->batch);
    if (j->ranks > 0) fprintf(f, ", server.ranks=%d", j->ranks - j->workers);
    fprintf(f, "]}\n");
}

pt_status pt_scale_write_table(const char *path, const char *dir, bool weak,
                               const char *config, const pt_scale_job *jobs, size_t n)
{
    char *text = NULL, *runs = pt_file_path(dir, pt_scale_name(weak));
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    pt_status s;

    if (!f || !runs) {
        if (f) fclose(f);
        free(text);
        free(runs);
        return pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    }
    fprintf(f, "# Written by `ptrain scale`.\ndir: ");
    pt_sweep_quote(f, runs);
    fprintf(f, "\nconfig: [");
    pt_sweep_quote(f, config);
    fprintf(f, "]\nrows:\n");
    for (size_t i = 0; i < n; i++) put_job(f, &jobs[i]);
    if (n == 1 && jobs[0].ranks > 0)
        fprintf(f, "slurm: {ntasks: %d, options: [--nodes=%d]}\n", jobs[0].ranks,
                jobs[0].nodes);
    if (fclose(f) != 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    else
        s = pt_file_make_parents(path);
    if (s == PT_OK) s = pt_file_replace(path, text, bytes);
    free(text);
    free(runs);
    return s;
}
