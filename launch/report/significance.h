/* Is a mean difference more than noise? Pure. */
#ifndef PT_LAUNCH_REPORT_SIGNIFICANCE_H
#define PT_LAUNCH_REPORT_SIGNIFICANCE_H

#include <stddef.h>

/* Exact two-sided sign-flip (permutation) test over paired differences d [n]: the share
 * of the 2^n sign assignments whose |sum| is at least that of d (Fisher 1935). Assumes
 * nothing about the distribution but symmetry; the smallest possible value is 2 / 2^n.
 * NAN for n < 2 and n > 20. */
double pt_sign_flip_p(const double *d, size_t n);

/* Two-sided p of Student's paired t test; NAN for n < 2, 0 if all differences are equal
 * and not 0, 1 if all are 0. */
double pt_paired_t_p(const double *d, size_t n);

/* The p of a comparison: Student's, which is below 0.05 where the interval below leaves 0
 * out. Differences that are all equal, as on few test images they may be, have no spread
 * to compare their mean with: theirs is the sign-flip test's. NAN for n < 2. */
double pt_paired_p(const double *d, size_t n);

/* Half the width of the 95 % confidence interval of the mean difference, by Student's t:
 * NAN for n < 2, and where all differences are equal. */
double pt_paired_t_half_width(const double *d, size_t n);

/* P(|T| > t) of Student's t with `freedom` degrees of freedom, t >= 0, through the
 * regularized incomplete beta function (continued fraction: Lentz; Numerical
 * Recipes 6.4).
 */
double pt_student_tails(double t, double freedom);

#endif
