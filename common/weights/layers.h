/* What other programs call the layers of our networks. Each function writes the program's
 * name of our layer ("layer1.0.conv1") to theirs [n], or leaves it as it is ("") where
 * the program has no such layer. */
#ifndef PT_COMMON_WEIGHTS_LAYERS_H
#define PT_COMMON_WEIGHTS_LAYERS_H

#include <stddef.h>

/* SqueezeNet in Caffe: fire2/squeeze1x1. */
void pt_layer_caffe_squeezenet(const char *ours, char *theirs, size_t n);

/* VGG-16 in Caffe: conv1_1, fc6, fc8. */
void pt_layer_caffe_vgg(const char *ours, char *theirs, size_t n);

/* VGG-16 in Keras: block1_conv1, fc1, predictions. */
void pt_layer_keras_vgg(const char *ours, char *theirs, size_t n);

/* ResNet-50 of He et al. and of Keras up to 2.2: res2a_branch2a, bn2a_branch1, fc1000. */
void pt_layer_branch_resnet(const char *ours, char *theirs, size_t n);

/* ResNet-101 and -152 of He et al., who number the blocks of the stages 3 and 4:
 * res4b22_branch2c. */
void pt_layer_branch_resnet_numbered(const char *ours, char *theirs, size_t n);

/* ResNets of Keras since 2.2.4: conv2_block1_1_conv, conv2_block1_0_bn, and the head
 * `probs` or, in TensorFlow's copy, `predictions`. */
void pt_layer_keras_resnet(const char *ours, char *theirs, size_t n);
void pt_layer_tf_resnet(const char *ours, char *theirs, size_t n);

/* VGG-16 in timm: features.0, pre_logits.fc1, head.fc. */
void pt_layer_timm_vgg(const char *ours, char *theirs, size_t n);

/* ResNets of Hugging Face's transformers, without `resnet.` before each name (prefix.h):
 * encoder.stages.0.layers.0.layer.0.convolution, ...shortcut.normalization. */
void pt_layer_hf_resnet(const char *ours, char *theirs, size_t n);

#endif
