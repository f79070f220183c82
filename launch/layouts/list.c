#include "launch/layouts/layout.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/layouts/list_text.h"
#include "launch/layouts/split_names.h"

enum { N_LISTS = PT_SPLIT_NAMES };

/* An image that was listed before, in the tree by its name. */
typedef struct {
    const char *name; /* the layout's */
    uint32_t image;
    unsigned lists; /* bit k: pt_split_names[k] */
    size_t line;    /* where it was first */
    const char *file;
} seen_image;

typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    void *seen; /* tsearch's tree of seen_image */
    size_t n_twice, n_shared;
    char first_shared[256];
} reading;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const seen_image *)a)->name, ((const seen_image *)b)->name);
}

/* ---- classes.txt ------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two classes of one name. */
static pt_status check_names(reading *r, const char *path)
{
    size_t n = r->out->n_classes;
    char **sorted = malloc((n + 1) * sizeof *sorted);

    if (!sorted) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    for (size_t i = 0; i < n; i++) sorted[i] = r->out->classes[i];
    if (n > 1) qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            pt_layout_fault(&r->faults, "%s: class '%s' is listed twice", path,
                            sorted[i]);
    free(sorted);
    return PT_OK;
}

static pt_status read_classes(reading *r, const char *path)
{
    size_t blank = 0;
    char *text;
    pt_list_text l;
    pt_status s = pt_list_text_open(&l, path);

    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        if (text[0] == '\0') {
            if (blank == 0) blank = l.line;
            continue;
        }
        if (blank > 0) /* numbers would shift: a blank line is fine at the end only */
            pt_layout_fault(&r->faults, "%s:%zu: error: the class has no name", path,
                            blank);
        blank = 0;
        s = pt_layout_add_class(r->out, text);
    }
    pt_list_text_close(&l);
    if (s == PT_OK && r->out->n_classes == 0)
        pt_layout_fault(&r->faults, "%s: has no classes", path);
    return s == PT_OK ? check_names(r, path) : s;
}

/* ---- train.txt, val.txt, test.txt ------------------------------------------------- */

/* Ends the path before the label at `at`. */
static void end_path(char *text, char *at)
{
    while (at > text && strchr(" \t", at[-1])) at--;
    *at = '\0';
}

/* Cuts `path CLASS` before the longest end that is the name of a class. */
static bool cut_name(const reading *r, char *text, int *label)
{
    for (char *p = text + 1; *text && *p; p++) {
        if (!strchr(" \t", p[-1])) continue;
        for (size_t i = 0; i < r->out->n_classes; i++)
            if (strcmp(r->out->classes[i], p) == 0) {
                *label = (int)i;
                end_path(text, p);
                return true;
            }
    }
    return false;
}

/* Cuts `path label` at its last blank, or before a class's name; false with a fault
 * reported. */
static bool cut_line(reading *r, const pt_list_text *l, char *text, int *label)
{
    char *blank = strrchr(text, ' '), *tab = strrchr(text, '\t'), *end, *number;
    long value;

    if (!blank || (tab && tab > blank)) blank = tab;
    if (!blank || blank == text) {
        pt_layout_fault(&r->faults, "%s:%zu: error: '%.200s' is not `path label`",
                        l->path, l->line, text);
        return false;
    }
    number = blank + 1;
    errno = 0;
    value = strtol(number, &end, 10);
    if (*end || end == number || errno) {
        if (cut_name(r, text, label)) return true;
        pt_layout_fault(&r->faults,
                        "%s:%zu: error: label '%.40s' is not a number or a class",
                        l->path, l->line, number);
        return false;
    }
    end_path(text, number);
    if (value < 0 || (size_t)value >= r->out->n_classes) {
        pt_layout_fault(&r->faults, "%s:%zu: error: label %ld is not in 0..%zu", l->path,
                        l->line, value, r->out->n_classes - 1);
        return false;
    }
    *label = (int)value;
    return true;
}

/* Can the last component of ROOT/path be taken back by `..`? Not if it is a link. */
static bool is_plain_folder(const char *root, const char *path)
{
    const char *last = strrchr(path, '/');
    struct stat st;
    char *full = NULL;
    bool yes;

    if (strcmp(last ? last + 1 : path, "..") == 0) return false;
    yes = pt_layout_join(path[0] == '/' ? "" : root, path, &full) == PT_OK &&
          lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
    free(full);
    return yes;
}

