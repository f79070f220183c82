#include "worker/borrow/bank.h"

#include <string.h>

static void count(void *context, int map, const uint16_t *slice, int n)
{
    uint64_t *counts = (uint64_t *)context + (size_t)map * PT_BANK_FINE;

    for (int i = 0; i < n; i++) counts[slice[i]]++;
}

pt_status pt_bank_count(const pt_bank *b, const pt_image *im, uint64_t *counts)
{
    return b->respond(b->self, im, count, counts);
}

void pt_bank_bins(const uint64_t *counts, int n_maps, int n_bins, uint8_t *bin_of)
{
    for (int map = 0; map < n_maps; map++) {
        const uint64_t *of = counts + (size_t)map * PT_BANK_FINE;
        uint8_t *bins = bin_of + (size_t)map * PT_BANK_FINE;
        uint64_t total = 0, below = 0;

        for (int i = 0; i < PT_BANK_FINE; i++) total += of[i];
        for (int i = 0; i < PT_BANK_FINE; i++) {
            uint64_t bin = total > 0 ? below * (uint64_t)n_bins / total : 0;

            bins[i] = (uint8_t)(bin < (uint64_t)n_bins ? bin : (uint64_t)n_bins - 1);
            below += of[i];
        }
    }
}

typedef struct {
    const uint8_t *bin_of;
    int n_bins;
    uint16_t *out;
} histograms;

static void sort_in(void *context, int map, const uint16_t *slice, int n)
{
    const histograms *h = context;
    const uint8_t *bin_of = h->bin_of + (size_t)map * PT_BANK_FINE;
    uint16_t *out = h->out + (size_t)map * (size_t)h->n_bins;

    for (int i = 0; i < n; i++) out[bin_of[slice[i]]]++;
}

pt_status pt_bank_describe(const pt_bank *b, const pt_image *im, const uint8_t *bin_of,
                           int n_bins, uint16_t *out)
{
    histograms h = {bin_of, n_bins, out};

    memset(out, 0, (size_t)n_bins * (size_t)b->n_maps * sizeof *out);
    return b->respond(b->self, im, sort_in, &h);
}
