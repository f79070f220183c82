#include "common/data/dataset_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc32c.h"

enum { BLOCK_BYTES = 1 << 20 };

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pt_pack_split *)a)->name, ((const pt_pack_split *)b)->name);
}

static pt_status check_split(const pt_pack *p, const pt_pack_split *split,
                             const char *path)
{
    if (split->name[0] == '\0' || strchr(split->name, '/') ||
        strcmp(split->name, ".") == 0)
        return pt_fail(PT_ERR_DATA, "%s: a split cannot be named '%s'", path,
                       split->name);
    if (split->n == 0)
        return pt_fail(PT_ERR_DATA, "%s: split '%s' would be empty", path, split->name);
    for (size_t i = 0; i < split->n; i++)
        if (split->images[i] >= p->n_images)
            return pt_fail(PT_ERR_DATA, "%s: split '%s' names image %u of %zu", path,
                           split->name, split->images[i], p->n_images);
    return PT_OK;
}

static pt_status check_pack(const pt_pack *p, const char *path)
{
    pt_status s = PT_OK;

    if (p->n_images == 0 || p->n_images > PT_DATASET_MAX_IMAGES)
        return pt_fail(PT_ERR_DATA, "%s: would have %zu images, expected 1 to %zu", path,
                       p->n_images, PT_DATASET_MAX_IMAGES);
    if (p->n_classes < 1 || p->n_classes > PT_DATASET_MAX_CLASSES)
        return pt_fail(PT_ERR_DATA, "%s: would have %d classes, expected 1 to %d", path,
                       p->n_classes, PT_DATASET_MAX_CLASSES);
    if (p->n_splits > PT_DATASET_MAX_SPLITS)
        return pt_fail(PT_ERR_DATA, "%s: would have %zu splits, expected at most %d",
                       path, p->n_splits, PT_DATASET_MAX_SPLITS);
    for (size_t i = 0; i < p->n_images; i++) {
        const pt_pack_image *im = &p->images[i];
        if (im->label < 0 || im->label >= p->n_classes)
            return pt_fail(PT_ERR_DATA, "%s: label %d of %d classes",
                           im->path ? im->path : im->name, im->label, p->n_classes);
        if (im->bytes == 0 || im->height < 1 || im->width < 1)
            return pt_fail(PT_ERR_DATA, "%s: has %zu bytes and %d x %d pixels",
                           im->path ? im->path : im->name, im->bytes, im->height,
                           im->width);
    }
    for (size_t i = 0; i < p->n_splits && s == PT_OK; i++)
        s = check_split(p, &p->splits[i], path);
    if (s == PT_OK && p->pairs) pt_pairs_check(p->pairs, p->n_images, path, &s);
    return s;
}

static pt_status make_index(const pt_pack *p, const char *path, pt_dataset_index *x)
{
    const size_t n = p->n_images;

    *x = (pt_dataset_index){.n = n,
                            .n_classes = (size_t)p->n_classes,
                            .n_splits = p->n_splits,
                            .offset = malloc((n + 1) * sizeof *x->offset),
                            .label = malloc(n * sizeof *x->label),
                            .height = malloc(n * sizeof *x->height),
                            .width = malloc(n * sizeof *x->width),
                            .crc = calloc(n, sizeof *x->crc),
                            .names = malloc(n * sizeof *x->names),
                            .splits = malloc((p->n_splits + 1) * sizeof *x->splits),
                            .classes = (char **)p->classes,
                            .source = (char *)(p->source ? p->source : ""),
                            .licence = (char *)(p->licence ? p->licence : ""),
                            .pairs = p->pairs};
    if (!x->offset || !x->label || !x->height || !x->width || !x->crc || !x->names ||
        !x->splits)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", path);
    x->offset[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const pt_pack_image *im = &p->images[i];
        if (__builtin_add_overflow(x->offset[i], im->bytes, &x->offset[i + 1]) ||
            x->offset[i + 1] > INT64_MAX)
            return pt_fail(PT_ERR_DATA, "%s: the images have more than 2^63 bytes", path);
        x->label[i] = im->label;
        x->height[i] = im->height;
        x->width[i] = im->width;
        x->names[i] = (char *)im->name;
    }
    for (size_t i = 0; i < p->n_splits; i++) x->splits[i] = p->splits[i];
    qsort(x->splits, p->n_splits, sizeof *x->splits, by_name);
    for (size_t i = 1; i < p->n_splits; i++)
        if (by_name(&x->splits[i - 1], &x->splits[i]) == 0)
            return pt_fail(PT_ERR_DATA, "%s: two splits are named '%s'", path,
                           x->splits[i].name);
    return PT_OK;
}