/* One spelling for one file, in place: without `.`, `//` and `folder/..`. */
static void tidy(const char *root, char *path)
{
    char *start = path + (path[0] == '/'), *to = start, *from = start;

    while (*from) {
        size_t n = strcspn(from, "/");
        char *next = from + n + (from[n] == '/');
        bool dot = n == 0 || (n == 1 && from[0] == '.');
        bool up = n == 2 && from[0] == '.' && from[1] == '.' && to > start;

        if (up) *to = '\0'; /* the slash before `..` */
        if (up && is_plain_folder(root, path)) {
            char *slash = strrchr(start, '/');

            to = slash ? slash : start;
        } else if (!dot) {
            if (to > start) *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from = next;
    }
    *to = '\0';
}

/* A new image, after checking that its file exists (*image stays NULL if not). */
static pt_status add_image(reading *r, const pt_list_text *l, const char *name, int label,
                           seen_image **image)
{
    seen_image *new = NULL;
    char *path = NULL, *copy = NULL;
    struct stat st;
    pt_status s = PT_OK;

    if (name[0] == '/')
        path = strdup(name);
    else
        s = pt_layout_join(r->root, name, &path);
    if (s != PT_OK) return s;
    if (!path) return pt_fail(PT_ERR_NOMEM, "%s: no memory", name);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        int e = errno;
        pt_layout_fault(&r->faults, "%s:%zu: error: %s: %s", l->path, l->line, path,
                        access(path, F_OK) == 0 ? "is not a file" : strerror(e));
        free(path);
        return PT_OK;
    }
    copy = strdup(name);
    new = calloc(1, sizeof *new);
    if (!copy || !new) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory", name);
        goto done;
    }
    *new = (seen_image){.name = copy, .line = l->line, .file = l->path};
    s = pt_layout_add_image(r->out, path, copy, label, &new->image);
    path = copy = NULL; /* taken */
    if (s != PT_OK) goto done;
    if (!tsearch(new, &r->seen, by_name)) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory", name);
        goto done;
    }
    *image = new;
    new = NULL;
done:
    free(path);
    free(copy);
    free(new);
    return s;
}

static pt_status add_line(reading *r, const pt_list_text *l, char *text, int list,
                          pt_layout_split *split)
{
    unsigned bit = 1u << list;
    seen_image key = {0}, *image = NULL, **found;
    int label = 0;
    pt_status s = PT_OK;

    if (text[0] == '\0' || !cut_line(r, l, text, &label)) return PT_OK;
    tidy(r->root, text);
    key.name = text;
    found = tfind(&key, &r->seen, by_name);
    if (found)
        image = *found;
    else
        s = add_image(r, l, text, label, &image);
    if (s != PT_OK || !image) return s;
    if (r->out->images[image->image].label != label) {
        pt_layout_fault(&r->faults,
                        "%s:%zu: error: %s has label %d here and %d at %s:%zu", l->path,
                        l->line, text, label, r->out->images[image->image].label,
                        image->file, image->line);
        return PT_OK;
    }
    if (image->lists & bit) r->n_twice++;
    if (image->lists & ~bit && r->n_shared++ == 0)
        snprintf(r->first_shared, sizeof r->first_shared, "%s", text);
    image->lists |= bit;
    return pt_layout_split_add(split, image->image);
}

static pt_status read_list(reading *r, const char *path, int list)
{
    pt_layout_split *split = pt_layout_split_named(r->out, pt_split_names[list]);
    char *text;
    pt_list_text l;
    pt_status s = pt_list_text_open(&l, path);

    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text))
        s = add_line(r, &l, text, list, split);
    pt_list_text_close(&l);
    if (s == PT_OK && split->n == 0 && r->faults.n == 0)
        pt_layout_fault(&r->faults, "%s: lists no images", path);
    return s;
}

/* ---- the whole -------------------------------------------------------------------- */

typedef struct {
    char *classes, *lists[N_LISTS]; /* NULL: there is none */
} files;

/* The file that is given, else ROOT/NAME; none where both are NULL. */
static pt_status choose(const char *root, const char *given, const char *name, char **out)
{
    if (!given) return name ? pt_layout_join(root, name, out) : PT_OK;
    *out = strdup(given);
    return *out ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", given);
}

static pt_status choose_files(const char *root, const pt_layout_options *o, files *f)
{
    const char *const given[N_LISTS] = {o->train, o->val, o->test};
    char *names[N_LISTS] = {NULL};
    pt_status s = choose(root, o->classes, "classes.txt", &f->classes);

    if (s == PT_OK) s = pt_split_find_lists(root, names);
    for (int k = 0; k < N_LISTS && s == PT_OK; k++)
        s = choose(root, given[k], names[k], &f->lists[k]);
    for (int k = 0; k < N_LISTS; k++) free(names[k]);
    if (s == PT_OK && !f->lists[0] && !f->lists[1] && !f->lists[2])
        s = pt_fail(PT_ERR_IO, "%s: has no train.txt, val.txt or test.txt", root);
    return s;
}

static void warn_of_oddities(const reading *r, const files *f)
{
    if (!f->lists[0] || !f->lists[2])
        pt_log_warn("%s: has no list for split '%s'", r->root,
                    f->lists[0] ? "test" : "train");
    if (r->n_twice > 0)
        pt_log_warn("%s: %zu lines repeat an image of the same list", r->root,
                    r->n_twice);
    if (r->n_shared > 0)
        pt_log_warn("%s: %zu images are in more than one list (the first: %s)", r->root,
                    r->n_shared, r->first_shared);
}

pt_status pt_layout_list(const char *root, const pt_layout_options *o, pt_layout *out)
{
    reading r = {.root = root, .out = out};
    files f = {0};
    pt_status s = choose_files(root, o, &f);

    if (s == PT_OK) s = read_classes(&r, f.classes);
    for (int k = 0; k < N_LISTS && s == PT_OK && out->n_classes > 0; k++)
        if (f.lists[k]) s = read_list(&r, f.lists[k], k);
    if (s == PT_OK) s = pt_layout_faults_end(&r.faults);
    if (s == PT_OK) warn_of_oddities(&r, &f);
    tdestroy(r.seen, free);
    free(f.classes);
    for (int k = 0; k < N_LISTS; k++) free(f.lists[k]);
    return s;
}
