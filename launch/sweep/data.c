#include "launch/sweep/data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/dataset.h"
#include "launch/probe.h"

void pt_sweep_data_fini(pt_sweep_data *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->path[i]);
        free(d->checksum[i]);
    }
    free(d->path);
    free(d->checksum);
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
    char **paths, **checksums;

    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->path[i], path) == 0) return d->checksum[i];
    paths = realloc(d->path, (d->n + 1) * sizeof *paths);
    if (paths) d->path = paths;
    checksums = realloc(d->checksum, (d->n + 1) * sizeof *checksums);
    if (checksums) d->checksum = checksums;
    if (!paths || !checksums || !(d->path[d->n] = strdup(path))) return NULL;
    d->checksum[d->n] = read_checksum(path);
    return d->checksum[d->n++];
}

static pt_status compare(pt_sweep_data *d, const json_t *identity, const char *field,
                         const char *path, const char *dir)
{
    const char *was = json_string_value(json_object_get(identity, field)), *is;

    if (!was || !path || !(is = checksum_of(d, path)) || strcmp(was, is) == 0)
        return PT_OK;
    return pt_fail(PT_ERR_USAGE,
                   "%s: was made with other data than %s holds now (%s was %.12s..., is "
                   "%.12s...): choose another dir, or remove the run",
                   dir, path, field, was, is);
}

pt_status pt_sweep_data_compare(pt_sweep_data *d, const json_t *identity,
                                const pt_config *c, const char *dir)
{
    pt_status s = compare(d, identity, "data_checksum", c->data->path, dir);

    return s == PT_OK ? compare(d, identity, "source_checksum", c->source->path, dir) : s;
}
