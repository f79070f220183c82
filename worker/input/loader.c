#include "worker/input/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/input/packed.h"

enum { THREADS_MAX = 64, TEXT_MAX = 1024 };

/* One place of the ring. */
struct batch {
    uint32_t *images; /* [max_images] */
    float *pixels;    /* [max_images][crop][crop][3] */
    int32_t *labels;  /* [max_images] */
    size_t n;
    bool train;
    uint64_t epoch;

    size_t next, busy; /* images picked up; being worked on */
    pt_status status;  /* of the first failed image in the batch's order ... */
    size_t failed;     /* ... and its place */
    char text[TEXT_MAX];
};

struct pt_loader {
    const pt_dataset *data;
    pt_augment augment;
    uint64_t seed;
    size_t max_images, view; /* floats of one image */

    pthread_mutex_t lock; /* for all that follows, and the counters of the batches */
    pthread_cond_t work;  /* a batch was asked for, or stop */
    pthread_cond_t done;  /* a batch is ready */
    bool stop;
    uint64_t depth;
    uint64_t oldest;  /* batches released */
    uint64_t asked;   /* batches asked for; oldest <= asked <= oldest + depth */
    uint64_t current; /* the first batch that may have images to pick up */
    struct batch *ring;

    int n_started;
    pthread_t threads[THREADS_MAX];
};

static struct batch *batch_at(const pt_loader *l, uint64_t number)
{
    return &l->ring[number % l->depth];
}

static bool is_done(const struct batch *b)
{
    return b->next == b->n && b->busy == 0;
}

/* ---- one image -------------------------------------------------------------------- */

/* Fills place `at` of b. The text of a failure names the image. */
static pt_status load_image(const pt_loader *l, const struct batch *b, size_t at,
                            pt_packed_file *file)
{
    size_t image = b->images[at], n = pt_dataset_images(l->data);
    float *out = b->pixels + at * l->view;
    pt_image im;
    pt_status s;

    if (image >= n)
        return pt_fail(PT_ERR_DATA, "image %zu: the data set has %zu images", image, n);
    b->labels[at] = pt_dataset_label(l->data, image);
    s = pt_packed_decode(l->data, image, file, &im);
    if (s == PT_OK) {
        s = b->train ? pt_augment_train(&l->augment, &im, l->seed, b->epoch, image, out)
                     : pt_augment_test(&l->augment, &im, out);
        if (s != PT_OK) s = pt_packed_blame(l->data, image, s);
    }
    pt_image_fini(&im);
    return s;
}

/* ---- threads ---------------------------------------------------------------------- */

/* The batch of the next image to pick up, NULL if there is none. Under lock. */
static struct batch *next_batch(pt_loader *l)
{
    while (l->current < l->asked) {
        struct batch *b = batch_at(l, l->current);

        if (b->next < b->n) return b;
        l->current++;
    }
    return NULL;
}

/* Images are picked up in order: when one fails, all before it were picked up, and those
 * after it need not be. Under lock. */
static void record(struct batch *b, size_t at, pt_status s)
{
    if (s == PT_OK || (b->status != PT_OK && b->failed < at)) return;
    b->status = s;
    b->failed = at;
    snprintf(b->text, TEXT_MAX, "%s", pt_fail_text());
    b->next = b->n;
}

static void *thread_main(void *arg)
{
    pt_loader *l = arg;
    pt_packed_file file = {0};

    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        struct batch *b = next_batch(l);
        size_t at;
        pt_status s;

        if (!b) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        at = b->next++;
        b->busy++;
        pthread_mutex_unlock(&l->lock);
        s = load_image(l, b, at, &file);
        pthread_mutex_lock(&l->lock);
        b->busy--;
        record(b, at, s);
        if (is_done(b)) pthread_cond_signal(&l->done);
    }
    pthread_mutex_unlock(&l->lock);
    pt_packed_file_fini(&file);
    return NULL;
}

static pt_status start_threads(pt_loader *l, int n)
{
    while (l->n_started < n) {
        int e = pthread_create(&l->threads[l->n_started], NULL, thread_main, l);

        if (e != 0) {
            return pt_fail(PT_ERR_NOMEM, "cannot start input thread %d of %d: %s",
                           l->n_started + 1, n, strerror(e));
        }
        l->n_started++;
    }
    return PT_OK;
}

/* ---- the caller's side ------------------------------------------------------------ */

