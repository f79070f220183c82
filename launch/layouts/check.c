#include "launch/layouts/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cores.h"
#include "common/base/file.h"
#include "worker/engine/threads.h"

enum {
    MAX_FILE_BYTES = 1 << 28,
    LARGE_PIXELS = 1 << 24, /* of one image: above this one at a time */
    MAX_THREADS = 256
};

typedef struct {
    const pt_layout_image *images;
    pt_checked *out;
    size_t n;
    atomic_size_t next;
    pthread_mutex_t large;
} job;

/* ---- one image -------------------------------------------------------------------- */

static pt_status load(const char *path, uint8_t **bytes, size_t *n)
{
    pt_status s = pt_file_load_path(path, MAX_FILE_BYTES, bytes, n);

    return s == PT_OK && *n == 0
               ? pt_fail(PT_ERR_DATA, "%s: has 0 bytes, expected 1 to %d", path,
                         MAX_FILE_BYTES)
               : s;
}

/* The decoder names no file: its reason is put after the path. */
static pt_status decode(job *j, const char *path, const uint8_t *bytes, size_t n,
                        pt_checked *c)
{
    pt_image im = {0};
    int h = 0, w = 0;
    pt_status s = pt_picture_size(bytes, n, &h, &w);
    bool large = s == PT_OK && (int64_t)h * w > LARGE_PIXELS;

    if (large) pthread_mutex_lock(&j->large);
    if (s == PT_OK) s = pt_picture_decode(bytes, n, &im, c->warning);
    c->height = im.height;
    c->width = im.width;
    pt_image_fini(&im);
    if (large) pthread_mutex_unlock(&j->large);
    if (s != PT_OK) {
        char *why = strdup(pt_fail_text());
        s = pt_fail(s, "%s: %s", path, why ? why : "is bad");
        free(why);
    }
    return s;
}

static pt_status take_digest(const uint8_t *bytes, pt_checked *c)
{
    pt_digest *d = NULL;
    pt_status s = pt_digest_create(&d);

    if (s != PT_OK) return s;
    pt_digest_add(d, bytes, c->bytes);
    pt_digest_finish(&d, c->digest);
    return PT_OK;
}

static void check_one(job *j, size_t i)
{
    const char *path = j->images[i].path;
    pt_checked *c = &j->out[i];
    uint8_t *bytes = NULL;

    *c = (pt_checked){0};
    c->status = load(path, &bytes, &c->bytes);
    if (c->status == PT_OK) c->status = decode(j, path, bytes, c->bytes, c);
    if (c->status == PT_OK) c->status = take_digest(bytes, c);
    free(bytes);
    if (c->status == PT_OK) return;
    c->reason = strdup(pt_fail_text());
    for (char *p = c->reason; p && *p; p++)
        if (*p == '\n') *p = ' '; /* one line for one file */
}

/* ---- all -------------------------------------------------------------------------- */

static void *work(void *context)
{
    job *j = context;

    for (;;) {
        size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->n) return NULL;
        check_one(j, i);
    }
}

static int cores(void)
{
    int n = pt_cores_cpus();

    return n > MAX_THREADS ? MAX_THREADS : n;
}

pt_status pt_check_images(const pt_layout_image *images, size_t n, int n_threads,
                          pt_checked *out)
{
    job j = {.images = images, .out = out, .n = n};
    pthread_t threads[MAX_THREADS];
    int started = 0, wanted = n_threads > 0 ? n_threads : cores();

    if (wanted > MAX_THREADS) wanted = MAX_THREADS;
    if ((size_t)wanted > n) wanted = (int)n;
    if (pthread_mutex_init(&j.large, NULL) != 0)
        return pt_fail(PT_ERR_NOMEM, "cannot create a lock");
    while (started < wanted - 1 && pthread_create(&threads[started], NULL, work, &j) == 0)
        started++; /* fewer threads are only slower */
    work(&j);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&j.large);
    for (size_t i = 0; i < n; i++)
        if (out[i].status == PT_ERR_NOMEM)
            return pt_fail(PT_ERR_NOMEM, "%s",
                           out[i].reason ? out[i].reason : "no memory");
    return PT_OK;
}

void pt_checked_fini(pt_checked *c, size_t n)
{
    for (size_t i = 0; i < n; i++) free(c[i].reason);
}
