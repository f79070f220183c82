#include "common/data/dataset_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LISTED = 20 }; /* damaged images */

static pt_status read_at(const pt_dataset *d, uint64_t at, size_t n, void *buffer)
{
    char *to = buffer;

    while (n > 0) {
        ssize_t got = pread(d->fd, to, n, (off_t)(d->bytes_at + at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return pt_fail(PT_ERR_IO, "%s: cannot be read at byte %llu: %s", d->path,
                           (unsigned long long)(d->bytes_at + at), strerror(errno));
        if (got == 0)
            return pt_fail(PT_ERR_IO, "%s: ends at byte %llu, %zu bytes are missing",
                           d->path, (unsigned long long)(d->bytes_at + at), n);
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return PT_OK;
}

pt_status pt_dataset_read(const pt_dataset *d, size_t image, void *buffer)
{
    size_t bytes = pt_dataset_bytes(d, image);
    const pt_dataset *of = pt_dataset_owner(d, &image);
    pt_status s = read_at(of, of->offset[image], bytes, buffer);

    if (s == PT_OK) pt_dataset_check_image(of, image, buffer, &s);
    return s;
}

/* ---- the whole file --------------------------------------------------------------- */

void pt_dataset_digest_index(pt_digest *digest, const uint64_t *offset,
                             const int32_t *label, size_t n, const pt_pack_split *splits,
                             size_t n_splits)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "memory is hashed as it is");
    pt_digest_add(digest, offset, (n + 1) * sizeof *offset);
    pt_digest_add(digest, label, n * sizeof *label);
    for (size_t i = 0; i < n_splits; i++) {
        pt_digest_add(digest, splits[i].name, strlen(splits[i].name) + 1);
        pt_digest_add(digest, splits[i].images, splits[i].n * sizeof *splits[i].images);
    }
}

static pt_status make_room(const pt_dataset *d, size_t n, char **bytes, size_t *held)
{
    char *more = n > *held ? realloc(*bytes, n) : *bytes;

    if (!more)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for an image of %zu bytes", d->path,
                       n);
    if (n > *held) *held = n;
    *bytes = more;
    return PT_OK;
}

/* Adds the bytes of all images to the digest; the damaged ones are listed. */
static pt_status digest_images(const pt_dataset *d, pt_digest *digest)
{
    size_t n_bad = 0, held = 0;
    char *bytes = NULL;
    pt_status s = PT_OK, bad = PT_OK;

    for (size_t i = 0; i < d->n && s == PT_OK; i++) {
        size_t n = (size_t)(d->offset[i + 1] - d->offset[i]);

        s = make_room(d, n, &bytes, &held);
        if (s == PT_OK) s = read_at(d, d->offset[i], n, bytes);
        if (s != PT_OK) break;
        pt_digest_add(digest, bytes, n);
        if (n_bad < MAX_LISTED) n_bad += pt_dataset_check_image(d, i, bytes, &bad);
    }
    free(bytes);
    return s == PT_OK ? bad : s;
}

pt_status pt_dataset_verify(const pt_dataset *d)
{
    char hex[PT_DIGEST_HEX];
    pt_digest *digest = NULL;
    pt_status s = pt_digest_create(&digest);

    if (s == PT_OK) s = digest_images(d, digest);
    if (s != PT_OK) goto done;
    pt_dataset_digest_index(digest, d->offset, d->label, d->n, d->splits, d->n_splits);
    pt_pairs_digest(digest, pt_dataset_pairs(d));
    pt_digest_finish(&digest, hex);
    if (strcmp(hex, d->checksum) != 0)
        s = pt_fail(PT_ERR_DATA,
                    "%s: its checksum is %s, expected %s: the file is damaged", d->path,
                    hex, d->checksum);
done:
    pt_digest_destroy(&digest);
    return s;
}