static pt_status make_ring(pt_loader *l)
{
    l->ring = pt_calloc(l->depth, sizeof *l->ring);
    if (!l->ring) return pt_fail(PT_ERR_NOMEM, "no memory for the input's ring");
    for (uint64_t i = 0; i < l->depth; i++) {
        struct batch *b = &l->ring[i];

        b->images = pt_calloc(l->max_images, sizeof *b->images);
        b->labels = pt_calloc(l->max_images, sizeof *b->labels);
        b->pixels = pt_calloc(pt_mul(l->max_images, l->view), sizeof *b->pixels);
        if (!b->images || !b->labels || !b->pixels) {
            return pt_fail(PT_ERR_NOMEM, "no memory for %d batches of %zu images",
                           (int)l->depth, l->max_images);
        }
    }
    return PT_OK;
}

pt_status pt_loader_create(const pt_loader_options *opt, pt_loader **out)
{
    pt_loader *l;
    pt_status s;

    *out = NULL;
    if (opt->n_threads < 1 || opt->n_threads > THREADS_MAX || opt->depth < 1 ||
        opt->max_images < 1 || opt->augment->crop < 1) {
        return pt_fail(PT_ERR_CONFIG,
                       "input: %d threads, depth %d, %zu images, crop %d: each must be "
                       "at least 1, threads at most %d",
                       opt->n_threads, opt->depth, opt->max_images, opt->augment->crop,
                       THREADS_MAX);
    }
    l = calloc(1, sizeof *l);
    if (!l) return pt_fail(PT_ERR_NOMEM, "no memory for the input");
    l->data = opt->data;
    l->augment = *opt->augment;
    l->seed = opt->seed;
    l->depth = (uint64_t)opt->depth;
    l->max_images = opt->max_images;
    l->view = (size_t)opt->augment->crop * (size_t)opt->augment->crop * 3;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    s = make_ring(l);
    if (s == PT_OK) s = start_threads(l, opt->n_threads);
    if (s != PT_OK) pt_loader_destroy(&l);
    *out = l;
    return s;
}

void pt_loader_destroy(pt_loader **lp)
{
    pt_loader *l = lp ? *lp : NULL;

    if (!l) return;
    *lp = NULL;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_started; i++) pthread_join(l->threads[i], NULL);
    for (uint64_t i = 0; l->ring && i < l->depth; i++) {
        free(l->ring[i].images);
        free(l->ring[i].labels);
        free(l->ring[i].pixels);
    }
    free(l->ring);
    pthread_cond_destroy(&l->done);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

bool pt_loader_request(pt_loader *l, const uint32_t *images, size_t n, bool train,
                       uint64_t epoch)
{
    bool has_space;

    PT_CHECK(n <= l->max_images, "a batch of %zu images, but space for only %zu", n,
             l->max_images);
    pthread_mutex_lock(&l->lock);
    has_space = l->asked - l->oldest < l->depth;
    if (has_space) {
        struct batch *b = batch_at(l, l->asked);

        if (n > 0) memcpy(b->images, images, n * sizeof *images);
        b->n = n;
        b->train = train;
        b->epoch = epoch;
        b->next = b->busy = 0;
        b->status = PT_OK;
        l->asked++;
        pthread_cond_broadcast(&l->work);
    }
    pthread_mutex_unlock(&l->lock);
    return has_space;
}

/* The oldest batch, done, or NULL if none was asked for. Under lock. */
static struct batch *wait_for_oldest(pt_loader *l)
{
    struct batch *b = batch_at(l, l->oldest);

    if (l->oldest == l->asked) return NULL;
    while (!is_done(b)) pthread_cond_wait(&l->done, &l->lock);
    return b;
}

pt_status pt_loader_get(pt_loader *l, const float **pixels, const int32_t **labels,
                        size_t *n)
{
    const struct batch *b;

    pthread_mutex_lock(&l->lock);
    b = wait_for_oldest(l);
    pthread_mutex_unlock(&l->lock);
    if (!b) return pt_fail(PT_ERR_BUG, "a batch was taken that had not been requested");
    if (b->status != PT_OK) return pt_fail(b->status, "%s", b->text);
    *pixels = b->pixels;
    *labels = b->labels;
    *n = b->n;
    return PT_OK;
}

bool pt_loader_ready(const pt_loader *l)
{
    pthread_mutex_t *lock =
        (pthread_mutex_t *)&l->lock; /* locking does not change the loader's value */
    bool ready;

    pthread_mutex_lock(lock);
    ready = l->oldest < l->asked && is_done(batch_at(l, l->oldest));
    pthread_mutex_unlock(lock);
    return ready;
}

void pt_loader_release(pt_loader *l)
{
    pthread_mutex_lock(&l->lock);
    if (wait_for_oldest(l)) l->oldest++;
    if (l->current < l->oldest) l->current = l->oldest;
    pthread_mutex_unlock(&l->lock);
}
