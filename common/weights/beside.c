#include "common/weights/beside.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1024 };

static bool stays_below(const char *path)
{
    if (*path == '/' || *path == '\0' || strlen(path) > PATH_MAX_BYTES) return false;
    for (const char *p = path; p; p = strchr(p, '/')) {
        if (*p == '/') p++;
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0')) return false;
    }
    return true;
}

/* Bytes of the model's folder in its path, with the slash. */
static size_t folder_bytes(const char *model)
{
    const char *slash = strrchr(model, '/');

    return slash ? (size_t)(slash - model) + 1 : 0;
}

pt_status pt_beside_path(const char *model, const char *what, const char *name,
                         char **whole)
{
    size_t n_dir = folder_bytes(model);

    *whole = NULL;
    if (!stays_below(name))
        return pt_fail(PT_ERR_DATA, "%s: %s '%.80s' is not a path below the model", model,
                       what, name);
    *whole = malloc(n_dir + strlen(name) + 1);
    if (!*whole) return pt_fail(PT_ERR_NOMEM, "%s: no memory", model);
    memcpy(*whole, model, n_dir);
    memcpy(*whole + n_dir, name, strlen(name) + 1);
    return PT_OK;
}

/* The real folder of the model, malloc'd, without a slash at its end but the root's. */
static char *real_folder(const char *model)
{
    size_t n = folder_bytes(model);
    char *folder = n ? strndup(model, n) : strdup("."), *real = NULL;

    if (folder) real = realpath(folder, NULL);
    free(folder);
    return real;
}

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    if (strncmp(path, folder, n) != 0) return false;
    return path[n] == '/' || (n > 0 && folder[n - 1] == '/');
}

pt_status pt_beside_check(const char *model, const char *what, const char *whole)
{
    char *folder = real_folder(model), *file = realpath(whole, NULL);
    pt_status s = PT_OK;

    if (!folder || !file)
        s = pt_fail(PT_ERR_IO, "%s: %s %s cannot be opened: %s: keep both in one folder",
                    model, what, whole, strerror(errno));
    else if (!is_below(file, folder))
        s = pt_fail(PT_ERR_DATA,
                    "%s: %s %s is a link to %s, outside the model's folder: put a copy "
                    "of the file there",
                    model, what, whole, file);
    free(folder);
    free(file);
    return s;
}
