/* The distillation loss of LwF (Li and Hoiem, ECCV 2016, eq. 2 and 3; their program
 * vl_nnsoftmaxdiff). Pure. */
#ifndef PT_WORKER_DISTILL_H
#define PT_WORKER_DISTILL_H

/* z, z0 [n_classes]: logits of now and of the start weights. With s = softmax(z / T) and
 * q = softmax(z0 / T), which is p0^(1/T) normalized,
 *
 *     loss = - sum of q log s,     g = scale * (s - q) / T
 *
 * (no factor T^2). Returns the loss. room [2 n_classes] is scratch. */
double pt_distill(const float *z, const float *z0, int n_classes, double temperature,
                  double scale, double *room, float *g);

#endif
