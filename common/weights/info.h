/* What is known about a weights file. */
#ifndef PT_COMMON_WEIGHTS_INFO_H
#define PT_COMMON_WEIGHTS_INFO_H

#include <stdbool.h>

#include "common/data/view.h"
#include "common/graph/graph.h"

typedef enum {
    PT_FORMAT_MODEL, /* our HDF5 model file */
    PT_FORMAT_ONNX,  /* initialisers, float32 and float16 */
    PT_FORMAT_KERAS, /* .h5 */
    PT_FORMAT_TFJS,  /* model.json + shards (path: the json file or its directory) */
    PT_FORMAT_TORCH, /* legacy (non-zip) pickle */
    PT_FORMAT_TORCH_ZIP,
    PT_FORMAT_SAFETENSORS,
    PT_FORMAT_CAFFE /* .caffemodel */
} pt_format;

enum { PT_WEIGHTS_NOTE = 200 };

/* What a weights file states about itself, and what else is known of it. */
typedef struct {
    pt_format format;
    bool has_preprocess; /* recorded in a file of ours, model or ONNX; or, once it is
                            loaded, known of files with these names (naming.h) */
    pt_preprocess preprocess;
    bool has_geometry; /* the same */
    pt_geometry geometry;
    char network[PT_NAME_MAX]; /* our model file records it; "" elsewhere */
    int n_classes;             /* of the head in the file; 0 = the file has no head */
    /* Our model file: the options that the graph was made with. Elsewhere only stride_at
     * and bn_eps, where the names tell that the program's network has others than ours.
     */
    pt_graph_options options;
    bool has_program; /* they do */
    bool direct; /* our model file: its run computes 3x3 convolutions without Winograd */
    /* Only after loading: */
    const char *names;          /* whose names the tensors have: "torchvision"; static */
    size_t n_weights, n_used;   /* tensors of the file that are weights, and those read */
    bool head_left;             /* the file has a head that was not read */
    char left[PT_WEIGHTS_NOTE]; /* tensors that the network rightly leaves out, and why */
} pt_weights_info;

#endif
