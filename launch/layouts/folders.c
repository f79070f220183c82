#include "launch/layouts/layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "launch/layouts/listing.h"
#include "launch/layouts/split_names.h"

/* What the reading of one data set carries along. */
typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    pt_left_out left_out;
} walk;

/* Entries of a folder, what is left out counted. */
static pt_status list_folder(walk *w, const char *path, pt_listing_kind what,
                             pt_listing *out)
{
    return pt_list_folder(path, what, &w->faults, &w->left_out, out);
}

/* ---- splits ----------------------------------------------------------------------- */

enum { MAX_FOLDERS = 3 };

/* A folder that holds class folders: ROOT/train with split train, or ROOT itself. */
typedef struct {
    char folder[16]; /* "" = the root */
    const char *split;
} part;

static bool holds_folders(const walk *w, const char *folder)
{
    walk look = {.root = w->root, .out = w->out}; /* odd entries are reported later */
    pt_listing found = {0};
    char *path = NULL;
    pt_status s = pt_layout_join(w->root, folder, &path);
    bool yes;

    if (s == PT_OK) s = list_folder(&look, path, PT_LIST_FOLDERS, &found);
    yes = s == PT_OK && found.n > 0;
    free(look.left_out.first);
    free(path);
    pt_listing_fini(&found);
    return yes;
}

/* The folder of a split, n = 0: none. One with a plain name comes first; one with another
 * is a split where it holds folders, else a class. */
static pt_status find_part(const walk *w, const pt_listing *folders, int split, part *out,
                           int *n)
{
    *n = 0;
    for (int plain = 1; plain >= 0 && *n == 0; plain--)
        for (size_t i = 0; i < folders->n; i++) {
            const char *name = folders->names[i];

            if (pt_split_of(name, strlen(name)) != split ||
                pt_split_is_plain(name) != plain || (!plain && !holds_folders(w, name)))
                continue;
            if (*n > 0)
                return pt_fail(PT_ERR_DATA,
                               "%s: has both %s and %s, and both are the split %s: move "
                               "one of them away",
                               w->root, out->folder, name, pt_split_names[split]);
            snprintf(out->folder, sizeof out->folder, "%s", name);
            out->split = pt_split_names[split];
            *n = 1;
        }
    return PT_OK;
}

static void warn_of_others(const walk *w, const pt_listing *folders, const part *parts,
                           int n)
{
    for (size_t i = 0; n > 0 && i < folders->n; i++) {
        bool is_part = false;

        for (int k = 0; k < n; k++)
            is_part |= strcmp(folders->names[i], parts[k].folder) == 0;
        if (!is_part)
            pt_log_warn("%s/%s: is beside the split folders and was left out", w->root,
                        folders->names[i]);
    }
}

/* The split folders that are there, in the order train, val, test; n = 0: none. Folders
 * beside them are reported. */
static pt_status find_parts(const walk *w, part parts[PT_SPLIT_NAMES], int *n)
{
    walk look = {.root = w->root, .out = w->out};
    pt_listing folders = {0};
    pt_status s = list_folder(&look, w->root, PT_LIST_FOLDERS, &folders);

    *n = 0;
    for (int k = 0, found; k < PT_SPLIT_NAMES && s == PT_OK; k++) {
        s = find_part(w, &folders, k, &parts[*n], &found);
        *n += found;
    }
    if (s == PT_OK) warn_of_others(w, &folders, parts, *n);
    free(look.left_out.first);
    pt_listing_fini(&folders);
    return s;
}

/* ---- classes ---------------------------------------------------------------------- */

static pt_status part_path(const walk *w, const part *p, char **out)
{
    if (p->folder[0]) return pt_layout_join(w->root, p->folder, out);
    *out = strdup(w->root);
    return *out ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", w->root);
}

/* The sorted union of the class folders of all parts. */
static pt_status find_classes(walk *w, const part *parts, int n)
{
    pt_listing all = {0};
    pt_status s = PT_OK;

    for (int k = 0; k < n && s == PT_OK; k++) {
        char *path = NULL;
        s = part_path(w, &parts[k], &path);
        if (s == PT_OK) s = list_folder(w, path, PT_LIST_FOLDERS, &all);
        free(path);
    }
    if (s == PT_OK) pt_listing_sort(&all);
    for (size_t i = 0; i < all.n && s == PT_OK; i++)
        if (i == 0 || strcmp(all.names[i - 1], all.names[i]) != 0)
            s = pt_layout_add_class(w->out, all.names[i]);
    if (s == PT_OK && w->out->n_classes == 0 && w->faults.n == 0)
        s = pt_fail(PT_ERR_DATA,
                    "%s: has no class folders (expected pictures in train/CLASS/ and "
                    "test/CLASS/, or in CLASS/)",
                    w->root);
    pt_listing_fini(&all);
    return s;
}

