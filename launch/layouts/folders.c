#include "launch/layouts/layout.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/base/rng.h"
#include "launch/layouts/listing.h"
#include "launch/layouts/split_names.h"

/* What the reading of one data set carries along. */
typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    const pt_layout_options *o;
    double test_share; /* 0: none */
    pt_only *only;     /* NULL: every picture is meant */
} walk;

/* Entries of a folder, what is left out counted. */
static pt_status list_folder(walk *w, const char *path, pt_listing_kind what,
                             pt_listing *out)
{
    return pt_list_folder(path, what, &w->faults, &w->out->left_out, out);
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
    pt_layout_faults faults = {PT_OK, 0}; /* of odd entries: reported later */
    pt_left_out left_out = {0};
    pt_listing found = {0};
    char *path = NULL;
    pt_status s = pt_layout_join(w->root, folder, &path);
    bool yes;

    if (s == PT_OK) s = pt_list_folder(path, PT_LIST_FOLDERS, &faults, &left_out, &found);
    yes = s == PT_OK && found.n > 0;
    pt_left_out_fini(&left_out);
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

static pt_status leave_others_out(walk *w, const pt_listing *folders, const part *parts,
                                  int n)
{
    pt_status s = PT_OK;

    for (size_t i = 0; n > 0 && i < folders->n && s == PT_OK; i++) {
        bool is_part = false;
        char *path = NULL;

        for (int k = 0; k < n; k++)
            is_part |= strcmp(folders->names[i], parts[k].folder) == 0;
        if (!is_part) s = pt_layout_join(w->root, folders->names[i], &path);
        if (path) s = pt_leave_folder_out(&w->out->left_out, path);
        free(path);
    }
    return s;
}

/* The split folders that are there, in the order train, val, test; n = 0: none. Folders
 * beside them are left out. */
static pt_status find_parts(walk *w, part parts[PT_SPLIT_NAMES], int *n)
{
    pt_layout_faults faults = {PT_OK, 0};
    pt_left_out left_out = {0};
    pt_listing folders = {0};
    pt_status s = pt_list_folder(w->root, PT_LIST_FOLDERS, &faults, &left_out, &folders);

    *n = 0;
    for (int k = 0, found; k < PT_SPLIT_NAMES && s == PT_OK; k++) {
        s = find_part(w, &folders, k, &parts[*n], &found);
        *n += found;
    }
    if (s == PT_OK) s = leave_others_out(w, &folders, parts, *n);
    pt_left_out_fini(&left_out);
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

/* How many of n images of a class are for the test. */
static size_t share_of(double share, size_t n)
{
    size_t rounded = (size_t)floor(share * (double)n + 0.5);

    if (n < 2) return 0;
    if (rounded == 0) return 1;
    return rounded < n ? rounded : n - 1;
}

/* Which of the n images of a class are for the test. */
static pt_status choose_test(const walk *w, int label, size_t n, bool *test)
{
    pt_rng r = pt_rng_stream(w->o->test_seed, PT_RNG_SPLIT, (uint64_t)label, 0);
    uint32_t *order = malloc((n + 1) * sizeof *order);
    size_t every = (size_t)w->o->test_every;

    if (!order) return pt_fail(PT_ERR_NOMEM, "no memory to draw from %zu images", n);
    if (w->test_share > 0) pt_rng_permutation(&r, order, n);
    for (size_t i = 0; i < n; i++) test[i] = every > 0 && (i + 1) % every == 0;
    for (size_t i = 0; w->test_share > 0 && i < share_of(w->test_share, n); i++)
        test[order[i]] = true;
    free(order);
    return PT_OK;
}

/* Does the part give images to the test? */
static bool is_cut(const walk *w, const part *p)
{
    return strcmp(p->split, "train") == 0 && (w->o->test_every > 0 || w->test_share > 0);
}

static pt_status add_files(walk *w, const part *p, const char *folder, int label,
                           const pt_listing *files)
{
    bool *test = calloc(files->n + 1, sizeof *test);
    uint32_t number;
    pt_status s = PT_OK;

    if (!test) return pt_fail(PT_ERR_NOMEM, "%s: no memory", folder);
    if (is_cut(w, p)) s = choose_test(w, label, files->n, test);
    for (size_t i = 0; i < files->n && s == PT_OK; i++) {
        pt_layout_split *split =
            pt_layout_split_named(w->out, test[i] ? "test" : p->split);

        s = add_file(w, folder, files->names[i], label, &number);
        if (s == PT_OK) s = pt_layout_split_add(split, number);
    }
    free(test);
    return s;
}

/* The images of one class of one part, into its split or, where the options say so, into
 * `test`. *n is their number, 0 where the class has no folder here. */
static pt_status add_class(walk *w, const part *p, int label, size_t *n)
{
    char *top = NULL, *folder = NULL;
    pt_listing files = {0};
    struct stat st;
    pt_status s = part_path(w, p, &top);

    *n = 0;
    if (s == PT_OK) s = pt_layout_join(top, w->out->classes[label], &folder);
    if (s != PT_OK || stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) goto done;
    s = list_folder(w, folder, PT_LIST_PICTURES, &files);
    if (s == PT_OK) s = add_files(w, p, folder, label, &files);
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

    pt_layout_fault(&w->faults, "%s: class '%s' has no picture%s%s%s%s", w->root, class,
                    w->only ? " that --only keeps" : "", p->folder[0] ? " in " : "",
                    p->folder,
                    split ? ", but folders: if it is a split, rename it to train, val or "
                            "test"
                          : "");
}

/* The fewest images of a class that give one to the test; 0: the part gives none. */
static size_t least_images(const walk *w, const part *p)
{
    if (!is_cut(w, p)) return 0;
    return w->test_share > 0 ? 2 : (size_t)w->o->test_every;
}

static pt_status add_part(walk *w, const part *p)
{
    bool must = strcmp(p->split, "train") == 0 || strcmp(p->split, "all") == 0;
    size_t n, least = least_images(w, p);
    pt_status s = PT_OK;

    if (!pt_layout_split_named(w->out, p->split))
        return pt_fail(PT_ERR_BUG, "too many splits");
    if (least > 0 && !pt_layout_split_named(w->out, "test"))
        return pt_fail(PT_ERR_BUG, "too many splits");
    for (size_t c = 0; c < w->out->n_classes && s == PT_OK; c++) {
        s = add_class(w, p, (int)c, &n);
        if (s != PT_OK) break;
        if (n == 0 && must)
            report_empty(w, p, w->out->classes[c]);
        else if (n == 0)
            pt_log_warn("%s: class '%s' has no picture in %s", w->root,
                        w->out->classes[c], p->folder);
        else if (n < least)
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

/* Options that do not fit each other or the parts [n]. */
static pt_status check_test_options(walk *w, const part *parts, int n)
{
    const pt_layout_options *o = w->o;
    char *end;

    if (o->test_every > 0 && o->test_share)
        return pt_fail(PT_ERR_USAGE, "--test-every and --test-share exclude each other");
    if (n > 0 && o->test_every > 0)
        return pt_fail(PT_ERR_USAGE,
                       "%s: has split folders; --test-every is for data without them",
                       w->root);
    if (!o->test_share) return PT_OK;
    w->test_share = strtod(o->test_share, &end);
    if (*end || !(w->test_share > 0 && w->test_share < 1))
        return pt_fail(PT_ERR_USAGE, "--test-share is '%s', expected a number in (0, 1)",
                       o->test_share);
    for (int k = 0; k < n; k++)
        if (strcmp(parts[k].split, "test") == 0)
            return pt_fail(PT_ERR_USAGE,
                           "%s/%s: is a test split; --test-share is for data without one",
                           w->root, parts[k].folder);
    return PT_OK;
}

static pt_status read_parts(walk *w)
{
    const pt_layout_options *o = w->o;
    part parts[PT_SPLIT_NAMES + 1];
    int n = 0;
    pt_status s = find_parts(w, parts, &n);

    if (s == PT_OK) s = check_test_options(w, parts, n);
    if (s != PT_OK) return s;
    if (n == 0)
        parts[n++] = (part){"", o->test_every > 0 || o->test_share ? "train" : "all"};
    s = find_classes(w, parts, n);
    for (int k = 0; k < n && s == PT_OK; k++) s = add_part(w, &parts[k]);
    return s;
}

pt_status pt_layout_folders(const char *root, const pt_layout_options *o, pt_layout *out)
{
    walk w = {.root = root, .out = out, .o = o};
    pt_status s = o->only ? pt_only_create(o->only, root, &w.only) : PT_OK;

    out->left_out.only = w.only;
    if (s == PT_OK) s = read_parts(&w);
    if (s == PT_OK) s = pt_layout_faults_end(&w.faults);
    if (s == PT_OK) drop_empty_splits(out);
    out->left_out.only = NULL;
    pt_only_destroy(&w.only);
    return s;
}
