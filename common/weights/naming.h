/* What is known about the weights files of other programs that cannot be read
 * from them: a rule for each program and its networks. The list is in naming.c; a new
 * rule is one more entry there.
 *
 * A rule is chosen by the names that a file has, never by its format alone: an ONNX file
 * may come from Caffe or from torchvision, whose networks expect different preprocessing.
 */
#ifndef PT_COMMON_WEIGHTS_NAMING_H
#define PT_COMMON_WEIGHTS_NAMING_H

#include "common/weights/info.h"
#include "common/weights/table.h"

enum { PT_NAMES_MAX = 2 * PT_NAME_MAX, PT_NAMING_NETWORKS = 5, PT_NAMING_LEFTOVERS = 2 };

/* Order of the dimensions in the file, and of the values read from it. */
typedef enum {
    PT_LAYOUT_TORCH, /* convolution OIHW, depthwise O1HW, linear [out][in] */
    PT_LAYOUT_KERAS  /* convolution HWIO, depthwise HWC1, linear [in][out] */
} pt_layout;

/* How a program writes the tensors of a layer. */
typedef struct {
    pt_layout layout;
    /* The file's name of a tensor: of its layer and our "weight", "running_mean" ... */
    void (*tensor)(const pt_graph *g, const pt_tensor *t, const char *layer,
                   const char *ours, char name[PT_NAMES_MAX]);
    const char
        *weight; /* what follows the classifier's layer in the name of its weights */
} pt_spelling;

/* With what a program trained. */
typedef struct {
    const pt_preprocess *preprocess;
    const pt_geometry *geometry;
} pt_pixels;

/* Tensors of the file that the network leaves out, and why that is right. */
typedef struct {
    const char *layer; /* the file's name of it, or the first characters; NULL: no more */
    const char *why;
} pt_leftover;

typedef struct {
    const char *title;                        /* "torchvision": whose names these are */
    unsigned formats;                         /* bits 1u << pt_format */
    const char *networks[PT_NAMING_NETWORKS]; /* ours; none: every one */
    const pt_spelling *spelling;
    /* The file's name of our layer; "" where it has none. NULL: the same. */
    void (*layer)(const char *ours, char *theirs, size_t n);
    const char *head;        /* the classifier's layer in the file */
    const pt_pixels *pixels; /* NULL: not known */
    bool folded;             /* batch norm is in the convolutions: see pt_names_fill */
    bool conv_bias; /* its convolutions have a bias before batch norm: see fold.h */
    /* Where its network differs from ours: a tensor by which a file of it is known before
     * the network is, where a bottleneck strides, epsilon of batch norm. NULL: nowhere.
     */
    const char *sign;
    pt_stride_at stride_at;
    float bn_eps;
    pt_leftover leftovers[PT_NAMING_LEFTOVERS];
} pt_naming;

/* Rule i, or NULL after the last. */
const pt_naming *pt_naming_at(size_t i);

/* The first rule with the sign of this file, or NULL: its network is as ours. */
const pt_naming *pt_naming_signed(const pt_table *t, pt_format format);

/* Whether files of this format and network may follow the rule. */
bool pt_naming_fits(const pt_naming *rule, pt_format format, const char *network);

#endif
