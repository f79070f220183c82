/* What a run is: all that decides its weights. Two jobs with equal identities are the
 * same run, and one may resume the other. */
#ifndef PT_LAUNCH_TRAIN_IDENTITY_H
#define PT_LAUNCH_TRAIN_IDENTITY_H

#include <jansson.h>

#include "launch/train/setup.h"

/* An object: program, byte_order, network, seed, shards, batch, data_checksum,
 * source_checksum (of the second data set), start_weights_hash, gemm
 * (pt_kernels_identity), preprocess, picture_decoders, settings (every key of the
 * configuration that can change the weights). NULL without memory. The caller releases
 * it. */
json_t *pt_identity_create(const pt_setup *u);

/* Can this key of the configuration be changed without changing the weights? The one list
 * of such keys. */
bool pt_identity_is_free(const char *key);

/* PT_OK if `was` is the same run as `is`. PT_ERR_USAGE naming up to five differences with
 * both values: "optimizer.lr was 0.01, is 0.02". A key that one of them lacks has its
 * default: older versions did not have it. With engine.gemm: blas in both, another
 * library or CPU is the same run. where: the file of `was`. */
PT_MUST_USE pt_status pt_identity_compare(const json_t *was, const json_t *is,
                                          const char *where);

/* The same of the settings alone: for a configuration before data and weights are read.
 */
PT_MUST_USE pt_status pt_identity_compare_settings(const json_t *was, const pt_config *c,
                                                   const char *where);

#endif
