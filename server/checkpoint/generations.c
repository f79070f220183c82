#include "server/checkpoint/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/fscall.h"
#include "common/base/log.h"

#define NAME_FORMAT "step-%012llu"

char *pt_checkpoint_path(const char *root, uint64_t step)
{
    char name[40];

    snprintf(name, sizeof name, NAME_FORMAT, (unsigned long long)step);
    return pt_file_path(root, name);
}

pt_status pt_checkpoint_begin(const char *path)
{
    pt_status s = pt_file_make_parents(path);

    return s == PT_OK ? pt_file_make_dir(path) : s;
}

static uint64_t step_of(const char *name)
{
    unsigned long long step = 0;

    sscanf(name, "step-%llu", &step);
    return step;
}

static int is_generation(const struct dirent *e)
{
    char again[40];

    snprintf(again, sizeof again, NAME_FORMAT, (unsigned long long)step_of(e->d_name));
    return strcmp(again, e->d_name) == 0;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

/* Names below root, newest first; free each and the list. */
static int list(const char *root, struct dirent ***names)
{
    int n;

    pt_fscall_begin("read", root);
    n = scandir(root, names, is_generation, newest_first);
    pt_fscall_end();
    if (n < 0) *names = NULL;
    return n < 0 ? 0 : n;
}

static void free_list(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
}

static bool is_complete(const char *path)
{
    char *manifest = pt_file_path(path, "manifest.json");
    bool yes;

    pt_fscall_begin("read", path);
    yes = manifest && access(manifest, F_OK) == 0;
    pt_fscall_end();

    free(manifest);
    return yes;
}

/* Lines of pt_fail_text are warnings here: an older checkpoint may be usable. */
static pt_status find_in(const char *root, struct dirent **names, int n,
                         pt_checkpoint *out)
{
    char *newest_fault = NULL;
    pt_status s = PT_OK;
    bool found = false;

    for (int i = 0; i < n && s == PT_OK && !found; i++) {
        char *path = pt_file_path(root, names[i]->d_name);

        if (!path) {
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory", root);
        } else if (is_complete(path)) {
            found = pt_checkpoint_verify(path, out) == PT_OK;
            if (!found) pt_log_warn("checkpoint not usable: %s", pt_fail_text());
            if (!found && !newest_fault) newest_fault = strdup(pt_fail_text());
        }
        free(path);
    }
    if (s == PT_OK && !found && newest_fault)
        s = pt_fail(PT_ERR_DATA,
                    "%s: no checkpoint is usable (the newest: %s); repair it, or use "
                    "--overwrite to start over",
                    root, newest_fault);
    free(newest_fault);
    return s;
}

pt_status pt_checkpoint_find(const char *root, pt_checkpoint *out)
{
    struct dirent **names;
    int n = list(root, &names);
    pt_status s;

    *out = (pt_checkpoint){0};
    s = find_in(root, names, n, out);
    free_list(names, n);
    return s;
}

bool pt_checkpoint_exists(const char *root, uint64_t *step)
{
    struct dirent **names;
    int n = list(root, &names);
    bool any = false;

    for (int i = 0; i < n && !any; i++) {
        char *path = pt_file_path(root, names[i]->d_name);

        any = path && is_complete(path);
        if (any && step) *step = step_of(names[i]->d_name);
        free(path);
    }
    free_list(names, n);
    return any;
}

static uint64_t generation_bytes(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    struct stat st;
    uint64_t bytes = 0;

    while (d && (e = readdir(d)))
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    if (d) closedir(d);
    return bytes;
}

uint64_t pt_checkpoint_bytes(const char *root)
{
    struct dirent **names;
    int n = list(root, &names);
    uint64_t bytes = 0;

    for (int i = 0; i < n; i++) {
        char *path = pt_file_path(root, names[i]->d_name);

        if (path) bytes += generation_bytes(path);
        free(path);
    }
    free_list(names, n);
    return bytes;
}

/* ---- removal ---------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    return strncmp(name, "part-", 5) == 0 || strncmp(name, "manifest.json", 13) == 0 ||
           strncmp(name, ".part-", 6) == 0 || strncmp(name, ".manifest.json", 14) == 0;
}

/* The manifest first, so that a half-removed checkpoint is not complete. */
static void remove_generation(const char *path)
{
    char *manifest = pt_file_path(path, "manifest.json");
    DIR *d = NULL;
    struct dirent *e;

    pt_fscall_begin("unlink", path);
    d = opendir(path);
    if (manifest) unlink(manifest);
    free(manifest);
    while (d && (e = readdir(d)))
        if (is_ours(e->d_name)) unlinkat(dirfd(d), e->d_name, 0);
    if (d) closedir(d);
    rmdir(path);
    pt_fscall_end();
}

void pt_checkpoint_prune(const char *root, int keep)
{
    struct dirent **names;
    int n = list(root, &names), kept = 0;

    for (int i = 0; i < n; i++) {
        char *path = pt_file_path(root, names[i]->d_name);

        if (path && is_complete(path) && kept < keep)
            kept++;
        else if (path)
            remove_generation(path);
        free(path);
    }
    free_list(names, n);
    if (keep == 0) rmdir(root);
}
