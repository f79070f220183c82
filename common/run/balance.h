/* An order of an epoch in which every class is as likely as any other: what
 * data.sampling: balanced trains on. Pure: a function of the labels, the seed and the
 * epoch. */
#ifndef PT_COMMON_RUN_BALANCE_H
#define PT_COMMON_RUN_BALANCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_balance pt_balance;

/* labels [n], n >= 1, each in 0..n_classes-1; borrowed for the call. A class without any
 * image is left out. */
PT_MUST_USE pt_status pt_balance_create(const int32_t *labels, size_t n, int n_classes,
                                        pt_balance **out);
void pt_balance_destroy(pt_balance **b);

/* The places [n] of an epoch, in 0..n-1: of each class n / C, or one more, and those with
 * one more take turns from epoch to epoch. Of a class that has more images than that a
 * random part, of one with fewer each image once before any is repeated. */
void pt_balance_order(pt_balance *b, uint64_t seed, uint64_t epoch, uint32_t *order);

#endif
