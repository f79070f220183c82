#include "launch/sweep/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_name(const char *name)
{
    if (!name || !name[0] || name[0] == '.' || strlen(name) > PT_SWEEP_MAX_NAME)
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name)) return false;
    return true;
}

static bool check_entries(pt_config_file *f, const char *list, Pt__Sweep__Entry **entries,
                          size_t n)
{
    bool usable = true;
    char path[64];

    for (size_t i = 0; i < n; i++) {
        const char *name = entries[i]->name;

        snprintf(path, sizeof path, "%s.%zu.name", list, i);
        if (!is_name(name)) {
            usable = usable && name;
            if (name)
                pt_config_file_fault(
                    f, path,
                    "'%.60s' cannot be a directory name: use letters, digits, . _ and -, "
                    "at most %d of them, and no leading .",
                    name, PT_SWEEP_MAX_NAME);
            else
                pt_config_file_fault(f, path, "%s.%zu has no name", list, i);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            if (entries[k]->name && strcmp(entries[k]->name, name) == 0)
                pt_config_file_fault(f, path, "%s has two entries named '%s'", list,
                                     name);
    }
    return usable;
}

static bool check_axes(pt_config_file *f, const Pt__Sweep__Table *t)
{
    bool usable = t->n_axes <= PT_SWEEP_MAX_AXES;
    char list[32];

    if (!usable)
        pt_config_file_fault(f, "axes", "%zu axes, at most %d", t->n_axes,
                             PT_SWEEP_MAX_AXES);
    for (size_t i = 0; i < t->n_axes && i < PT_SWEEP_MAX_AXES; i++) {
        snprintf(list, sizeof list, "axes.%zu.of", i);
        if (t->axes[i]->n_of == 0) {
            pt_config_file_fault(f, list, "axes.%zu has no entries", i);
            usable = false;
        }
        usable = check_entries(f, list, t->axes[i]->of, t->axes[i]->n_of) && usable;
    }
    return usable;
}

bool pt_sweep_check(pt_config_file *f)
{
    const Pt__Sweep__Table *t = (const Pt__Sweep__Table *)pt_config_file_message(f);
    pt_sweep_seed *seeds = pt_calloc(PT_SWEEP_MAX_SEEDS, sizeof *seeds);
    bool usable = t->dir && t->n_config > 0;

    if (!t->dir)
        pt_config_file_fault(f, "dir", "dir is not given: where run directories go");
    if (t->n_config == 0)
        pt_config_file_fault(f, "config",
                             "config is not given: the configuration of all runs");
    if ((t->n_rows > 0) == (t->n_axes > 0)) {
        pt_config_file_fault(f, t->n_rows > 0 ? "axes" : "rows", "give rows or axes%s",
                             t->n_rows > 0 ? ", not both" : ": neither is given");
        usable = false;
    }
    usable = check_entries(f, "rows", t->rows, t->n_rows) && usable;
    usable = check_axes(f, t) && usable;
    if (seeds) pt_sweep_seeds(t, seeds, f);
    free(seeds);
    return usable;
}

/* "7" or "1-5". */
static bool read_range(const char *text, uint64_t *first, uint64_t *last)
{
    char *end;

    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    *first = *last = strtoull(text, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1]))
        *last = strtoull(end + 1, &end, 10);
    return errno == 0 && *end == '\0' && *first <= *last;
}

static bool is_among(const pt_sweep_seed *seeds, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        if (seeds[i].seed == seed) return true;
    return false;
}

size_t pt_sweep_seeds(const Pt__Sweep__Table *t, pt_sweep_seed *out, pt_config_file *f)
{
    uint64_t first, last;
    size_t n = 0;
    char path[32];

    for (size_t i = 0; i < t->n_seeds; i++) {
        snprintf(path, sizeof path, "seeds.%zu", i);
        if (!read_range(t->seeds[i], &first, &last)) {
            if (f)
                pt_config_file_fault(
                    f, path, "'%.60s' is not a seed or a range as in 1-5", t->seeds[i]);
            continue;
        }
        if (last - first >= PT_SWEEP_MAX_SEEDS - n) {
            if (f)
                pt_config_file_fault(f, path, "more than %d seeds", PT_SWEEP_MAX_SEEDS);
            return n;
        }
        for (uint64_t k = 0; k <= last - first; k++) {
            if (!is_among(out, n, first + k))
                out[n++] = (pt_sweep_seed){first + k, i};
            else if (f)
                pt_config_file_fault(f, path, "seed %llu is given twice",
                                     (unsigned long long)(first + k));
        }
    }
    return n;
}
