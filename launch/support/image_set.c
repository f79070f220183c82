#include "launch/support/image_set.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/comm/job.h"
#include "common/run/plan.h"
#include "launch/support/agree.h"
#include "launch/support/probe.h"

pt_status pt_image_set_open(const char *path, const char *split, uint32_t per_class,
                            pt_image_set *out)
{
    pt_status s;

    *out = (pt_image_set){0};
    s = pt_job_agree(pt_job_rank() == 0 ? pt_probe_dataset(path) : PT_OK);
    if (s == PT_OK) s = pt_job_agree(pt_dataset_open(path, &out->data));
    if (s == PT_OK) s = pt_agree_on_data(path, path, out->data);
    if (s != PT_OK) return s;
    return pt_job_agree(
        pt_plan_select(split, per_class, NULL, out->data, &out->images, &out->n));
}

void pt_image_set_fini(pt_image_set *s)
{
    free(s->images);
    pt_dataset_destroy(&s->data);
    *s = (pt_image_set){0};
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    if (strcmp(a, b) == 0) return true;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

pt_status pt_check_output(const char *out, bool overwrite, const char *const *inputs,
                          int n)
{
    for (int i = 0; i < n; i++)
        if (is_same_file(out, inputs[i]))
            return pt_fail(PT_ERR_USAGE, "%s would overwrite its own input", out);
    if (pt_job_rank() == 0 && !overwrite && access(out, F_OK) == 0)
        return pt_fail(PT_ERR_USAGE, "%s already exists; --overwrite replaces it", out);
    return PT_OK;
}
