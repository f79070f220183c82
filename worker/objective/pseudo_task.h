/* The pseudo-task of PtR: regress the image representation to random targets (Zhong &
 * Maki, CVPR 2020, Algorithm 1; choices that the paper leaves open: method.md 1.4). Pure:
 * a target depends on seed, step and the image's position in the global batch alone. */
#ifndef PT_WORKER_PSEUDO_TASK_H
#define PT_WORKER_PSEUDO_TASK_H

#include <stdint.h>

typedef enum { PT_LOSS_NONE, PT_LOSS_SML1, PT_LOSS_L2 } pt_reg_loss;
typedef enum {
    PT_TARGET_UNIFORM, /* U(0, 1) */
    PT_TARGET_NORMAL,  /* N(0, 1) */
    PT_TARGET_MATCHED, /* N(mean[d], std[d]^2) of the pretrained features */
    PT_TARGET_ZERO
} pt_target;
typedef enum { PT_PER_IMAGE, PT_PER_BATCH, PT_PER_RUN } pt_target_per;

typedef struct {
    pt_reg_loss loss;
    pt_target target;
    pt_target_per per;
    uint64_t seed;
    int dims;                /* of the representation */
    const float *mean, *std; /* [dims], MATCHED only; borrowed */
} pt_pseudo_task;

/* t [dims]: the target of the image at `position` of the batch of `step`. */
void pt_pseudo_task_target(const pt_pseudo_task *p, uint64_t step, int position,
                           float *t);

/* g [dims] = scale * d L / d rep:
 *     L2    L = 1/2 sum (rep - t)^2,                     g = scale (rep - t)
 *     SML1  L = sum of 0.5 d^2 if |d| < 1 else |d| - 0.5, g = scale clip(rep - t, -1, 1)
 * The constant in front of L cancels in w. Returns L; t and g may be the same array. */
double pt_pseudo_task_gradient(const pt_pseudo_task *p, const float *rep, const float *t,
                               double scale, float *g);

/* Euclidean norm of x [n] and the dot product of x and y, in double, in order. */
double pt_norm(const float *x, int n);
double pt_dot(const float *x, const float *y, int n);

#endif
