/* The two tasks of the demonstration, as drawn pictures. SOURCE: shapes and textures,
 * easy, many pictures: a network trained on it has features worth keeping. TARGET:
 * flowers that differ in the number of petals and in their inner texture, few training
 * pictures, much variation in place, size, rotation, colour, light and noise.
 *
 * A picture depends only on (seed, task, split, label, index), not on how many there are.
 * Local; pure. */
#ifndef PT_LAUNCH_DEMO_SCENE_H
#define PT_LAUNCH_DEMO_SCENE_H

#include "launch/demo/paint.h"

typedef enum { PT_DEMO_SOURCE, PT_DEMO_TARGET } pt_demo_task;
typedef enum { PT_DEMO_TRAIN, PT_DEMO_TEST } pt_demo_split;

/* Name of a class, also of its folder; NULL from the number of classes on. */
const char *pt_demo_class(pt_demo_task task, int label);

/* Side of the picture; its bytes [side][side][3] go to `bytes`, which has space for
 * PT_CANVAS_MAX^2 * 3. */
int pt_demo_picture(uint64_t seed, pt_demo_task task, pt_demo_split split, int label,
                    uint32_t index, uint8_t *bytes);

#endif
