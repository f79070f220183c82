#include "common/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_BYTES = 32, READ_BYTES = 1 << 18 };

struct pt_digest {
    EVP_MD_CTX *evp;
};

pt_status pt_digest_create(pt_digest **out)
{
    pt_digest *d = calloc(1, sizeof *d);

    *out = NULL;
    if (!d) return pt_fail(PT_ERR_NOMEM, "sha-256: no memory for the context");
    d->evp = EVP_MD_CTX_new();
    if (!d->evp || EVP_DigestInit_ex(d->evp, EVP_sha256(), NULL) != 1) {
        pt_digest_destroy(&d);
        return pt_fail(PT_ERR_NOMEM, "sha-256: libcrypto does not provide it");
    }
    *out = d;
    return PT_OK;
}

void pt_digest_add(pt_digest *d, const void *data, size_t n)
{
    if (n == 0) return;
    PT_CHECK(EVP_DigestUpdate(d->evp, data, n) == 1, "sha-256 of %zu bytes failed", n);
}

void pt_digest_finish(pt_digest **d, char hex[PT_DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[HASH_BYTES];
    unsigned n = 0;

    PT_CHECK(EVP_DigestFinal_ex((*d)->evp, hash, &n) == 1 && n == HASH_BYTES,
             "sha-256 has %u bytes instead of %d", n, HASH_BYTES);
    for (int i = 0; i < HASH_BYTES; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    hex[2 * HASH_BYTES] = '\0';
    pt_digest_destroy(d);
}

void pt_digest_destroy(pt_digest **d)
{
    if (!d || !*d) return;
    EVP_MD_CTX_free((*d)->evp);
    free(*d);
    *d = NULL;
}

static pt_status add_file(pt_digest *d, int fd, const char *path)
{
    pt_status s = PT_OK;
    ssize_t n;
    void *buffer = malloc(READ_BYTES);

    if (!buffer) return pt_fail(PT_ERR_NOMEM, "%s: no memory to read it", path);
    while ((n = read(fd, buffer, READ_BYTES)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            s = pt_fail(PT_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
            break;
        }
        pt_digest_add(d, buffer, (size_t)n);
    }
    free(buffer);
    return s;
}

pt_status pt_digest_file(const char *path, char hex[PT_DIGEST_HEX])
{
    pt_status s;
    pt_digest *d = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return pt_fail(PT_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    s = pt_digest_create(&d);
    if (s == PT_OK) s = add_file(d, fd, path);
    if (s == PT_OK) pt_digest_finish(&d, hex);
    pt_digest_destroy(&d);
    close(fd);
    return s;
}
