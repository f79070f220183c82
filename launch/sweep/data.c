#include "launch/sweep/data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/data/dataset.h"
#include "launch/support/probe.h"

void pt_sweep_data_fini(pt_sweep_data *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->files[i].path);
        free(d->files[i].checksum);
    }
    free(d->files);
    *d = (pt_sweep_data){0};
}

static char *read_checksum(const char *path)
{
    pt_dataset *set = NULL;
    char *checksum = NULL;

    if (access(path, R_OK) != 0) return NULL;
    if (pt_probe_dataset(path) == PT_OK && pt_dataset_open(path, &set) == PT_OK)
        checksum = strdup(pt_dataset_checksum(set));
    pt_dataset_destroy(&set);
    return checksum;
}

/* NULL: not known. */
static const char *checksum_of(pt_sweep_data *d, const char *path)
{
    struct pt_sweep_file *files;

    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->files[i].path, path) == 0) return d->files[i].checksum;
    files = realloc(d->files, (d->n + 1) * sizeof *files);
    if (!files) return NULL;
    d->files = files;
    files[d->n].path = strdup(path);
    if (!files[d->n].path) return NULL;
    files[d->n].checksum = read_checksum(path);
    return files[d->n++].checksum;
}

static pt_status compare(pt_sweep_data *d, const json_t *identity, const char *field,
                         const char *path, const char *dir)
{
    const char *was = json_string_value(json_object_get(identity, field)), *is;

    if (!was || !path || !(is = checksum_of(d, path)) || strcmp(was, is) == 0)
        return PT_OK;
    return pt_fail(
        PT_ERR_USAGE,
        "%s: was trained on different data from what %s holds now (%s was %.12s..., is "
        "%.12s...): choose another dir, or remove the run",
        dir, path, field, was, is);
}

pt_status pt_sweep_data_compare(pt_sweep_data *d, const json_t *identity,
                                const pt_config *c, const char *dir)
{
    pt_status s = compare(d, identity, "data_checksum", c->data->path, dir);

    return s == PT_OK ? compare(d, identity, "source_checksum", c->source->path, dir) : s;
}
