#include "launch/layouts/split_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/layouts/listing.h"

const char *const pt_split_names[PT_SPLIT_NAMES] = {"train", "val", "test"};

static const struct {
    const char *name;
    int split;
    bool plain;
} known[] = {{"train", 0, true}, {"training", 0, false},   {"val", 1, true},
             {"valid", 1, true}, {"validation", 1, false}, {"dev", 1, false},
             {"test", 2, true},  {"testing", 2, false}};
enum { N_KNOWN = sizeof known / sizeof *known };

int pt_split_of(const char *name, size_t n)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strlen(known[i].name) == n && strncasecmp(known[i].name, name, n) == 0)
            return known[i].split;
    return -1;
}

bool pt_split_is_plain(const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (known[i].plain && strcmp(known[i].name, name) == 0) return true;
    return false;
}

/* ---- lists ------------------------------------------------------------------------ */

static int split_of_list(const char *file)
{
    size_t n = strlen(file);

    return n > 4 && strcasecmp(file + n - 4, ".txt") == 0 ? pt_split_of(file, n - 4) : -1;
}

/* The lists of each split, sorted. */
static pt_status scan(const char *root, pt_listing lists[PT_SPLIT_NAMES])
{
    DIR *dir = opendir(root);
    struct dirent *e;
    pt_status s = PT_OK;

    if (!dir)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", root, strerror(errno));
    while (s == PT_OK && (e = readdir(dir))) {
        int split = split_of_list(e->d_name);

        if (split >= 0) s = pt_listing_add(&lists[split], e->d_name);
    }
    closedir(dir);
    for (int k = 0; k < PT_SPLIT_NAMES; k++) pt_listing_sort(&lists[k]);
    return s;
}

static bool is_exact(const char *file, int split)
{
    size_t n = strlen(pt_split_names[split]);

    return strncmp(file, pt_split_names[split], n) == 0 && strcmp(file + n, ".txt") == 0;
}

/* *out: one of the names, or NULL where there are none. */
static pt_status choose(const char *root, const pt_listing *l, int split,
                        const char **out)
{
    *out = l->n > 0 ? l->names[0] : NULL;
    for (size_t i = 0; i < l->n; i++)
        if (is_exact(l->names[i], split)) *out = l->names[i];
    if (l->n > 1 && !is_exact(*out, split))
        return pt_fail(PT_ERR_DATA,
                       "%s: both %s and %s could be the list of the split %s: rename the "
                       "one that is to %s.txt",
                       root, l->names[0], l->names[1], pt_split_names[split],
                       pt_split_names[split]);
    for (size_t i = 0; i < l->n; i++)
        if (l->names[i] != *out)
            pt_log_warn("%s/%s: is beside %s and was left out", root, l->names[i], *out);
    return PT_OK;
}

pt_status pt_split_find_lists(const char *root, char *out[PT_SPLIT_NAMES])
{
    pt_listing lists[PT_SPLIT_NAMES] = {{0}};
    const char *name;
    pt_status s = scan(root, lists);

    for (int k = 0; k < PT_SPLIT_NAMES; k++) {
        if (s == PT_OK) s = choose(root, &lists[k], k, &name);
        if (s == PT_OK && name && !(out[k] = strdup(name)))
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory", root);
        pt_listing_fini(&lists[k]);
    }
    return s;
}

bool pt_split_has_lists(const char *root)
{
    pt_listing lists[PT_SPLIT_NAMES] = {{0}};
    char *classes = NULL;
    bool yes = scan(root, lists) == PT_OK && (lists[0].n > 0 || lists[2].n > 0) &&
               pt_layout_join(root, "classes.txt", &classes) == PT_OK &&
               access(classes, F_OK) == 0;

    for (int k = 0; k < PT_SPLIT_NAMES; k++) pt_listing_fini(&lists[k]);
    free(classes);
    return yes;
}
