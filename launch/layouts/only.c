#include "launch/layouts/only.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

struct pt_only {
    char *text;    /* the patterns, each ended by a 0 */
    char *end;     /* of them */
    size_t n_root; /* bytes of the root's path */
};

static pt_status check_pattern(const char *pattern, const char *text)
{
    if (!*pattern)
        return pt_fail(
            PT_ERR_USAGE,
            "--only '%s': has an empty pattern, expected such as '*.jpg,*.png'", text);
    if (!strpbrk(pattern, "*?[./"))
        return pt_fail(PT_ERR_USAGE,
                       "--only '%s': fits only a file of this name; '*.%s' fits all that "
                       "end so",
                       pattern, pattern);
    return PT_OK;
}

pt_status pt_only_create(const char *text, const char *root, pt_only **out)
{
    pt_only *o = calloc(1, sizeof *o);
    pt_status s = PT_OK;

    *out = NULL;
    if (o) o->text = strdup(text);
    if (!o || !o->text) {
        s = pt_fail(PT_ERR_NOMEM, "--only: no memory for its patterns");
        goto done;
    }
    o->end = o->text + strlen(o->text);
    o->n_root = strlen(root);
    for (char *p = o->text; *p; p++)
        if (*p == ',') *p = '\0';
    for (char *p = o->text; p <= o->end && s == PT_OK; p += strlen(p) + 1)
        s = check_pattern(p, text);
    if (s != PT_OK) goto done;
    *out = o;
    o = NULL;
done:
    pt_only_destroy(&o);
    return s;
}

void pt_only_destroy(pt_only **o)
{
    if (!o || !*o) return;
    free((*o)->text);
    free(*o);
    *o = NULL;
}

bool pt_only_wants(const pt_only *o, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    path += o->n_root;
    while (*path == '/') path++;
    for (const char *p = o->text; p <= o->end; p += strlen(p) + 1)
        if (fnmatch(p, strchr(p, '/') ? path : name, FNM_CASEFOLD) == 0) return true;
    return false;
}

pt_status pt_only_count(const pt_only *o, const char *folder, size_t *meant, size_t *all)
{
    char *roots[] = {(char *)folder, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    FTSENT *e = NULL;
    pt_status s = PT_OK;

    *meant = *all = 0;
    while (tree && s == PT_OK && (e = fts_read(tree))) {
        if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            s = pt_fail(PT_ERR_IO, "%s: cannot be read: %s", e->fts_path,
                        strerror(e->fts_errno));
        else if (e->fts_level > 0 && e->fts_name[0] == '.')
            fts_set(tree, e, FTS_SKIP);
        else if (e->fts_info == FTS_F) {
            *all += 1;
            *meant += pt_only_wants(o, e->fts_path);
        }
    }
    if (!tree)
        return pt_fail(PT_ERR_IO, "%s: cannot be read: %s", folder, strerror(errno));
    fts_close(tree);
    return s;
}
