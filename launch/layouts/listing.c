#include "launch/layouts/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void pt_listing_fini(pt_listing *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->names[i]);
    free(l->names);
    *l = (pt_listing){0};
}

pt_status pt_listing_add(pt_listing *l, const char *name)
{
    char **names = pt_grow(l->names, l->n, &l->capacity, sizeof *names);

    if (!names) return pt_fail(PT_ERR_NOMEM, "no memory for %zu file names", l->n + 1);
    l->names = names;
    l->names[l->n] = strdup(name);
    if (!l->names[l->n]) return pt_fail(PT_ERR_NOMEM, "no memory for a file name");
    l->n++;
    return PT_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pt_listing_sort(pt_listing *l)
{
    if (l->n > 1) qsort(l->names, l->n, sizeof *l->names, by_bytes);
}

long pt_listing_find(const pt_listing *l, const char *name)
{
    char **found =
        l->n > 0 ? bsearch(&name, l->names, l->n, sizeof *l->names, by_bytes) : NULL;

    return found ? found - l->names : -1;
}

bool pt_is_picture_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp",
                                          ".gif", ".bmp",  ".tif", ".tiff"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static void name_first(pt_left_out *l, const char *path)
{
    char *p = strdup(path);

    l->n++;
    for (int k = 0; k < PT_LEFT_OUT_NAMED && p; k++)
        if (!l->first[k] || strcmp(p, l->first[k]) < 0) {
            char *next = l->first[k];

            l->first[k] = p;
            p = next;
        }
    free(p);
}

static bool is_meant(const pt_left_out *l, const char *path)
{
    return !l->only || pt_only_wants(l->only, path);
}

void pt_leave_out(pt_left_out *l, const char *path)
{
    if (is_meant(l, path))
        name_first(l, path);
    else
        l->n_not_meant++;
}

pt_status pt_leave_folder_out(pt_left_out *l, const char *path)
{
    size_t meant = 1, all = 0;
    pt_status s = l->only ? pt_only_count(l->only, path, &meant, &all) : PT_OK;

    if (s == PT_OK && meant > 0) name_first(l, path);
    if (s == PT_OK && meant == 0) l->n_not_meant += all;
    return s;
}

void pt_left_out_fini(pt_left_out *l)
{
    for (int k = 0; k < PT_LEFT_OUT_NAMED; k++) free(l->first[k]);
    *l = (pt_left_out){0};
}

const char *pt_left_out_text(const pt_left_out *l, char text[PT_LEFT_OUT_TEXT])
{
    size_t at = 0;

    text[0] = '\0';
    for (int k = 0; k < PT_LEFT_OUT_NAMED && l->first[k]; k++)
        at += (size_t)snprintf(text + at, PT_LEFT_OUT_TEXT - at, "%s%.300s",
                               k ? ", " : "", l->first[k]);
    if (l->n > PT_LEFT_OUT_NAMED) snprintf(text + at, PT_LEFT_OUT_TEXT - at, ", ...");
    return text;
}

/* Names that nobody put there. */
static bool is_litter(const char *name)
{
    static const char *const litter[] = {"Thumbs.db", "desktop.ini", "__MACOSX"};

    for (size_t i = 0; i < sizeof litter / sizeof *litter; i++)
        if (strcasecmp(name, litter[i]) == 0) return true;
    return name[0] == '.';
}

pt_status pt_layout_join(const char *root, const char *name, char **out)
{
    size_t n = strlen(root), m = strlen(name);

    *out = malloc(n + m + 2);
    if (!*out) return pt_fail(PT_ERR_NOMEM, "%s: no memory for a file name", root);
    memcpy(*out, root, n);
    if (n > 0 && root[n - 1] != '/') (*out)[n++] = '/';
    memcpy(*out + n, name, m + 1);
    return PT_OK;
}

pt_status pt_list_folder(const char *path, pt_listing_kind what, pt_layout_faults *faults,
                         pt_left_out *left_out, pt_listing *out)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    struct stat st;
    char *full = NULL;
    pt_status s = PT_OK;

    if (!dir)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    while (s == PT_OK && (e = readdir(dir))) {
        if (is_litter(e->d_name)) continue;
        free(full);
        s = pt_layout_join(path, e->d_name, &full);
        if (s != PT_OK) break;
        if (stat(full, &st) != 0) {
            pt_layout_fault(faults, "%s: cannot be opened: %s", full, strerror(errno));
            continue;
        }
        if (what == PT_LIST_FOLDERS
                ? S_ISDIR(st.st_mode)
                : S_ISREG(st.st_mode) && pt_is_picture_name(e->d_name) &&
                      is_meant(left_out, full))
            s = pt_listing_add(out, e->d_name);
        else if (what == PT_LIST_PICTURES && S_ISDIR(st.st_mode))
            s = pt_leave_folder_out(left_out, full);
        else if (what == PT_LIST_PICTURES || pt_is_picture_name(e->d_name))
            pt_leave_out(left_out, full);
    }
    free(full);
    closedir(dir);
    if (s == PT_OK) pt_listing_sort(out);
    return s;
}
