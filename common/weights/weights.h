/* Reading pretrained weights written by other programs, and our own model file.
 * The format is found by content, never by the file's name. */
#ifndef PT_COMMON_WEIGHTS_H
#define PT_COMMON_WEIGHTS_H

#include <stdbool.h>

#include "common/graph/graph.h"
#include "common/base/status.h"

typedef enum {
    PT_FORMAT_MODEL, /* our HDF5 model file */
    PT_FORMAT_ONNX,  /* initialisers, float32 and float16 */
    PT_FORMAT_KERAS, /* .h5 */
    PT_FORMAT_TFJS,  /* model.json + shards (path: the json file or its directory) */
    PT_FORMAT_TORCH  /* legacy (non-zip) pickle */
} pt_format;

/* How pixels 0..255 become input: (x * scale - mean[c]) / std[c], channels in order. */
typedef struct {
    bool bgr;
    float scale;
    float mean[3], std[3]; /* in the order of the channels after `bgr` was applied */
} pt_preprocess;

/* How an image becomes the size of the input: resized, then the centre is cut out. */
typedef enum { PT_RESIZE_SQUARE, PT_RESIZE_SHORT_SIDE, PT_RESIZE_NONE } pt_resize_mode;
typedef struct {
    pt_resize_mode mode;
    int resize; /* pixels: both sides, or the short side */
} pt_geometry;

/* RGB, 1/255, mean .485 .456 .406, std .229 .224 .225 (torchvision). */
extern const pt_preprocess pt_preprocess_imagenet;

enum { PT_WEIGHTS_NOTE = 200 };

/* What a weights file says of itself, and what is known of it. */
typedef struct {
    pt_format format;
    bool has_preprocess; /* recorded in our model file; or, once it is loaded, known of
                            files with these names (naming.h) */
    pt_preprocess preprocess;
    bool has_geometry; /* likewise */
    pt_geometry geometry;
    char network[PT_NAME_MAX]; /* our model file records it; "" elsewhere */
    int n_classes;             /* of the head in the file; 0 = the file has no head */
    pt_graph_options
        options; /* our model file: the options that the graph was made with */
    /* Only after loading: */
    const char *names;          /* whose names the tensors have: "torchvision"; static */
    size_t n_weights, n_used;   /* tensors of the file that are weights, and those read */
    bool head_left;             /* the file has a head that was not read */
    char left[PT_WEIGHTS_NOTE]; /* tensors that the network rightly leaves out, and why */
} pt_weights_info;

/* Looks without loading: format, classes of the head, and the record of our own model
 * file. Files of other programs do not name their network: what is known of them comes
 * from loading. path: a file, or a directory that holds `entry`, or model.json where
 * entry is NULL. */
PT_MUST_USE pt_status pt_weights_inspect(const char *path, const char *entry,
                                         pt_weights_info *info);

/* Class names that our model file records: NULL-terminated, one block that free(*names)
 * releases; *names is NULL and *n 0 where it has none. */
PT_MUST_USE pt_status pt_weights_class_names(const char *path, char ***names, size_t *n);

/* Loads every tensor of `g` from the file into flat (memory layout, see graph.h).
 *
 * with_head   false: head tensors are neither required nor read and stay as they are
 * entry       file inside a directory, or NULL
 * info        out, may be NULL
 * Only tensors that the graph asks for must exist; all others must be accounted for, by
 * the head or by info->left: a file that holds more than the graph is of another network
 * and refused, with the names of the first five. All misfits of a file are listed, one
 * line each, naming the tensor and both shapes ("features.0.weight: file has 64x3x7x7,
 * network needs 64x3x3x3") or the file that misses; then PT_ERR_WEIGHTS and flat is
 * unspecified. A file that has no tensor of the network at all gets one line. A file that
 * cannot be read is PT_ERR_IO, a broken one PT_ERR_DATA.
 * Local. Reads at most what the file holds; every length is checked against its size. */
PT_MUST_USE pt_status pt_weights_load(const char *path, const char *entry,
                                      const pt_graph *g, bool with_head, float *flat,
                                      pt_weights_info *info);

/* Bytes that a model file of g takes, at most. */
uint64_t pt_model_bytes(const pt_graph *g);

/* Reads all that inspecting and loading may read of an HDF5 file (a model of ours, or of
 * Keras) and keeps nothing: for a process that may crash in the HDF5 library. Tensors
 * that cannot be read are passed over, as the network may not ask for them; memory that
 * the library wants and does not get is PT_ERR_NOMEM. Files of other formats are only
 * recognised. Errors as pt_weights_load. Local. */
PT_MUST_USE pt_status pt_weights_try(const char *path, const char *entry);

/* Writes our model file (HDF5): every tensor under its name in file layout as float32,
 * below /weights; /tensors: their names in the order of the hash; attributes of the root:
 * format = "ptrain-model", format_version = 1, network, n_classes, side, original_head
 * (0, 1), stride_at (conv2, conv1), rep_at (after_relu, before_relu, after_dropout),
 * dropout, bn_eps, weight_hash, and, where `preprocess` is not NULL, preprocess_order
 * (rgb, bgr), preprocess_scale, preprocess_mean, preprocess_std; where `geometry` is not
 * NULL, resize_mode (square, short_side, no_resize), resize. class_names: /classes
 * [n_classes], or NULL. record_crc32c: of the names and of all that the attributes say.
 * Reading checks it and the hash; a file of ours with neither right is refused. Written
 * to a temporary name and renamed: never half a file. */
PT_MUST_USE pt_status pt_weights_save(const char *path, const pt_graph *g,
                                      const pt_graph_options *options, const float *flat,
                                      const pt_preprocess *preprocess,
                                      const pt_geometry *geometry,
                                      const char *const *class_names);

#endif
