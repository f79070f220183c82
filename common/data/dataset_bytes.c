#include "common/data/dataset_private.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 20 }; /* damaged images */

pt_status pt_dataset_read(const pt_dataset *d, size_t image, void *buffer)
{
    size_t bytes = pt_dataset_bytes(d, image);
    const pt_dataset *of = pt_dataset_owner(d, &image);
    pt_status s =
        pt_file_read(of->file, of->bytes_at + of->index.offset[image], buffer, bytes);

    if (s == PT_OK) pt_dataset_check_image(of, image, buffer, &s);
    return s;
}

/* ---- the whole file --------------------------------------------------------------- */

void pt_dataset_digest_index(pt_digest *digest, const pt_dataset_index *x)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "memory is hashed as it is");
    pt_digest_add(digest, x->offset, (x->n + 1) * sizeof *x->offset);
    pt_digest_add(digest, x->label, x->n * sizeof *x->label);
    for (size_t i = 0; i < x->n_splits; i++) {
        const pt_pack_split *p = &x->splits[i];

        pt_digest_add(digest, p->name, strlen(p->name) + 1);
        pt_digest_add(digest, p->images, p->n * sizeof *p->images);
    }
    pt_pairs_digest(digest, x->pairs);
}

/* Adds the bytes of all images to the digest; the damaged ones are listed. */
static pt_status digest_images(const pt_dataset *d, pt_digest *digest)
{
    const uint64_t *offset = d->index.offset;
    size_t n_bad = 0, largest = 0;
    pt_status s = PT_OK, bad = PT_OK;
    char *bytes;

    for (size_t i = 0; i < d->index.n; i++)
        if (offset[i + 1] - offset[i] > largest) largest = offset[i + 1] - offset[i];
    bytes = malloc(largest);
    if (!bytes)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for an image of %zu bytes", d->path,
                       largest);
    for (size_t i = 0; i < d->index.n && s == PT_OK; i++) {
        size_t n = (size_t)(offset[i + 1] - offset[i]);

        s = pt_file_read(d->file, d->bytes_at + offset[i], bytes, n);
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
    pt_dataset_digest_index(digest, &d->index);
    pt_digest_finish(&digest, hex);
    if (strcmp(hex, d->index.checksum) != 0)
        s = pt_fail(PT_ERR_DATA,
                    "%s: its checksum is %s, expected %s: the file is damaged", d->path,
                    hex, d->index.checksum);
done:
    pt_digest_destroy(&digest);
    return s;
}
