/* TensorFlow.js: model.json with a weight manifest, and shards of raw values beside it.
 *
 * A group of the manifest lists files and tensors; the tensors lie one after another in
 * the files joined together. Only the files that a wanted tensor needs are looked for. */
#ifndef PT_COMMON_WEIGHTS_TFJS_H
#define PT_COMMON_WEIGHTS_TFJS_H

#include "common/weights/table.h"

/* Names as in the manifest ("conv1/kernel"); float32 little-endian,
 * not quantised. path: the json file; shards are looked for in its directory. */
PT_MUST_USE pt_status pt_tfjs_open(const char *path, pt_table **out);

#endif
