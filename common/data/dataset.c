#include "common/data/dataset_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FAULTS = 20 }; /* listed of each kind */

void pt_dataset_destroy(pt_dataset **pd)
{
    pt_dataset *d = pd ? *pd : NULL;

    if (!d) return;
    if (d->fd >= 0) close(d->fd);
    for (size_t i = 0; d->entries && i < d->n_splits; i++) free(d->entries[i]);
    free(d->entries);
    free(d->splits);
    free(d->split_names);
    free(d->offset);
    free(d->label);
    free(d->height);
    free(d->width);
    free(d->crc);
    free(d->names);
    free(d->classes);
    pt_pairs_fini(&d->pairs);
    free(d->source);
    free(d->licence);
    free(d->checksum);
    free(d->path);
    free(d);
    *pd = NULL;
}

/* ---- reading the index ------------------------------------------------------------ */

static pt_status check_format(const pt_h5file *f)
{
    static const char *const needed[] = {"images/bytes",  "images/offset", "images/label",
                                         "images/height", "images/width",  "images/name",
                                         "classes/name"};
    char *format = NULL;
    int64_t version = 0;
    pt_status s = PT_OK;

    if (!pt_h5file_has_attr(f, "/", "format") ||
        pt_h5file_attr_string(f, "/", "format", &format) != PT_OK ||
        strcmp(format, PT_DATASET_FORMAT) != 0) {
        free(format);
        return pt_fail(PT_ERR_DATA, "%s: is not packed data (format '%s' is not in it)",
                       pt_h5file_path(f), PT_DATASET_FORMAT);
    }
    free(format);
    s = pt_h5file_attr_int(f, "/", "format_version", &version);
    if (s != PT_OK) return s;
    if (version != PT_DATASET_VERSION)
        return pt_fail(PT_ERR_DATA, "%s: has format version %lld, this program reads %d",
                       pt_h5file_path(f), (long long)version, PT_DATASET_VERSION);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (pt_h5file_kind(f, needed[i]) != PT_H5_DATASET)
            pt_fail_more(&s, PT_ERR_DATA, "%s: has no data set '%s'", pt_h5file_path(f),
                         needed[i]);
    if (pt_h5file_kind(f, "split") != PT_H5_GROUP)
        pt_fail_more(&s, PT_ERR_DATA, "%s: has no group 'split'", pt_h5file_path(f));
    return s;
}

static pt_status read_splits(pt_dataset *d, const pt_h5file *f)
{
    char path[512];
    pt_status s = pt_h5file_list(f, "split", &d->split_names, &d->n_splits);

    if (s != PT_OK) {
        d->n_splits = 0;
        return s;
    }
    if (d->n_splits > PT_DATASET_MAX_SPLITS)
        return pt_fail(PT_ERR_DATA, "%s: has %zu splits, at most %d are read", d->path,
                       d->n_splits, PT_DATASET_MAX_SPLITS);
    d->entries = calloc(d->n_splits + 1, sizeof *d->entries);
    d->splits = calloc(d->n_splits + 1, sizeof *d->splits);
    if (!d->entries || !d->splits) return pt_fail(PT_ERR_NOMEM, "%s: no memory", d->path);
    for (size_t i = 0; i < d->n_splits && s == PT_OK; i++) {
        int len = snprintf(path, sizeof path, "split/%s", d->split_names[i]);
        if (len < 0 || (size_t)len >= sizeof path)
            return pt_fail(PT_ERR_DATA, "%s: the name of split %zu is too long", d->path,
                           i);
        d->splits[i].name = d->split_names[i];
        s = pt_h5file_read_u32(f, path, PT_DATASET_MAX_IMAGES, &d->entries[i],
                               &d->splits[i].n);
        d->splits[i].images = d->entries[i];
    }
    return s;
}

/* One entry per image, or PT_ERR_DATA. */
static pt_status same_count(const pt_dataset *d, pt_status s, const char *what, size_t n,
                            size_t expected)
{
    if (s != PT_OK || n == expected) return s;
    return pt_fail(PT_ERR_DATA, "%s: 'images/%s' has %zu entries, expected %zu", d->path,
                   what, n, expected);
}

static pt_status read_text(const pt_h5file *f, const char *name, char **out)
{
    if (pt_h5file_has_attr(f, "/", name)) return pt_h5file_attr_string(f, "/", name, out);
    *out = strdup("");
    return *out ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", pt_h5file_path(f));
}

