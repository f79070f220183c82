#include "launch/borrow/search.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/comm/job.h"
#include "launch/support/gather_to_root.h"
#include "worker/input/packed.h"

enum { FINE = PT_BANK_FINE };

typedef struct {
    const pt_image_set *target, *source;
    const size_t *k;
    const pt_bank *bank;
    int n_bins;
    size_t slices;     /* n_maps * FINE */
    size_t bins;       /* of a descriptor: n_maps * n_bins */
    uint64_t *counts;  /* [n_maps][FINE] */
    uint8_t *bin_of;   /* [n_maps][FINE] */
    uint16_t *counted; /* [bins], of one image */
    double *shares;    /* [target->n][2][bins] */
    double *one;       /* [2][bins] */
    size_t n_entries;  /* of all lists */
    pt_neighbour *lists;
} search;

static size_t first_of(size_t n, int rank)
{
    return n * (size_t)rank / (size_t)pt_job_size();
}

static pt_status describe(search *w, const pt_image_set *set, size_t at)
{
    pt_image im;
    pt_status s = pt_packed_decode(set->data, set->images[at], NULL, &im);

    if (s == PT_OK) s = pt_bank_describe(w->bank, &im, w->bin_of, w->n_bins, w->counted);
    pt_image_fini(&im);
    pt_comm_poll(pt_job_comm());
    return s;
}

static void add_counts(void *context, int rank, const void *theirs)
{
    search *w = context;
    const uint64_t *counts = theirs;

    for (size_t i = 0; i < w->slices; i++) w->counts[i] += counts[i];
}

static void merge_lists(void *context, int rank, const void *theirs)
{
    search *w = context;
    const pt_neighbour *from = theirs;
    pt_neighbour *to = w->lists;

    for (size_t t = 0; t < w->target->n; to += w->k[t], from += w->k[t], t++)
        for (size_t i = 0; i < w->k[t] && from[i].image != UINT32_MAX; i++)
            pt_neighbours_add(to, w->k[t], from[i].distance, from[i].image);
}

static pt_status find_bins(search *w)
{
    const pt_image_set *set = w->target;
    size_t n = w->slices;
    pt_image im;
    pt_status s = PT_OK;

    pt_comm_at(pt_job_comm(), 0, "counting the target's responses");
    for (size_t t = first_of(set->n, pt_job_rank());
         t < first_of(set->n, pt_job_rank() + 1) && s == PT_OK; t++) {
        s = pt_packed_decode(set->data, set->images[t], NULL, &im);
        if (s == PT_OK) s = pt_bank_count(w->bank, &im, w->counts);
        pt_image_fini(&im);
        pt_comm_poll(pt_job_comm());
    }
    s = pt_job_agree(s);
    if (s != PT_OK) return s;
    pt_gather_to_root(w->counts, n * sizeof *w->counts, add_counts, w);
    if (pt_job_rank() == 0)
        pt_bank_bins(w->counts, w->bank->n_maps, w->n_bins, w->bin_of);
    return pt_job_broadcast(0, (void **)&w->bin_of, &n);
}

/* Every rank's descriptors to all, one rank after another. */
static pt_status spread(search *w, uint16_t *mine)
{
    pt_status s = PT_OK;

    for (int r = 0; r < pt_job_size() && s == PT_OK; r++) {
        size_t first = first_of(w->target->n, r), end = first_of(w->target->n, r + 1);
        size_t bytes = (end - first) * w->bins * sizeof *mine;
        void *theirs = mine;

        s = pt_job_broadcast(r, &theirs, &bytes);
        for (size_t t = first; t < end && s == PT_OK; t++)
            pt_shares((const uint16_t *)theirs + (t - first) * w->bins, w->bank->weight,
                      w->bank->n_maps, w->n_bins, w->shares + t * 2 * w->bins);
        if (r != pt_job_rank()) free(theirs);
    }
    return s;
}

