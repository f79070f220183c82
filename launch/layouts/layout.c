#include "launch/layouts/layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LISTED = 500 };

void pt_layout_fini(pt_layout *l)
{
    for (size_t i = 0; i < l->n_images; i++) {
        free(l->images[i].path);
        free(l->images[i].name);
    }
    for (size_t i = 0; i < l->n_classes; i++) free(l->classes[i]);
    for (int i = 0; i < l->n_splits; i++) free(l->splits[i].images);
    free(l->images);
    free(l->classes);
    *l = (pt_layout){0};
}

static bool there(const char *root, const char *name)
{
    char *path = NULL;
    bool yes = pt_layout_join(root, name, &path) == PT_OK && access(path, F_OK) == 0;

    free(path);
    return yes;
}

static const char *detect(const char *root, const pt_layout_options *o)
{
    if (there(root, "setid.mat")) return "flower102";
    if (o->train || o->val || o->test || there(root, "train.txt") ||
        there(root, "test.txt"))
        return "list";
    return "folders";
}

pt_status pt_layout_read(const char *kind, const char *root,
                         const pt_layout_options *options, pt_layout *out)
{
    static const struct {
        const char *kind;
        pt_status (*read)(const char *, const pt_layout_options *, pt_layout *);
    } readers[] = {{"folders", pt_layout_folders},
                   {"list", pt_layout_list},
                   {"flower102", pt_layout_flower102}};
    struct stat st;
    pt_status s;

    *out = (pt_layout){0};
    if (stat(root, &st) != 0)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", root, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return pt_fail(PT_ERR_IO, "%s: is not a folder", root);
    if (!kind) kind = detect(root, options);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(kind, readers[i].kind) != 0) continue;
        out->kind = readers[i].kind;
        s = readers[i].read(root, options, out);
        if (s == PT_OK && out->n_images == 0)
            s = pt_fail(PT_ERR_DATA, "%s: has no images in the layout '%s'", root, kind);
        if (s != PT_OK) pt_layout_fini(out);
        return s;
    }
    return pt_fail(PT_ERR_USAGE, "layout '%s' is not known: folders, list or flower102",
                   kind);
}

/* ---- for the readers ------------------------------------------------------------------
 */

void pt_layout_fault(pt_layout_faults *f, const char *fmt, ...)
{
    char line[5120];
    va_list ap;

    if (f->n++ >= MAX_LISTED) return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    pt_fail_more(&f->status, PT_ERR_DATA, "%s", line);
}

pt_status pt_layout_faults_end(pt_layout_faults *f)
{
    if (f->n > MAX_LISTED)
        pt_fail_more(&f->status, PT_ERR_DATA, "and %zu more faults", f->n - MAX_LISTED);
    return f->status;
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

/* Room for one more element of `size` bytes in *array. */
static pt_status grow(void **array, size_t n, size_t *room, size_t size)
{
    size_t more = *room ? 2 * *room : 64;
    void *p;

    if (n < *room) return PT_OK;
    p = realloc(*array, pt_mul(more, size));
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for %zu entries of an index", more);
    *array = p;
    *room = more;
    return PT_OK;
}

pt_status pt_layout_add_image(pt_layout *l, char *path, char *name, int label,
                              uint32_t *number)
{
    void *array = l->images;
    pt_status s = l->n_images < PT_LAYOUT_MAX_IMAGES
                      ? PT_OK
                      : pt_fail(PT_ERR_DATA, "%s: is image %zu, at most %zu are read",
                                path, l->n_images + 1, PT_LAYOUT_MAX_IMAGES);

    if (s == PT_OK) s = grow(&array, l->n_images, &l->images_room, sizeof *l->images);
    if (s != PT_OK) {
        free(path);
        free(name);
        return s;
    }
    l->images = array;
    if (number) *number = (uint32_t)l->n_images;
    l->images[l->n_images++] = (pt_layout_image){path, name, label};
    return PT_OK;
}

pt_status pt_layout_add_class(pt_layout *l, const char *name)
{
    void *array = l->classes;
    char *copy;
    pt_status s;

    if (l->n_classes >= PT_LAYOUT_MAX_CLASSES)
        return pt_fail(PT_ERR_DATA, "class '%s' is number %zu, at most %d are read", name,
                       l->n_classes + 1, PT_LAYOUT_MAX_CLASSES);
    s = grow(&array, l->n_classes, &l->classes_room, sizeof *l->classes);
    if (s != PT_OK) return s;
    l->classes = array;
    copy = strdup(name);
    if (!copy) return pt_fail(PT_ERR_NOMEM, "no memory for class '%s'", name);
    l->classes[l->n_classes++] = copy;
    return PT_OK;
}

pt_layout_split *pt_layout_split_named(pt_layout *l, const char *name)
{
    pt_layout_split *s;

    for (int i = 0; i < l->n_splits; i++)
        if (strcmp(l->splits[i].name, name) == 0) return &l->splits[i];
    if (l->n_splits == PT_LAYOUT_MAX_SPLITS) return NULL;
    s = &l->splits[l->n_splits++];
    *s = (pt_layout_split){0};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

pt_status pt_layout_split_add(pt_layout_split *split, uint32_t image)
{
    void *array = split->images;
    pt_status s = grow(&array, split->n, &split->room, sizeof *split->images);

    if (s != PT_OK) return s;
    split->images = array;
    split->images[split->n++] = image;
    return PT_OK;
}
