/* What a model file of ours says beside its weights: network, options, preprocessing,
 * classes, and a checksum of these. For model.c. */
#ifndef PT_COMMON_WEIGHTS_MODEL_RECORD_H
#define PT_COMMON_WEIGHTS_MODEL_RECORD_H

#include "common/base/digest.h"
#include "common/data/h5file.h"
#include "common/weights/info.h"
#include "common/weights/table.h"

#define PT_MODEL_FORMAT "ptrain-model"

/* PT_ERR_DATA if it is not whole. */
PT_MUST_USE pt_status pt_model_record_get(const pt_h5file *f, pt_weights_info *info);

/* As pt_model_class_names. */
PT_MUST_USE pt_status pt_model_record_classes(const pt_h5file *f, char ***names,
                                              size_t *n);

/* The packed graph (common/graph/packed.h) of a network that a file described; *bytes,
 * malloc'd, is NULL where there is none. */
PT_MUST_USE pt_status pt_model_record_graph(const pt_h5file *f, uint8_t **bytes,
                                            size_t *n);

/* The weight hash that it states. */
PT_MUST_USE pt_status pt_model_record_hash(const pt_h5file *f, char hash[PT_DIGEST_HEX]);

/* info: as for pt_model_save. */
PT_MUST_USE pt_status pt_model_record_put(pt_h5file *f, const pt_graph *g,
                                          const pt_weights_info *info, const char *hash);

/* Its checksum, when all of it is there. */
PT_MUST_USE pt_status pt_model_record_seal(pt_h5file *f);

#endif
