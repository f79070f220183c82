#include "launch/layouts/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/layouts/matlab.h"

enum { N_CLASSES = 102, N_SETS = 3, MAX_IMAGES = 99999 }; /* five digits in a name */

static const struct {
    const char *variable, *split;
    size_t official;
} sets[N_SETS] = {
    {"trnid", "train", 1020}, {"valid", "val", 1020}, {"tstid", "test", 6149}};

static pt_status add_classes(pt_layout *out)
{
    char name[32];
    pt_status s = PT_OK;

    for (int c = 1; c <= N_CLASSES && s == PT_OK; c++) {
        snprintf(name, sizeof name, "class_%03d", c);
        s = pt_layout_add_class(out, name);
    }
    return s;
}

/* Images 1..n, with the labels of imagelabels.mat. */
static pt_status add_images(const char *root, pt_layout_faults *faults, pt_layout *out)
{
    char *file = NULL, *path, *name, text[64];
    double *labels = NULL;
    struct stat st;
    size_t n = 0;
    pt_status s = pt_layout_join(root, "imagelabels.mat", &file);

    if (s == PT_OK) s = pt_matlab_read(file, "labels", &labels, &n);
    if (s == PT_OK && (n == 0 || n > MAX_IMAGES))
        s = pt_fail(PT_ERR_DATA, "%s: has %zu labels, expected 1 to %d", file, n,
                    MAX_IMAGES);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        int label = labels[i] >= 1 && labels[i] <= N_CLASSES ? (int)labels[i] : 0;
        if (label == 0 || label != labels[i])
            pt_layout_fault(faults, "%s: label %g of image %zu is not in 1..%d", file,
                            labels[i], i + 1, N_CLASSES);
        snprintf(text, sizeof text, "jpg/image_%05zu.jpg", i + 1);
        s = pt_layout_join(root, text, &path);
        if (s != PT_OK) break;
        if (stat(path, &st) != 0)
            pt_layout_fault(faults, "%s: cannot be opened: %s", path, strerror(errno));
        name = strdup(text);
        if (!name) {
            free(path);
            s = pt_fail(PT_ERR_NOMEM, "%s: no memory for the names", root);
            break;
        }
        s = pt_layout_add_image(out, path, name, label - 1, NULL);
    }
    free(labels);
    free(file);
    return s;
}

/* The ids of one set, in the file's order; owner [n_images]: which set took an image. */
static pt_status add_set(const char *file, int set, int *owner, pt_layout_faults *faults,
                         pt_layout *out)
{
    pt_layout_split *split = pt_layout_split_named(out, sets[set].split);
    const char *name = sets[set].variable;
    double *ids = NULL;
    size_t n = 0;
    pt_status s = pt_matlab_read(file, name, &ids, &n);

    if (s == PT_OK && n == 0) pt_layout_fault(faults, "%s: '%s' is empty", file, name);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        size_t id = ids[i] >= 1 && ids[i] <= (double)out->n_images ? (size_t)ids[i] : 0;
        if (id == 0 || (double)id != ids[i]) {
            pt_layout_fault(faults,
                            "%s: '%s' names image %g, but images are numbered 1..%zu",
                            file, name, ids[i], out->n_images);
            continue;
        }
        if (owner[id - 1] >= 0)
            pt_layout_fault(faults, "%s: image %zu is in '%s' and in '%s'", file, id,
                            sets[owner[id - 1]].variable, name);
        owner[id - 1] = set;
        s = pt_layout_split_add(split, (uint32_t)(id - 1));
    }
    if (s == PT_OK && n != sets[set].official)
        pt_log_warn("%s: '%s' has %zu images, the official set has %zu", file, name, n,
                    sets[set].official);
    free(ids);
    return s;
}

static pt_status add_trainval(pt_layout *out)
{
    pt_layout_split *both = pt_layout_split_named(out, "trainval");
    pt_status s = PT_OK;

    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < out->splits[k].n && s == PT_OK; i++)
            s = pt_layout_split_add(both, out->splits[k].images[i]);
    return s;
}

pt_status pt_layout_flower102(const char *root, const pt_layout_options *o,
                              pt_layout *out)
{
    pt_layout_faults faults = {PT_OK, 0};
    int *owner = NULL;
    char *file = NULL;
    size_t n_free = 0;
    pt_status s = add_classes(out);

    if (s == PT_OK) s = add_images(root, &faults, out);
    if (s == PT_OK) s = pt_layout_join(root, "setid.mat", &file);
    if (s != PT_OK) goto done;
    owner = malloc((out->n_images + 1) * sizeof *owner);
    if (!owner) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for the sets", root);
        goto done;
    }
    for (size_t i = 0; i < out->n_images; i++) owner[i] = -1;
    for (int k = 0; k < N_SETS && s == PT_OK; k++)
        s = add_set(file, k, owner, &faults, out);
    if (s == PT_OK) s = add_trainval(out);
    if (s == PT_OK) s = pt_layout_faults_end(&faults);
    for (size_t i = 0; i < out->n_images && s == PT_OK; i++) n_free += owner[i] < 0;
    if (s == PT_OK && n_free > 0)
        pt_log_warn("%s: %zu images are in no split", root, n_free);
done:
    free(owner);
    free(file);
    return s;
}
