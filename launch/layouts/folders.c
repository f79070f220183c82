#include "launch/layouts/layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/log.h"

/* Names in one folder, sorted by bytes. */
typedef struct {
    char **names;
    size_t n, room;
} names;

static void names_fini(names *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->names[i]);
    free(l->names);
    *l = (names){0};
}

static pt_status names_add(names *l, const char *name)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **more = realloc(l->names, pt_mul(room, sizeof *more));
        if (!more) return pt_fail(PT_ERR_NOMEM, "no memory for %zu file names", room);
        l->names = more;
        l->room = room;
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

/* What the reading of one data set carries along. */
typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    size_t n_left_out;
    char *first_left_out;
} walk;

static void leave_out(walk *w, const char *path)
{
    if (w->n_left_out++ == 0) w->first_left_out = strdup(path);
}

static bool is_jpeg_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

typedef enum { FOLDERS, JPEGS } wanted;

/* The sub-folders of `path`, or its files with a JPEG name; links are followed, hidden
 * names skipped, the rest is left out and counted. */
static pt_status list_folder(walk *w, const char *path, wanted what, names *out)
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
            pt_layout_fault(&w->faults, "%s: cannot be opened: %s", full,
                            strerror(errno));
            continue;
        }
        if (what == FOLDERS ? S_ISDIR(st.st_mode)
                            : S_ISREG(st.st_mode) && is_jpeg_name(e->d_name))
            s = names_add(out, e->d_name);
        else if (what == JPEGS || is_jpeg_name(e->d_name))
            leave_out(w, full);
    }
    free(full);
    closedir(dir);
    if (s == PT_OK && out->n > 1) qsort(out->names, out->n, sizeof *out->names, by_bytes);
    return s;
}

/* ---- splits ----------------------------------------------------------------------- */

enum { MAX_FOLDERS = 3 };

/* A folder that holds class folders: ROOT/train with split train, or ROOT itself. */
typedef struct {
    const char *folder; /* "" = the root */
    const char *split;
} part;

/* The split folders that are there, in the order train, val, test; n = 0: none. Folders
 * beside them are told. */
static pt_status find_parts(walk *w, part parts[MAX_FOLDERS], int *n)
{
    static const part known[] = {
        {"train", "train"}, {"val", "val"}, {"valid", "val"}, {"test", "test"}};
    bool used[sizeof known / sizeof *known] = {false};
    walk look = {.root = w->root, .out = w->out}; /* what is odd is told later */
    names folders = {0};
    pt_status s = list_folder(&look, w->root, FOLDERS, &folders);

    *n = 0;
    if (s != PT_OK) goto done;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        for (size_t i = 0; i < folders.n; i++)
            if (strcmp(folders.names[i], known[k].folder) == 0) used[k] = true;
    if (used[1] && used[2]) {
        s = pt_fail(PT_ERR_DATA, "%s: has both val and valid", w->root);
        goto done;
    }
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (used[k]) parts[(*n)++] = known[k];
    for (size_t i = 0; i<folders.n && * n> 0; i++) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            is_known |= strcmp(folders.names[i], known[k].folder) == 0;
        if (!is_known)
            pt_log_warn("%s/%s: is beside the split folders and was left out", w->root,
                        folders.names[i]);
    }
done:
    free(look.first_left_out);
    names_fini(&folders);
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
    names all = {0};
    pt_status s = PT_OK;

    for (int k = 0; k < n && s == PT_OK; k++) {
        char *path = NULL;
        s = part_path(w, &parts[k], &path);
        if (s == PT_OK) s = list_folder(w, path, FOLDERS, &all);
        free(path);
    }
    if (s == PT_OK && all.n > 1) qsort(all.names, all.n, sizeof *all.names, by_bytes);
    for (size_t i = 0; i < all.n && s == PT_OK; i++)
        if (i == 0 || strcmp(all.names[i - 1], all.names[i]) != 0)
            s = pt_layout_add_class(w->out, all.names[i]);
    if (s == PT_OK && w->out->n_classes == 0 && w->faults.n == 0)
        s = pt_fail(PT_ERR_DATA,
                    "%s: has no class folders (expected train/CLASS/*.jpg and "
                    "test/CLASS/*.jpg, or CLASS/*.jpg)",
                    w->root);
    names_fini(&all);
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
    names files = {0};
    struct stat st;
    uint32_t number;
    pt_status s = part_path(w, p, &top);

    *n = 0;
    if (s == PT_OK) s = pt_layout_join(top, w->out->classes[label], &folder);
    if (s != PT_OK || stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) goto done;
    s = list_folder(w, folder, JPEGS, &files);
    for (size_t i = 0; i < files.n && s == PT_OK; i++) {
        bool test = test_every > 0 && (i + 1) % (size_t)test_every == 0;
        pt_layout_split *split = pt_layout_split_named(w->out, test ? "test" : p->split);
        s = add_file(w, folder, files.names[i], label, &number);
        if (s == PT_OK) s = pt_layout_split_add(split, number);
    }
    *n = files.n;
done:
    names_fini(&files);
    free(folder);
    free(top);
    return s;
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
            pt_layout_fault(&w->faults, "%s: class '%s' has no .jpg file%s", w->root,
                            w->out->classes[c], p->folder[0] ? " in train" : "");
        else if (n == 0)
            pt_log_warn("%s: class '%s' has no .jpg file in %s", w->root,
                        w->out->classes[c], p->folder);
        else if (every > 0 && n < (size_t)every)
            pt_log_warn("%s: class '%s' has %zu images, none of them goes to test",
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
    part parts[MAX_FOLDERS + 1];
    pt_status s;
    int n = 0;

    s = find_parts(&w, parts, &n);
    if (s != PT_OK) goto done;
    if (n > 0 && o->test_every > 0) {
        s = pt_fail(PT_ERR_USAGE,
                    "%s: has split folders, --test-every is for data without", root);
        goto done;
    }
    if (n == 0) parts[n++] = (part){"", o->test_every > 0 ? "train" : "all"};
    s = find_classes(&w, parts, n);
    for (int k = 0; k < n && s == PT_OK; k++) s = add_part(&w, &parts[k], o);
    if (s == PT_OK) s = pt_layout_faults_end(&w.faults);
    if (s == PT_OK && w.n_left_out > 0)
        pt_log_warn(
            "%s: %zu entries are not .jpg or .jpeg files of a class and were left out "
            "(the first: %s)",
            root, w.n_left_out, w.first_left_out ? w.first_left_out : "?");
    if (s == PT_OK) drop_empty_splits(out);
done:
    free(w.first_left_out);
    return s;
}
