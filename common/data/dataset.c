#include "common/data/dataset_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FAULTS = 20 }; /* listed of each kind */

void pt_dataset_index_fini(pt_dataset_index *x)
{
    free(x->offset);
    free(x->label);
    free(x->height);
    free(x->width);
    free(x->crc);
    free(x->names);
    free(x->splits);
}

void pt_dataset_destroy(pt_dataset **pd)
{
    pt_dataset *d = pd ? *pd : NULL;

    if (!d) return;
    pt_file_destroy(&d->file);
    for (size_t i = 0; d->entries && i < d->index.n_splits; i++) free(d->entries[i]);
    free(d->entries);
    free(d->split_names);
    free(d->index.classes);
    free(d->index.source);
    free(d->index.licence);
    free(d->index.checksum);
    pt_dataset_index_fini(&d->index);
    pt_pairs_fini(&d->pairs);
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
        return pt_fail(PT_ERR_DATA, "%s: is not packed data (it has no '%s')",
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
    pt_dataset_index *x = &d->index;
    char path[512];
    pt_status s = pt_h5file_list(f, "split", &d->split_names, &x->n_splits);

    if (s == PT_OK && x->n_splits > PT_DATASET_MAX_SPLITS)
        s = pt_fail(PT_ERR_DATA, "%s: has %zu splits, the limit is %d", d->path,
                    x->n_splits, PT_DATASET_MAX_SPLITS);
    if (s != PT_OK) {
        x->n_splits = 0;
        return s;
    }
    d->entries = calloc(x->n_splits + 1, sizeof *d->entries);
    x->splits = calloc(x->n_splits + 1, sizeof *x->splits);
    if (!d->entries || !x->splits) return pt_fail(PT_ERR_NOMEM, "%s: no memory", d->path);
    for (size_t i = 0; i < x->n_splits && s == PT_OK; i++) {
        int len = snprintf(path, sizeof path, "split/%s", d->split_names[i]);
        if (len < 0 || (size_t)len >= sizeof path)
            return pt_fail(PT_ERR_DATA, "%s: the name of split %zu is too long", d->path,
                           i);
        x->splits[i].name = d->split_names[i];
        s = pt_h5file_read_u32(f, path, PT_DATASET_MAX_IMAGES, &d->entries[i],
                               &x->splits[i].n);
        x->splits[i].images = d->entries[i];
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
    s = pt_h5file_read_u32(f, PT_DATASET_CRC, PT_DATASET_MAX_IMAGES, &d->index.crc, &n);
    s = same_count(d, s, "crc32c", n, d->index.n);
    return s == PT_OK ? pt_h5file_attr_int(f, "/", PT_DATASET_INDEX_CRC, &d->index_crc)
                      : s;
}

static pt_status read_index(pt_dataset *d, const pt_h5file *f)
{
    const size_t max = PT_DATASET_MAX_IMAGES;
    pt_dataset_index *x = &d->index;
    size_t n = 0, k = 0;
    pt_status s = pt_h5file_bytes_at(f, "images/bytes", &d->bytes_at, &d->bytes);

    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/label", max, &x->label, &n);
    x->n = n;
    if (s == PT_OK) s = pt_h5file_read_u64(f, "images/offset", max + 1, &x->offset, &k);
    s = same_count(d, s, "offset", k, n + 1);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/height", max, &x->height, &k);
    s = same_count(d, s, "height", k, n);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "images/width", max, &x->width, &k);
    s = same_count(d, s, "width", k, n);
    if (s == PT_OK) s = pt_h5file_read_strings(f, "images/name", max, &x->names, &k);
    s = same_count(d, s, "name", k, n);
    if (s == PT_OK)
        s = pt_h5file_read_strings(f, "classes/name", PT_DATASET_MAX_CLASSES, &x->classes,
                                   &x->n_classes);
    if (s == PT_OK) s = read_splits(d, f);
    if (s == PT_OK) s = read_sums(d, f);
    if (s == PT_OK) s = pt_pairs_read(f, &d->pairs);
    if (s == PT_OK && d->pairs.view.of) x->pairs = &d->pairs.view;
    if (s == PT_OK) s = pt_h5file_attr_string(f, "/", "checksum", &x->checksum);
    if (s == PT_OK) s = read_text(f, "source", &x->source);
    if (s == PT_OK) s = read_text(f, "licence", &x->licence);
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

static void report_rest(const faults *f, const pt_dataset *d, const char *what)
{
    if (f->n > MAX_FAULTS)
        pt_fail_more(f->status, PT_ERR_DATA, "%s: %zu more faults in %s", d->path,
                     f->n - MAX_FAULTS, what);
}

static void check_offsets(const pt_dataset *d, pt_status *s)
{
    const pt_dataset_index *x = &d->index;
    faults f = {s, 0};

    if (x->offset[0] != 0)
        pt_fail_more(s, PT_ERR_DATA,
                     "%s: the first image begins at byte %llu, expected 0", d->path,
                     (unsigned long long)x->offset[0]);
    for (size_t i = 0; i < x->n; i++) {
        unsigned long long a = x->offset[i], b = x->offset[i + 1];
        if (a >= b && one_more(&f))
            pt_fail_more(s, PT_ERR_DATA,
                         "%s: image %zu begins at byte %llu and ends at %llu", d->path, i,
                         a, b);
        if (a < b && b > d->bytes && one_more(&f))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu ends at byte %llu of %llu",
                         d->path, i, b, (unsigned long long)d->bytes);
    }
    report_rest(&f, d, "offsets");
    if (f.n == 0 && x->offset[x->n] != d->bytes)
        pt_fail_more(s, PT_ERR_DATA, "%s: images end at byte %llu of %llu", d->path,
                     (unsigned long long)x->offset[x->n], (unsigned long long)d->bytes);
}

static void check_images(const pt_dataset *d, pt_status *s)
{
    const pt_dataset_index *x = &d->index;
    faults label = {s, 0}, size = {s, 0};

    for (size_t i = 0; i < x->n; i++)
        if ((x->label[i] < 0 || (size_t)x->label[i] >= x->n_classes) && one_more(&label))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu has label %d of %zu classes",
                         d->path, i, x->label[i], x->n_classes);
    report_rest(&label, d, "labels");
    for (size_t i = 0; i < x->n; i++)
        if ((x->height[i] < 1 || x->width[i] < 1) && one_more(&size))
            pt_fail_more(s, PT_ERR_DATA, "%s: image %zu has height %d and width %d",
                         d->path, i, x->height[i], x->width[i]);
    report_rest(&size, d, "sizes");
}

