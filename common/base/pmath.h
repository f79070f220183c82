/* exp, log, sine and cosine that give the same bits on every machine: plain IEEE double
 * +, -, *, / in a fixed order, no libm, no fused operations. Accurate to about 1e-15
 * relative (log and exp) and 1e-15 absolute (sine, cosine): tests compare with libm.
 *
 * Local; pure. */
#ifndef PT_COMMON_BASE_PMATH_H
#define PT_COMMON_BASE_PMATH_H

double pt_exp(double x);       /* 0 below -745, +inf above 709.78; NaN stays NaN */
double pt_log(double x);       /* x > 0; -inf for 0, NaN below */
double pt_cos_turns(double t); /* cos(2 pi t), |t| <= 2^20 */
double pt_sin_turns(double t); /* sin(2 pi t), |t| <= 2^20 */

#endif
