#include "launch/evaluate/files.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "launch/layouts/listing.h"
#include "launch/support/lines.h"
#include "launch/support/probe.h"

enum { MAX_FILE_BYTES = 1 << 30 };

typedef struct {
    char *path;           /* of a file; NULL: an image of a data set */
    const pt_dataset *in; /* that */
    size_t image;
} picture;

struct pt_files {
    picture *list;
    size_t n, capacity;
    pt_dataset **sets; /* [n_sets] */
    size_t n_sets;
};

void pt_files_destroy(pt_files **f)
{
    if (!f || !*f) return;
    for (size_t i = 0; i < (*f)->n; i++) free((*f)->list[i].path);
    for (size_t i = 0; i < (*f)->n_sets; i++) pt_dataset_destroy(&(*f)->sets[i]);
    free((*f)->list);
    free((*f)->sets);
    free(*f);
    *f = NULL;
}

static pt_status no_memory(void)
{
    return pt_fail(PT_ERR_NOMEM, "no memory for the names of the pictures");
}

static pt_status add(pt_files *f, const char *path, const pt_dataset *in, size_t image)
{
    picture *list = pt_grow(f->list, f->n, &f->capacity, sizeof *list);
    char *copy = path ? strdup(path) : NULL;

    if (list) f->list = list;
    if (!list || (path && !copy)) {
        free(copy);
        return no_memory();
    }
    f->list[f->n++] = (picture){copy, in, image};
    return PT_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static pt_status add_folder(pt_files *f, const char *path)
{
    char *roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    size_t before = f->n;
    FTSENT *entry;
    pt_status s = PT_OK;

    if (!tree) return pt_fail(PT_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    while (s == PT_OK && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
            s = pt_fail(PT_ERR_IO, "%s: cannot be read: %s", entry->fts_path,
                        strerror(entry->fts_errno));
        else if (entry->fts_info == FTS_F && entry->fts_name[0] != '.' &&
                 pt_is_picture_name(entry->fts_name))
            s = add(f, entry->fts_path, NULL, 0);
    }
    fts_close(tree);
    if (s == PT_OK && f->n == before)
        s = pt_fail(PT_ERR_DATA, "%s: there are no pictures in this folder", path);
    return s;
}

static pt_status add_set(pt_files *f, const char *path)
{
    pt_dataset **more = realloc(f->sets, (f->n_sets + 1) * sizeof *more);
    pt_dataset *d = NULL;
    pt_status s;

    if (!more) return no_memory();
    f->sets = more;
    s = pt_probe_dataset(path);
    if (s == PT_OK) s = pt_dataset_open(path, &d);
    if (s != PT_OK) return s;
    f->sets[f->n_sets++] = d;
    for (size_t i = 0; i < pt_dataset_images(d) && s == PT_OK; i++)
        s = add(f, NULL, d, i);
    return s;
}

static pt_status add_name(pt_files *f, const char *name)
{
    size_t n = strlen(name);
    struct stat st;

    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) return add_folder(f, name);
    if (n > 3 && strcmp(name + n - 3, ".h5") == 0) return add_set(f, name);
    return add(f, name, NULL, 0);
}

static pt_status add_list(pt_files *f, const char *path)
{
    char **lines = NULL;
    size_t n = 0;
    pt_status s = pt_lines_read(path, &lines, &n);

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        lines[i][strcspn(lines[i], ",")] = '\0';
        if (lines[i][0]) s = add_name(f, lines[i]);
    }
    free(lines);
    return s;
}

pt_status pt_files_create(const char *const *names, size_t n, const char *list,
                          pt_files **out)
{
    pt_files *f = calloc(1, sizeof *f);
    pt_status s = f ? PT_OK : no_memory();

    for (size_t i = 0; i < n && s == PT_OK; i++) s = add_name(f, names[i]);
    if (s == PT_OK && list) s = add_list(f, list);
    if (s != PT_OK) pt_files_destroy(&f);
    *out = f;
    return s;
}

static const char *name_of(void *context, size_t i)
{
    const picture *p = &((const pt_files *)context)->list[i];

    return p->path ? p->path : pt_dataset_name(p->in, p->image);
}

static pt_status read_file(void *context, size_t i, uint8_t **bytes, size_t *n)
{
    const picture *p = &((const pt_files *)context)->list[i];

    *bytes = NULL;
    if (p->path) return pt_file_load_path(p->path, MAX_FILE_BYTES, bytes, n);
    *n = pt_dataset_bytes(p->in, p->image);
    *bytes = malloc(*n + 1);
    return *bytes ? pt_dataset_read(p->in, p->image, *bytes) : no_memory();
}

pt_pictures pt_files_pictures(pt_files *f)
{
    return (pt_pictures){f->n, f, name_of, read_file};
}
