/* Painting small pictures from a few shapes and textures, in plain IEEE double with our
 * own cosine: the same numbers give the same pixels on every machine.
 *
 * Colours are red, green, blue in [0, 1]; places and lengths are pixels, x to the right
 * and y down from the top left corner; angles are turns (1 = 360 degrees). Local; pure.
 */
#ifndef PT_LAUNCH_DEMO_PAINT_H
#define PT_LAUNCH_DEMO_PAINT_H

#include <stdint.h>

#include "common/base/rng.h"
#include "common/base/status.h"

enum { PT_CANVAS_MAX = 64 }; /* pixels of a side */

typedef struct {
    int side;
    double pixels[PT_CANVAS_MAX * PT_CANVAS_MAX][3]; /* [side][side] are used */
} pt_canvas;

typedef enum {
    PT_SHAPE_DISK,
    PT_SHAPE_FLOWER, /* radius 1 + depth cos(petals angle), over 1 + depth */
    PT_SHAPE_SQUARE,
    PT_SHAPE_TRIANGLE,
    PT_SHAPE_CROSS
} pt_shape;

typedef enum {
    PT_TEXTURE_PLAIN,
    PT_TEXTURE_STRIPES, /* across the object's own x axis */
    PT_TEXTURE_CHECKER,
    PT_TEXTURE_RINGS, /* around the centre */
    PT_TEXTURE_DOTS,
    PT_TEXTURE_SPOKES /* `cycles` of them around the centre, a whole number */
} pt_texture;

typedef struct {
    pt_shape shape;
    pt_texture texture;
    double x, y;    /* centre */
    double radius;  /* of the circle around it */
    double turn;    /* rotation of shape and texture */
    double squash;  /* length of its y axis over that of its x axis */
    int petals;     /* FLOWER */
    double depth;   /* FLOWER */
    double cycles;  /* of the texture on one radius */
    double phase;   /* of the texture, turns */
    double fill[3]; /* the texture runs between this ... */
    double ink[3];  /* ... and this */
} pt_object;

/* Everything one colour that runs to another along a direction (turns), with waves of
 * a second direction on it: `cycles` over the side, `swing` added and taken away. */
typedef struct {
    double from[3], to[3];
    double direction, wave_direction, cycles, phase, swing;
} pt_backdrop;

void pt_canvas_backdrop(pt_canvas *c, const pt_backdrop *b);

/* Over what is there, edges smoothed by 2 x 2 samples a pixel. */
void pt_canvas_object(pt_canvas *c, const pt_object *o);

/* To bytes [side][side][3]: times gain, plus offset, plus normal noise of deviation
 * `noise` (element i of the stream's normal numbers belongs to byte i). */
void pt_canvas_develop(const pt_canvas *c, double gain, double offset, double noise,
                       const pt_rng *r, uint8_t *bytes);

#endif
