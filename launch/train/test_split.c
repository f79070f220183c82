#include "launch/train/test_split.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

static bool has(const pt_dataset *d, const char *split)
{
    const uint32_t *images;
    size_t n;

    return pt_dataset_split(d, split, &images, &n) == PT_OK;
}

pt_status pt_test_split_find(const pt_dataset *d, const Pt__Config__Data *c,
                             const char **out)
{
    bool asked = strcmp(c->test_split, "test") != 0;
    const uint32_t *images;
    char why[512];
    size_t n;
    pt_status s = pt_dataset_split(d, c->test_split, &images, &n);

    *out = s == PT_OK ? c->test_split : NULL;
    if (s != PT_ERR_DATA) return s;
    if (!asked) {
        if (!c->validation_split && has(d, "val")) *out = "val";
        return PT_OK;
    }
    snprintf(why, sizeof why, "%s", pt_fail_text());
    return pt_fail(s,
                   "%s (data.test_split names the split to test on; `ptrain pack "
                   "--test-share 0.2` draws one from the training images)",
                   why);
}

pt_status pt_test_split_check(const pt_config *c, bool tested)
{
    bool chooses = tested || c->data->validation_split || c->data->validation_share > 0;

    if (!c->run->keep_best || chooses) return PT_OK;
    return pt_fail(
        PT_ERR_CONFIG,
        "run.keep_best needs images to choose the best model by, and %s has no "
        "split to test on: set data.validation_share: 0.1 (of the training "
        "images)",
        c->data->path);
}

void pt_test_split_warn(const char *path)
{
    pt_log_warn(
        "%s: has no split to test on: there will be no test accuracy (`ptrain pack "
        "--test-share 0.2` draws a test split, data.test_split names one)",
        path);
}