/* Both or none: a file that lost the name of one of them is damaged, not old. */
static pt_status read_sums(pt_dataset *d, const pt_h5file *f)
{
    bool images = pt_h5file_kind(f, PT_DATASET_CRC) == PT_H5_DATASET;
    bool index = pt_h5file_has_attr(f, "/", PT_DATASET_INDEX_CRC);
    size_t n = 0;
    pt_status s;

    if (!images && !index) return PT_OK;
    if (!images || !index)
        return pt_fail(PT_ERR_DATA, "%s: has %s, but not %s: the file is damaged",
                       d->path, images ? PT_DATASET_CRC : PT_DATASET_INDEX_CRC,
                       images ? PT_DATASET_INDEX_CRC : PT_DATASET_CRC);
    s = pt_h5file_read_u32(f, PT_DATASET_CRC, PT_DATASET_MAX_IMAGES, &d->crc, &n);
    s = same_count(d, s, "crc32c", n, d->n);
    return s == PT_OK ? pt_h5file_attr_int(f, "/", PT_DATASET_INDEX_CRC, &d->index_crc)
                      : s;
}

static pt_status read_index(pt_dataset *d, const pt_h5file *f)
{
    const size_t max = PT_DATASET_MAX_IMAGES;
    size_t n = 0, k = 0;
    pt_status s = pt_h5file_bytes_at(f, "images/bytes", &d->bytes_at, &d->bytes);

    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/label", max, &d->label, &n);
    d->n = n;
    if (s == PT_OK) s = pt_h5file_read_u64(f, "images/offset", max + 1, &d->offset, &k);
    s = same_count(d, s, "offset", k, n + 1);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/height", max, &d->height, &k);
    s = same_count(d, s, "height", k, n);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/width", max, &d->width, &k);
    s = same_count(d, s, "width", k, n);
    if (s == PT_OK) s = pt_h5file_read_strings(f, "images/name", max, &d->names, &k);
    s = same_count(d, s, "name", k, n);
    if (s == PT_OK)
        s = pt_h5file_read_strings(f, "classes/name", PT_DATASET_MAX_CLASSES, &d->classes,
                                   &d->n_classes);
    if (s == PT_OK) s = read_splits(d, f);
    if (s == PT_OK) s = read_sums(d, f);
    if (s == PT_OK) s = pt_pairs_read(f, &d->pairs);
    if (s == PT_OK) s = pt_h5file_attr_string(f, "/", "checksum", &d->checksum);
    if (s == PT_OK) s = read_text(f, "source", &d->source);
    if (s == PT_OK) s = read_text(f, "licence", &d->licence);
    return s;
}

/* ---- checking it ------------------------------------------------------------------ */

/* Faults of one kind: the first MAX_FAULTS are listed, the rest counted. */
typedef struct {
    pt_status *status;
    size_t n;
} faults;

static bool one_more(faults *f)
{
    return ++f->n <= MAX_FAULTS;
}

static void tell_rest(const faults *f, const pt_dataset *d, const char *what)
{
    if (f->n > MAX_FAULTS)
        pt_fail_more(f->status, PT_ERR_DATA, "%s: and %zu more faults of %s", d->path,
                     f->n - MAX_FAULTS, what);
}

static void check_offsets(const pt_dataset *d, pt_status *s)
{
    faults f = {s, 0};

    if (d->offset[0] != 0)
        pt_fail_more(s, PT_ERR_DATA,
                     "%s: the first image begins at byte %llu, expected 0", d->path,
                     (unsigned long long)d->offset[0]);
    for (size_t i = 0; i < d->n; i++) {
        unsigned long long a = d->offset[i], b = d->offset[i + 1];
        if (a >= b && one_more(&f))
            pt_fail_more(s, PT_ERR_DATA,
                         "%s: image %zu begins at byte %llu and ends at %llu", d->path, i,
                         a, b);
        if (a < b && b > d->bytes && one_more(&f))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu ends at byte %llu of %llu",
                         d->path, i, b, (unsigned long long)d->bytes);
    }
    tell_rest(&f, d, "offsets");
    if (f.n == 0 && d->offset[d->n] != d->bytes)
        pt_fail_more(s, PT_ERR_DATA, "%s: images end at byte %llu of %llu", d->path,
                     (unsigned long long)d->offset[d->n], (unsigned long long)d->bytes);
}

static void check_images(const pt_dataset *d, pt_status *s)
{
    faults label = {s, 0}, size = {s, 0};

    for (size_t i = 0; i < d->n; i++)
        if ((d->label[i] < 0 || (size_t)d->label[i] >= d->n_classes) && one_more(&label))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu has label %d of %zu classes",
                         d->path, i, d->label[i], d->n_classes);
    tell_rest(&label, d, "labels");
    for (size_t i = 0; i < d->n; i++)
        if ((d->height[i] < 1 || d->width[i] < 1) && one_more(&size))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu is %d high and %d wide", d->path,
                         i, d->height[i], d->width[i]);
    tell_rest(&size, d, "sizes");
}