static pt_status describe_target(search *w)
{
    size_t first = first_of(w->target->n, pt_job_rank());
    size_t end = first_of(w->target->n, pt_job_rank() + 1);
    uint16_t *mine = pt_calloc((end - first) * w->bins + 1, sizeof *mine);
    pt_status s = mine ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the descriptors");

    pt_comm_at(pt_job_comm(), 0, "describing the target's images");
    for (size_t t = first; t < end && s == PT_OK; t++) {
        s = describe(w, w->target, t);
        memcpy(mine + (t - first) * w->bins, w->counted, w->bins * sizeof *mine);
    }
    s = pt_job_agree(s);
    if (s == PT_OK) s = spread(w, mine);
    free(mine);
    return s;
}

static pt_status search_source(search *w)
{
    size_t end = first_of(w->source->n, pt_job_rank() + 1);
    pt_status s = PT_OK;

    pt_comm_at(pt_job_comm(), 0, "searching the source's images");
    pt_neighbours_clear(w->lists, w->n_entries);
    for (size_t i = first_of(w->source->n, pt_job_rank()); i < end && s == PT_OK; i++) {
        pt_neighbour *list = w->lists;

        s = describe(w, w->source, i);
        if (s == PT_OK)
            pt_shares(w->counted, w->bank->weight, w->bank->n_maps, w->n_bins, w->one);
        for (size_t t = 0; t < w->target->n && s == PT_OK; list += w->k[t], t++) {
            const double *shares = w->shares + t * 2 * w->bins;

            pt_neighbours_add(list, w->k[t], pt_divergence(shares, w->one, w->bins),
                              (uint32_t)i);
            if (t % 4096 == 4095) pt_comm_poll(pt_job_comm());
        }
    }
    s = pt_job_agree(s);
    if (s == PT_OK)
        pt_gather_to_root(w->lists, w->n_entries * sizeof *w->lists, merge_lists, w);
    return s;
}

static pt_status allocate(search *w)
{
    bool root = pt_job_rank() == 0;

    for (size_t t = 0; t < w->target->n; t++) w->n_entries += w->k[t];
    w->counts = pt_calloc(w->slices, sizeof *w->counts);
    if (root) w->bin_of = pt_calloc(w->slices, 1); /* others: by broadcast */
    w->counted = pt_calloc(w->bins, sizeof *w->counted);
    w->one = pt_calloc(2 * w->bins, sizeof *w->one);
    w->shares = pt_calloc(w->target->n * 2 * w->bins, sizeof *w->shares);
    w->lists = pt_calloc(w->n_entries, sizeof *w->lists);
    if (w->counts && (w->bin_of || !root) && w->counted && w->one && w->shares &&
        w->lists)
        return PT_OK;
    return pt_fail(PT_ERR_NOMEM,
                   "no memory for %zu target images' descriptors (%zu MB) and %zu "
                   "neighbours (%zu MB)",
                   w->target->n, w->target->n * 2 * w->bins * sizeof(double) >> 20,
                   w->n_entries, w->n_entries * sizeof *w->lists >> 20);
}

pt_status pt_borrow_search(const pt_image_set *target, const pt_image_set *source,
                           const size_t *k, const pt_bank *bank, int n_bins,
                           pt_neighbour **lists)
{
    search w = {.target = target,
                .source = source,
                .k = k,
                .bank = bank,
                .n_bins = n_bins,
                .slices = (size_t)bank->n_maps * FINE,
                .bins = (size_t)bank->n_maps * (size_t)n_bins};
    pt_status s = pt_job_agree(allocate(&w));

    if (s == PT_OK) s = find_bins(&w);
    if (s == PT_OK) s = describe_target(&w);
    if (s == PT_OK) s = search_source(&w);
    *lists = NULL;
    if (s == PT_OK && pt_job_rank() == 0) {
        *lists = w.lists;
        w.lists = NULL;
    }
    free(w.counts);
    free(w.bin_of);
    free(w.counted);
    free(w.one);
    free(w.shares);
    free(w.lists);
    return s;
}
