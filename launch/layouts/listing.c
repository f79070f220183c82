#include "launch/layouts/listing.h"

#include <dirent.h>
#include <errno.h>
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
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        char **more = realloc(l->names, pt_mul(capacity, sizeof *more));
        if (!more) return pt_fail(PT_ERR_NOMEM, "no memory for %zu file names", capacity);
        l->names = more;
        l->capacity = capacity;
    }
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
    static const char *const endings[] = {".jpg",  ".jpeg", ".png",
                                          ".webp", ".gif",  ".bmp"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static void leave_out(pt_left_out *l, const char *path)
{
    if (l->n++ == 0) l->first = strdup(path);
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
        if (e->d_name[0] == '.') continue;
        free(full);
        s = pt_layout_join(path, e->d_name, &full);
        if (s != PT_OK) break;
        if (stat(full, &st) != 0) {
            pt_layout_fault(faults, "%s: cannot be opened: %s", full, strerror(errno));
            continue;
        }
        if (what == PT_LIST_FOLDERS
                ? S_ISDIR(st.st_mode)
                : S_ISREG(st.st_mode) && pt_is_picture_name(e->d_name))
            s = pt_listing_add(out, e->d_name);
        else if (what == PT_LIST_PICTURES || pt_is_picture_name(e->d_name))
            leave_out(left_out, full);
    }
    free(full);
    closedir(dir);
    if (s == PT_OK) pt_listing_sort(out);
    return s;
}