/* ---- images ----------------------------------------------------------------------- */

static pt_status add_file(walk *w, const char *folder, const char *file, int label,
                          uint32_t *number)
{
    size_t skip = strlen(w->root);
    char *path = NULL, *name;
    pt_status s = pt_layout_join(folder, file, &path);

    if (s != PT_OK) return s;
    name = path + skip;
    while (*name == '/') name++;
    name = strdup(name);
    if (!name) {
        free(path);
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for a file name", w->root);
    }
    return pt_layout_add_image(w->out, path, name, label, number);
}

/* The images of one class of one part, into its split; every N-th into `test` where the
 * options say so. *n is their number, 0 where the class has no folder here. */
static pt_status add_class(walk *w, const part *p, int label, int test_every, size_t *n)
{
    char *top = NULL, *folder = NULL;
    pt_listing files = {0};
    struct stat st;
    uint32_t number;
    pt_status s = part_path(w, p, &top);

    *n = 0;
    if (s == PT_OK) s = pt_layout_join(top, w->out->classes[label], &folder);
    if (s != PT_OK || stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) goto done;
    s = list_folder(w, folder, PT_LIST_PICTURES, &files);
    for (size_t i = 0; i < files.n && s == PT_OK; i++) {
        bool test = test_every > 0 && (i + 1) % (size_t)test_every == 0;
        pt_layout_split *split = pt_layout_split_named(w->out, test ? "test" : p->split);
        s = add_file(w, folder, files.names[i], label, &number);
        if (s == PT_OK) s = pt_layout_split_add(split, number);
    }
    *n = files.n;
done:
    pt_listing_fini(&files);
    free(folder);
    free(top);
    return s;
}

/* A class without images. Folders in it look like a split of an unknown name. */
static void report_empty(walk *w, const part *p, const char *class)
{
    bool split = !p->folder[0] && holds_folders(w, class);

    pt_layout_fault(&w->faults, "%s: class '%s' has no picture%s%s%s", w->root, class,
                    p->folder[0] ? " in " : "", p->folder,
                    split ? ", but folders: if it is a split, rename it to train, val or "
                            "test"
                          : "");
}

static pt_status add_part(walk *w, const part *p, const pt_layout_options *o)
{
    bool must = strcmp(p->split, "train") == 0 || strcmp(p->split, "all") == 0;
    int every = p->folder[0] ? 0 : o->test_every;
    size_t n;
    pt_status s = PT_OK;

    if (!pt_layout_split_named(w->out, p->split))
        return pt_fail(PT_ERR_BUG, "too many splits");
    if (every > 0 && !pt_layout_split_named(w->out, "test"))
        return pt_fail(PT_ERR_BUG, "too many splits");
    for (size_t c = 0; c < w->out->n_classes && s == PT_OK; c++) {
        s = add_class(w, p, (int)c, every, &n);
        if (s != PT_OK) break;
        if (n == 0 && must)
            report_empty(w, p, w->out->classes[c]);
        else if (n == 0)
            pt_log_warn("%s: class '%s' has no picture in %s", w->root,
                        w->out->classes[c], p->folder);
        else if (every > 0 && n < (size_t)every)
            pt_log_warn("%s: class '%s' has %zu images, so none of them is for the test",
                        w->root, w->out->classes[c], n);
    }
    return s;
}

/* A split folder without any image makes no split. */
static void drop_empty_splits(pt_layout *l)
{
    int kept = 0;

    for (int k = 0; k < l->n_splits; k++) {
        if (l->splits[k].n > 0)
            l->splits[kept++] = l->splits[k];
        else
            free(l->splits[k].images);
    }
    l->n_splits = kept;
}

pt_status pt_layout_folders(const char *root, const pt_layout_options *o, pt_layout *out)
{
    walk w = {.root = root, .out = out};
    part parts[PT_SPLIT_NAMES + 1];
    pt_status s;
    int n = 0;

    s = find_parts(&w, parts, &n);
    if (s != PT_OK) goto done;
    if (n > 0 && o->test_every > 0) {
        s = pt_fail(PT_ERR_USAGE,
                    "%s: has split folders; --test-every is for data without them", root);
        goto done;
    }
    if (n == 0) parts[n++] = (part){"", o->test_every > 0 ? "train" : "all"};
    s = find_classes(&w, parts, n);
    for (int k = 0; k < n && s == PT_OK; k++) s = add_part(&w, &parts[k], o);
    if (s == PT_OK) s = pt_layout_faults_end(&w.faults);
    if (s == PT_OK && w.left_out.n > 0)
        pt_log_warn("%s: %zu entries are not pictures of a class and were left out "
                    "(the first: %s)",
                    root, w.left_out.n, w.left_out.first ? w.left_out.first : "?");
    if (s == PT_OK) drop_empty_splits(out);
done:
    free(w.left_out.first);
    return s;
}