static void check_splits(const pt_dataset *d, pt_status *s)
{
    const pt_dataset_index *x = &d->index;
    for (size_t k = 0; k < x->n_splits; k++) {
        const pt_pack_split *p = &x->splits[k];
        faults f = {s, 0};

        if (p->n == 0)
            pt_fail_more(s, PT_ERR_DATA, "%s: split '%s' is empty", d->path, p->name);
        for (size_t i = 0; i < p->n; i++)
            if (p->images[i] >= x->n && one_more(&f))
                pt_fail_more(s, PT_ERR_DATA, "%s: split '%s' names image %u of %zu",
                             d->path, p->name, p->images[i], x->n);
        report_rest(&f, d, p->name);
    }
}

static pt_status check_index(const pt_dataset *d)
{
    pt_status s = PT_OK;

    if (d->index.n == 0) pt_fail_more(&s, PT_ERR_DATA, "%s: has no images", d->path);
    if (d->index.n_classes == 0)
        pt_fail_more(&s, PT_ERR_DATA, "%s: has no classes", d->path);
    if (strlen(d->index.checksum) != PT_DIGEST_HEX - 1)
        pt_fail_more(&s, PT_ERR_DATA, "%s: its checksum has %zu digits, expected %d",
                     d->path, strlen(d->index.checksum), PT_DIGEST_HEX - 1);
    check_offsets(d, &s);
    check_images(d, &s);
    check_splits(d, &s);
    if (d->index.pairs) pt_pairs_check(d->index.pairs, d->index.n, d->path, &s);
    return s;
}

pt_status pt_dataset_open(const char *path, pt_dataset **out)
{
    pt_dataset *d = calloc(1, sizeof *d);
    pt_h5file *f = NULL;
    pt_status s;

    *out = NULL;
    if (!d) return pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", path);
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
    if (s == PT_OK) s = pt_file_open(path, &d->file);
    if (s != PT_OK) goto done;
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
    if (*image < d->index.n || !d->more) return d;
    *image -= d->index.n;
    return d->more;
}

size_t pt_dataset_images(const pt_dataset *d)
{
    return d->index.n + (d->more ? d->more->index.n : 0);
}

int pt_dataset_classes(const pt_dataset *d)
{
    return (int)d->index.n_classes;
}

const char *pt_dataset_class_name(const pt_dataset *d, int label)
{
    return d->index.classes[label];
}

const char *const *pt_dataset_class_names(const pt_dataset *d)
{
    return (const char *const *)d->index.classes;
}

const char *pt_dataset_name(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return of->index.names[image];
}

int pt_dataset_label(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return of->index.label[image] + (of == d ? 0 : (int)d->index.n_classes);
}

size_t pt_dataset_bytes(const pt_dataset *d, size_t image)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    return (size_t)(of->index.offset[image + 1] - of->index.offset[image]);
}

void pt_dataset_size(const pt_dataset *d, size_t image, int *height, int *width)
{
    const pt_dataset *of = pt_dataset_owner(d, &image);

    *height = of->index.height[image];
    *width = of->index.width[image];
}

const char *pt_dataset_checksum(const pt_dataset *d)
{
    return d->index.checksum;
}

const char *pt_dataset_source(const pt_dataset *d)
{
    return d->index.source;
}

const char *pt_dataset_licence(const pt_dataset *d)
{
    return d->index.licence;
}

const pt_pairs *pt_dataset_pairs(const pt_dataset *d)
{
    return d->index.pairs;
}

size_t pt_dataset_splits(const pt_dataset *d)
{
    return d->index.n_splits;
}

const char *pt_dataset_split_name(const pt_dataset *d, size_t split)
{
    return d->index.splits[split].name;
}

pt_status pt_dataset_split(const pt_dataset *d, const char *name, const uint32_t **images,
                           size_t *n)
{
    char there[1024] = "";
    size_t used = 0;

    for (size_t i = 0; i < d->index.n_splits; i++) {
        if (strcmp(d->index.splits[i].name, name) == 0) {
            *images = d->index.splits[i].images;
            *n = d->index.splits[i].n;
            return PT_OK;
        }
        if (used < sizeof there)
            used += (size_t)snprintf(there + used, sizeof there - used, "%s%s",
                                     i ? ", " : "", d->index.splits[i].name);
    }
    return pt_fail(PT_ERR_DATA, "%s: has no split '%s'; it has: %s", d->path, name,
                   d->index.n_splits ? there : "none");
}
