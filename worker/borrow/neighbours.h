/* The nearest images by the symmetric Kullback-Leibler divergence of their histograms (Ge
 * and Yu, CVPR 2017, section 3.1), and lists of the K nearest that merge.
 *
 * d(p, q) = 1/2 sum over the maps m of w_m, and over their bins, of
 *           p ln((p + e)/(q + e)) + q ln((q + e)/(p + e)),  e = 1e-6
 * in double, in an order that depends on the numbers of maps and bins alone. Where
 * distances are equal the lower number is nearer: the K nearest are a function of the
 * set, however it was divided. */
#ifndef PT_WORKER_NEIGHBOURS_H
#define PT_WORKER_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* A neighbour; `image` is UINT32_MAX in places not filled yet, which are last. */
typedef struct {
    double distance;
    uint32_t image, reserved; /* reserved: 0 */
} pt_neighbour;

/* Of a descriptor, counts [maps][bins]: its shares p times w, and ln(p + e): out [2][maps
 * * bins]; a map without counts has shares of 0. w [maps]. */
void pt_shares(const uint16_t *counts, const double *w, int maps, int bins, double *out);

/* d of two such pairs; n = maps * bins. */
double pt_divergence(const double *p, const double *q, size_t n);

/* Makes an empty list of k places. */
void pt_neighbours_clear(pt_neighbour *list, size_t k);

/* Inserts a neighbour, in order, if it is among the k nearest. */
void pt_neighbours_add(pt_neighbour *list, size_t k, double distance, uint32_t image);

#endif
