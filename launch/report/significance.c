#include "launch/report/significance.h"

#include <math.h>
#include <stdbool.h>

enum { MAX_FLIPS = 20, MAX_TERMS = 500 };

double pt_sign_flip_p(const double *d, size_t n)
{
    double observed = 0, slack = 0;
    unsigned long as_far = 0, all = 1ul << n;

    if (n < 2 || n > MAX_FLIPS) return NAN;
    for (size_t i = 0; i < n; i++) {
        observed += d[i];
        slack += fabs(d[i]);
    }
    slack *= 1e-12; /* sums that are equal but for their rounding */
    for (unsigned long signs = 0; signs < all; signs++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++) sum += signs >> i & 1 ? -d[i] : d[i];
        as_far += fabs(sum) >= fabs(observed) - slack;
    }
    return (double)as_far / (double)all;
}

/* The continued fraction of the incomplete beta function. */
static double fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    h = d;
    for (int m = 1; m < MAX_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double was = h;

        for (int k = 0; k < 2; k++) {
            double term = k == 0 ? even : odd;

            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            if (fabs(c) < tiny) c = tiny;
            h *= d * c;
        }
        if (fabs(h - was) <= 1e-15 * fabs(h)) break;
    }
    return h;
}

/* I_x(a, b). */
static double incomplete_beta(double a, double b, double x)
{
    double front;

    if (x <= 0) return 0;
    if (x >= 1) return 1;
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(a, b, x) / a;
    return 1 - front * fraction(b, a, 1 - x) / b;
}

double pt_student_tails(double t, double freedom)
{
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/* Mean of d [n] and the standard error of the mean, n >= 2. */
static double error_of(const double *d, size_t n, double *mean)
{
    double squares = 0;

    *mean = 0;
    for (size_t i = 0; i < n; i++) *mean += d[i];
    *mean /= (double)n;
    for (size_t i = 0; i < n; i++) squares += (d[i] - *mean) * (d[i] - *mean);
    return sqrt(squares / (double)(n - 1) / (double)n);
}

double pt_paired_t_p(const double *d, size_t n)
{
    double mean, error;

    if (n < 2) return NAN;
    error = error_of(d, n, &mean);
    if (mean == 0) return 1;
    return error > 0 ? pt_student_tails(fabs(mean) / error, (double)(n - 1)) : 0;
}

/* But for the rounding of percentages. */
static bool all_equal(const double *d, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (fabs(d[i] - d[0]) > 1e-9) return false;
    return true;
}

double pt_paired_p(const double *d, size_t n)
{
    return all_equal(d, n) ? pt_sign_flip_p(d, n) : pt_paired_t_p(d, n);
}

double pt_paired_t_half_width(const double *d, size_t n)
{
    double mean, low = 0, high = 1000, error;

    if (n < 2 || all_equal(d, n)) return NAN;
    error = error_of(d, n, &mean);
    for (int i = 0; i < 100; i++) {
        double t = 0.5 * (low + high);

        if (pt_student_tails(t, (double)(n - 1)) > 0.05)
            low = t;
        else
            high = t;
    }
    return high * error;
}