static pt_status write_strings(pt_h5file *f, const char *name, char **strings, size_t n)
{
    return pt_h5file_write_strings(f, name, (const char *const *)strings, n);
}

static pt_status write_index(pt_h5file *f, const pt_dataset_index *x)
{
    const uint64_t n[1] = {x->n}, n1[1] = {x->n + 1};
    char path[512];
    pt_status s = pt_h5file_write_u64(f, "images/offset", 1, n1, x->offset);

    if (s == PT_OK) s = pt_h5file_write_i32(f, "images/label", 1, n, x->label);
    if (s == PT_OK) s = pt_h5file_write_i32(f, "images/height", 1, n, x->height);
    if (s == PT_OK) s = pt_h5file_write_i32(f, "images/width", 1, n, x->width);
    if (s == PT_OK) s = write_strings(f, "images/name", x->names, x->n);
    if (s == PT_OK) s = write_strings(f, "classes/name", x->classes, x->n_classes);
    if (s == PT_OK) s = pt_h5file_make_group(f, "split");
    for (size_t i = 0; i < x->n_splits && s == PT_OK; i++) {
        const pt_pack_split *split = &x->splits[i];
        const uint64_t k[1] = {split->n};
        int len = snprintf(path, sizeof path, "split/%s", split->name);
        if (len < 0 || (size_t)len >= sizeof path)
            return pt_fail(PT_ERR_DATA, "the name of split '%s' is too long",
                           split->name);
        s = pt_h5file_write_u32(f, path, 1, k, split->images);
    }
    return s == PT_OK && x->pairs ? pt_pairs_write(f, x->pairs) : s;
}

/* ---- the bytes -------------------------------------------------------------------- */

typedef struct {
    const char *path; /* of the packed file, for messages */
    int fd;
    uint64_t at; /* where the next byte goes */
    pt_digest *digest;
    uint32_t crc; /* of the image that is being written */
    char *block;  /* [BLOCK_BYTES] */
} sink;

static pt_status put(sink *to, const char *bytes, size_t n)
{
    pt_digest_add(to->digest, bytes, n);
    to->crc = pt_crc32c(to->crc, bytes, n);
    while (n > 0) {
        ssize_t done = pwrite(to->fd, bytes, n, (off_t)to->at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0)
            return pt_fail(PT_ERR_IO, "%s: cannot be written: %s", to->path,
                           strerror(done < 0 ? errno : ENOSPC));
        bytes += done;
        to->at += (uint64_t)done;
        n -= (size_t)done;
    }
    return PT_OK;
}

