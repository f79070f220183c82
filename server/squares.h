/* Sums of squares, for the norm of a gradient that several servers hold. Pure. */
#ifndef PT_SERVER_SQUARES_H
#define PT_SERVER_SQUARES_H

#include <stddef.h>

/* x[0]^2 + ... + x[n-1]^2, in double: exact squares, added in an order that n alone
 * decides, whatever the width of vectors. Finite exactly where all of x [n] is. Local. */
double pt_squares_of(const float *x, size_t n);

/* The sum of sums [n] along a binary tree over them: [0, n/2) and [n/2, n), and so on. */
double pt_squares_add(const double *sums, size_t n);

/* What a gradient of this norm is multiplied with so that its norm is at most `limit`, as
 * torch.nn.utils.clip_grad_norm_ has it: limit / (norm + 1e-6), and 1 at most. */
float pt_squares_clip(double norm, double limit);

#endif
