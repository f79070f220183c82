/* Gradients of fully connected layers as factors: dw = the sum over the shards of
 * x_s^T dy_s (common/run/outer.h), and a worker with few images has fewer values in x and
 * dy than in dw. It then sends its factors to the servers, which form the same sums with
 * the same kernel in the same order. Pure: every rank knows who does.
 *
 * A worker's message to a server holds, for each of its images, dy [n_out] and then the
 * values of x that the server needs: those of the rows of dw that each of its keys
 * touches, key after key. A row that is cut between two keys is there for both. */
#ifndef PT_COMMON_RUN_FACTORS_H
#define PT_COMMON_RUN_FACTORS_H

#include "common/run/hosts.h"

/* A server's thread forms a value in 0.04 to 0.06 ns an image; to receive, check and add
 * it takes 2.3 ns, however fast the network is. From 40 to 60 images on that is less: the
 * next power of two. */
enum { PT_FACTORS_MAX_IMAGES = 64 };

/* What a server gets of a tensor. */
typedef struct {
    size_t n_out;        /* of an image: floats of dy */
    size_t rows;         /* ... and of x */
    size_t keys, values; /* in the place of which they come; 0: it has none */
} pt_factors;

pt_factors pt_factors_of(const pt_run *r, int server, int tensor);

/* Floats of one image. */
static inline size_t pt_factors_floats(const pt_factors *f)
{
    return f->n_out + f->rows;
}

/* Do all workers of the sender send `server` the factors of tensor's gradient, and nobody
 * the sums of its keys? The same in every step of the run. So it is where the tensor is
 * the weight of a fully connected layer, nothing is lent, and a full batch's factors are
 * fewer bytes than the sums. */
bool pt_sender_factors(const pt_run *r, const pt_sender *s, int server, int tensor);

/* Who sends server the gradient of tensor: like pt_run_senders, but neighbours that send
 * factors are one. by_factors [senders]: which these are. */
int pt_factors_senders(const pt_run *r, int server, int tensor, pt_sender *out,
                       bool *by_factors);

/* Does worker send factors to server? */
bool pt_worker_factors(const pt_run *r, int worker, int server, int tensor);

/* Rows of dw: values of x of an image. */
size_t pt_factors_rows(const pt_run *r, int tensor);

/* The rows of dw that a key touches: the first, and how many. */
size_t pt_key_rows(const pt_run *r, int key, size_t *first);

#endif