static void check_splits(const pt_dataset *d, pt_status *s)
{
    for (size_t k = 0; k < d->n_splits; k++) {
        const pt_pack_split *p = &d->splits[k];
        faults f = {s, 0};

        if (p->n == 0)
            pt_fail_more(s, PT_ERR_DATA, "%s: split '%s' is empty", d->path, p->name);
        for (size_t i = 0; i < p->n; i++)
            if (p->images[i] >= d->n && one_more(&f))
                pt_fail_more(s, PT_ERR_DATA, "%s: split '%s' names image %u of %zu",
                             d->path, p->name, p->images[i], d->n);
        tell_rest(&f, d, p->name);
    }
}

static pt_status check_index(const pt_dataset *d)
{
    pt_status s = PT_OK;

    if (d->n == 0) pt_fail_more(&s, PT_ERR_DATA, "%s: has no images", d->path);
    if (d->n_classes == 0) pt_fail_more(&s, PT_ERR_DATA, "%s: has no classes", d->path);
    if (strlen(d->checksum) != PT_DIGEST_HEX - 1)
        pt_fail_more(&s, PT_ERR_DATA, "%s: its checksum has %zu digits, expected %d",
                     d->path, strlen(d->checksum), PT_DIGEST_HEX - 1);
    check_offsets(d, &s);
    check_images(d, &s);
    check_splits(d, &s);
    if (pt_dataset_pairs(d)) pt_pairs_check(pt_dataset_pairs(d), d->n, d->path, &s);
    return s;
}

pt_status pt_dataset_open(const char *path, pt_dataset **out)
{
    pt_dataset *d = calloc(1, sizeof *d);
    pt_h5file *f = NULL;
    pt_status s;

    *out = NULL;
    if (!d) return pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", path);
    d->fd = -1;
    d->path = strdup(path);
    if (!d->path) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", path);
        goto done;
    }
    s = pt_h5file_open(path, &f);
    if (s == PT_OK) s = check_format(f);
    if (s == PT_OK) s = read_index(d, f);
    if (s == PT_OK) s = pt_dataset_check_index(d);
    if (s == PT_OK) s = check_index(d);
    if (s != PT_OK) goto done;
    d->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (d->fd < 0) {
        s = pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
        goto done;
    }
    *out = d;
    d = NULL;
done:
    pt_h5file_destroy(&f);
    pt_dataset_destroy(&d);
    return s;
}

/* ---- what is in it ---------------------------------------------------------------- */

void pt_dataset_append(pt_dataset *d, const pt_dataset *more)
{
    d->more = more;
}

const pt_dataset *pt_dataset_owner(const pt_dataset *d, size_t *image)
{
    if (*image < d->n || !d->more) return d;
    *image -= d->n;
    return d->more;
}

size_t pt_dataset_images(const pt_dataset *d)
{
    return d->n + (d->more ? d->more->n : 0);
}

int pt_dataset_classes(const pt_dataset *d)
{
    return (int)d->n_classes;
}

const char *pt_dataset_class_name(const pt_dataset *d, int label)
{
    return d->classes[label];
}

const char *const *pt_dataset_class_names(const pt_dataset *d)
{
    return (const char *const *)d->classes;
}

const char *pt_dataset_name(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return of->names[image];
}

int pt_dataset_label(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return of->label[image] + (of == d ? 0 : (int)d->n_classes);
}

size_t pt_dataset_bytes(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return (size_t)(of->offset[image + 1] - of->offset[image]);
}

void pt_dataset_size(const pt_dataset *d, size_t image, int *height, int *width)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    *height = of->height[image];
    *width = of->width[image];
}

const char *pt_dataset_checksum(const pt_dataset *d)
{
    return d->checksum;
}

const char *pt_dataset_source(const pt_dataset *d)
{
    return d->source;
}

const char *pt_dataset_licence(const pt_dataset *d)
{
    return d->licence;
}

const pt_pairs *pt_dataset_pairs(const pt_dataset *d)
{
    return d->pairs.view.of ? &d->pairs.view : NULL;
}

size_t pt_dataset_splits(const pt_dataset *d)
{
    return d->n_splits;
}

const char *pt_dataset_split_name(const pt_dataset *d, size_t split)
{
    return d->splits[split].name;
}

pt_status pt_dataset_split(const pt_dataset *d, const char *name, const uint32_t **images,
                           size_t *n)
{
    char there[1024] = "";
    size_t used = 0;

    for (size_t i = 0; i < d->n_splits; i++) {
        if (strcmp(d->splits[i].name, name) == 0) {
            *images = d->splits[i].images;
            *n = d->splits[i].n;
            return PT_OK;
        }
        if (used < sizeof there)
            used += (size_t)snprintf(there + used, sizeof there - used, "%s%s",
                                     i ? ", " : "", d->splits[i].name);
    }
    return pt_fail(PT_ERR_DATA, "%s: has no split '%s'; there is: %s", d->path, name,
                   d->n_splits ? there : "none");
}
