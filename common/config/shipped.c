#include "common/config/shipped.h"

#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/program.h"
#include "common/base/suggest.h"

bool pt_config_is_shipped(const char *name)
{
    return strncmp(name, PT_SHIPPED, strlen(PT_SHIPPED)) == 0;
}

/* The directory of all of them, malloc'd. */
static pt_status find_directory(char **dir)
{
    static const char *const places[] = {"../share/ptrain/configs", "../configs"};
    const char *given = getenv("PTRAIN_CONFIGS");
    char program[PATH_MAX];
    pt_status s;

    *dir = given ? strdup(given) : NULL;
    if (given) return *dir ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %s", given);
    s = pt_program_path(program, sizeof program);
    for (size_t i = 0; i < sizeof places / sizeof *places && s == PT_OK; i++) {
        char at[PATH_MAX];

        memcpy(at, program, sizeof at);
        free(*dir);
        *dir = pt_file_path(dirname(at), places[i]);
        if (*dir && access(*dir, R_OK | X_OK) == 0) return PT_OK;
    }
    free(*dir);
    *dir = NULL;
    if (s != PT_OK) return s;
    return pt_fail(PT_ERR_CONFIG,
                   "the configurations that come with ptrain are not beside %s; "
                   "PTRAIN_CONFIGS may name their directory",
                   program);
}

/* The names in dir as one writes them, and the end of the list; the matches own them. */
static const char **list_names(const char *dir, glob_t *matches)
{
    char *pattern = pt_file_path(dir, "*/*.yaml");
    const char **names;

    *matches = (glob_t){0};
    if (pattern) glob(pattern, 0, NULL, matches);
    free(pattern);
    names = calloc(matches->gl_pathc + 1, sizeof *names);
    for (size_t i = 0; i < matches->gl_pathc && names; i++) {
        char *path = matches->gl_pathv[i];

        path[strlen(path) - strlen(".yaml")] = '\0';
        names[i] = path + strlen(dir) + 1;
    }
    return names;
}

static pt_status not_there(const char *name, const char *dir)
{
    char like[PT_DID_YOU_MEAN] = "";
    glob_t matches;
    const char **names = list_names(dir, &matches);

    if (names) pt_did_you_mean(name, names, PT_SHIPPED, like);
    free(names);
    globfree(&matches);
    return pt_fail(PT_ERR_CONFIG, "%s%.100s: no such configuration in %s%s", PT_SHIPPED,
                   name, dir, like);
}

pt_status pt_config_shipped(const char *name, char **path)
{
    const char *rest = name + strlen(PT_SHIPPED), *dot = strrchr(rest, '.');
    bool whole = dot && strcmp(dot, ".yaml") == 0;
    char *dir = NULL;
    pt_status s = find_directory(&dir);

    *path = NULL;
    if (s != PT_OK) return s;
    if (asprintf(path, "%s/%s%s", dir, rest, whole ? "" : ".yaml") < 0) *path = NULL;
    if (!*path) s = pt_fail(PT_ERR_NOMEM, "no memory for %s", name);
    if (s == PT_OK && access(*path, F_OK) != 0) {
        s = not_there(rest, dir);
        free(*path);
        *path = NULL;
    }
    free(dir);
    return s;
}