static pt_status copy_image(sink *to, const pt_pack_image *im)
{
    size_t left = im->bytes;
    pt_status s = PT_OK;
    int fd = open(im->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", im->path, strerror(errno));
    for (;;) { /* one read more than the size needs, to see the end */
        ssize_t got = read(fd, to->block, BLOCK_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            s = pt_fail(PT_ERR_IO, "%s: cannot be read: %s", im->path, strerror(errno));
            break;
        }
        if ((size_t)got > left || (got == 0 && left > 0)) {
            s = pt_fail(PT_ERR_DATA, "%s: had %zu bytes when it was checked, now %s",
                        im->path, im->bytes, got == 0 ? "fewer" : "more");
            break;
        }
        if (got == 0) break;
        s = put(to, to->block, (size_t)got);
        if (s != PT_OK) break;
        left -= (size_t)got;
    }
    close(fd);
    return s;
}

static pt_status copy_packed(sink *to, const pt_pack_image *im)
{
    char *bytes = malloc(im->bytes);
    pt_status s = bytes ? pt_dataset_read(im->from, im->from_image, bytes)
                        : pt_fail(PT_ERR_NOMEM, "%s: no memory for an image", to->path);

    if (s == PT_OK) s = put(to, bytes, im->bytes);
    free(bytes);
    return s;
}

/* Also x->crc, and the checksum of all into hex. */
static pt_status write_bytes(pt_h5file *f, const pt_pack *p, const pt_dataset_index *x,
                             char *hex)
{
    sink to = {.path = pt_h5file_path(f), .fd = -1};
    uint64_t begin = 0;
    pt_status s = pt_h5file_reserve_bytes(f, "images/bytes", x->offset[x->n], &begin);

    if (s == PT_OK) s = pt_digest_create(&to.digest);
    if (s != PT_OK) goto done;
    to.at = begin;
    to.block = malloc(BLOCK_BYTES);
    to.fd = open(pt_h5file_current_path(f), O_WRONLY | O_CLOEXEC);
    if (!to.block || to.fd < 0) {
        s = pt_fail(PT_ERR_IO, "%s: cannot be opened for writing: %s", to.path,
                    strerror(errno));
        goto done;
    }
    for (size_t i = 0; i < p->n_images && s == PT_OK; i++) {
        to.crc = 0;
        s = p->images[i].path ? copy_image(&to, &p->images[i])
                              : copy_packed(&to, &p->images[i]);
        x->crc[i] = to.crc;
    }
    if (s != PT_OK) goto done;
    pt_dataset_digest_index(to.digest, x);
    pt_digest_finish(&to.digest, hex);
done:
    if (to.fd >= 0 && close(to.fd) != 0 && s == PT_OK)
        s = pt_fail(PT_ERR_IO, "%s: cannot be written: %s", to.path, strerror(errno));
    free(to.block);
    pt_digest_destroy(&to.digest);
    return s;
}

/* Behind the bytes, whose sums these are. */
static pt_status write_attributes(pt_h5file *f, const pt_dataset_index *x)
{
    const uint64_t n[1] = {x->n};
    pt_status s = pt_h5file_set_string(f, "/", "format", PT_DATASET_FORMAT);

    if (s == PT_OK) s = pt_h5file_set_int(f, "/", "format_version", PT_DATASET_VERSION);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "source", x->source);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "licence", x->licence);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "checksum", x->checksum);
    if (s == PT_OK) s = pt_h5file_write_u32(f, PT_DATASET_CRC, 1, n, x->crc);
    if (s != PT_OK) return s;
    return pt_h5file_set_int(f, "/", PT_DATASET_INDEX_CRC,
                             (int64_t)pt_dataset_index_crc(x));
}

pt_status pt_dataset_write(const char *path, const pt_pack *p,
                           char checksum[PT_DIGEST_HEX])
{
    char hex[PT_DIGEST_HEX];
    pt_h5file *f = NULL;
    pt_dataset_index x = {0};
    pt_status s = check_pack(p, path);

    if (s == PT_OK) s = make_index(p, path, &x);
    x.checksum = hex;
    if (s == PT_OK) s = pt_h5file_create(path, &f);
    if (s == PT_OK) s = write_index(f, &x);
    if (s == PT_OK) s = write_bytes(f, p, &x, hex);
    if (s == PT_OK) s = write_attributes(f, &x);
    if (s == PT_OK) s = pt_h5file_commit(&f);
    if (s == PT_OK && checksum) memcpy(checksum, hex, sizeof hex);
    pt_h5file_destroy(&f);
    pt_dataset_index_fini(&x);
    return s;
}
