/* Caffe's .caffemodel: a NetParameter with layers of the first version (`layers`, as in
 * the original VGG-16) or of the present one (`layer`). Tensors are named LAYER/weight,
 * /bias of convolutions, linear layers and Scale, LAYER/mean and /variance of BatchNorm,
 * whose scale factor is divided out on reading. */
#ifndef PT_COMMON_WEIGHTS_CAFFE_H
#define PT_COMMON_WEIGHTS_CAFFE_H

#include "common/base/file.h"
#include "common/weights/table.h"

/* Whether the file can be one: a field that only Caffe has, or two layers where ONNX has
 * one string. Reads headers only. */
bool pt_caffe_is(const pt_file *file);

/* The file is looked through, not read: values are when they are asked for. */
PT_MUST_USE pt_status pt_caffe_open(const char *path, pt_table **out);

#endif
