#include "launch/demo/scene.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* What a class fixes. Numbers with two ends are drawn between them. */
typedef struct {
    const char *name;
    pt_shape shape;
    pt_texture texture;
    int petals[2];
    double cycles[2];
    double turn[2];
} kind;

static const kind source[] = {
    {"checker", PT_SHAPE_DISK, PT_TEXTURE_CHECKER, {0, 0}, {0.9, 1.6}, {0, 1}},
    {"cross", PT_SHAPE_CROSS, PT_TEXTURE_PLAIN, {0, 0}, {1, 1}, {0, 1}},
    {"disk", PT_SHAPE_DISK, PT_TEXTURE_PLAIN, {0, 0}, {1, 1}, {0, 1}},
    {"dots", PT_SHAPE_SQUARE, PT_TEXTURE_DOTS, {0, 0}, {1.2, 2.2}, {0, 1}},
    {"few_petals", PT_SHAPE_FLOWER, PT_TEXTURE_PLAIN, {3, 4}, {1, 1}, {0, 1}},
    {"many_petals", PT_SHAPE_FLOWER, PT_TEXTURE_PLAIN, {8, 9}, {1, 1}, {0, 1}},
    {"rings", PT_SHAPE_DISK, PT_TEXTURE_RINGS, {0, 0}, {1.5, 3.5}, {0, 1}},
    {"spokes", PT_SHAPE_DISK, PT_TEXTURE_SPOKES, {0, 0}, {4, 8}, {0, 1}},
    {"stripes_level", PT_SHAPE_DISK, PT_TEXTURE_STRIPES, {0, 0}, {1, 2.5}, {0.21, 0.29}},
    {"stripes_slant", PT_SHAPE_DISK, PT_TEXTURE_STRIPES, {0, 0}, {1, 2.5}, {0.09, 0.16}},
    {"stripes_upright", PT_SHAPE_DISK, PT_TEXTURE_STRIPES, {0, 0}, {1, 2.5}, {-.04, .04}},
    {"triangle", PT_SHAPE_TRIANGLE, PT_TEXTURE_PLAIN, {0, 0}, {1, 1}, {0, 1}},
};

/* The harder the nearer: numbers of petals, and cycles of the rings. */
static const kind target[] = {
    {"eight_coarse", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {8, 8}, {1.7, 2.0}, {0, 1}},
    {"eight_dots", PT_SHAPE_FLOWER, PT_TEXTURE_DOTS, {8, 8}, {1.4, 1.8}, {0, 1}},
    {"eight_fine", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {8, 8}, {2.4, 2.8}, {0, 1}},
    {"four_coarse", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {4, 4}, {1.7, 2.0}, {0, 1}},
    {"four_dots", PT_SHAPE_FLOWER, PT_TEXTURE_DOTS, {4, 4}, {1.4, 1.8}, {0, 1}},
    {"four_fine", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {4, 4}, {2.4, 2.8}, {0, 1}},
    {"six_coarse", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {6, 6}, {1.7, 2.0}, {0, 1}},
    {"six_dots", PT_SHAPE_FLOWER, PT_TEXTURE_DOTS, {6, 6}, {1.4, 1.8}, {0, 1}},
    {"six_fine", PT_SHAPE_FLOWER, PT_TEXTURE_RINGS, {6, 6}, {2.4, 2.8}, {0, 1}},
};

/* How much pictures of one class differ: the difficulty of a task, apart from its
 * classes. Two ends: drawn between them. */
static const struct difficulty {
    int side[2];      /* pixels of the picture */
    double radius[2]; /* of the object, share of the side */
    double shift;     /* of its centre from the middle, share of the side */
    double squash[2]; /* of its axes */
    double depth[2];  /* of petals */
    double behind[2], fill[2], ink[2]; /* red, green and blue of backdrop and object */
    double contrast; /* smallest distance of the object's two colours from each other, and
                        of its first from the backdrop */
    double swing;    /* largest waves of the backdrop */
    int clutter[2];  /* small objects, some before and some behind */
    double gain[2], offset[2];
    double noise[2];
} difficulties[] = {
    [PT_DEMO_SOURCE] = {.side = {40, 48},
                        .radius = {0.28, 0.42},
                        .shift = 0.08,
                        .squash = {0.85, 1.15},
                        .depth = {0.25, 0.45},
                        .behind = {0, 0.5},
                        .fill = {0.4, 1},
                        .ink = {0, 0.6},
                        .contrast = 0.5,
                        .swing = 0.08,
                        .clutter = {0, 3},
                        .gain = {0.7, 1.1},
                        .offset = {-0.05, 0.15},
                        .noise = {0.01, 0.05}},
    [PT_DEMO_TARGET] = {.side = {40, 48},
                        .radius = {0.32, 0.42},
                        .shift = 0.05,
                        .squash = {0.85, 1.15},
                        .depth = {0.25, 0.40},
                        .behind = {0, 0.5},
                        .fill = {0.4, 1},
                        .ink = {0, 0.6},
                        .contrast = 0.5,
                        .swing = 0.08,
                        .clutter = {0, 3},
                        .gain = {0.7, 1.1},
                        .offset = {-0.05, 0.15},
                        .noise = {0.01, 0.05}},
};

/* Numbers of one picture, one after the other. */
typedef struct {
    pt_rng stream;
    uint64_t next;
} dice;

static double roll(dice *d, double low, double high)
{
    return low + (high - low) * pt_rng_uniform_f64(&d->stream, d->next++);
}

static double roll_in(dice *d, const double ends[2])
{
    return roll(d, ends[0], ends[1]);
}

static int roll_whole(dice *d, const int ends[2])
{
    return ends[0] +
           (int)pt_rng_below(&d->stream, d->next++, (uint64_t)(ends[1] - ends[0] + 1));
}

static void roll_colour(dice *d, const double ends[2], double out[3])
{
    for (int k = 0; k < 3; k++) out[k] = roll_in(d, ends);
}

/* A colour at least `distance` away from `other`, or the best of sixteen. */
static void roll_colour_far(dice *d, const double ends[2], const double other[3],
                            double distance, double out[3])
{
    double best = -1;

    for (int i = 0; i < 16 && best < distance; i++) {
        double c[3], square = 0;

        roll_colour(d, ends, c);
        for (int k = 0; k < 3; k++) square += (c[k] - other[k]) * (c[k] - other[k]);
        if (sqrt(square) <= best) continue;
        best = sqrt(square);
        for (int k = 0; k < 3; k++) out[k] = c[k];
    }
}

static pt_backdrop roll_backdrop(dice *d, const struct difficulty *x)
{
    pt_backdrop b;

    roll_colour(d, x->behind, b.from);
    roll_colour(d, x->behind, b.to);
    b.direction = roll(d, 0, 1);
    b.wave_direction = roll(d, 0, 1);
    b.cycles = roll(d, 1, 6);
    b.phase = roll(d, 0, 1);
    b.swing = roll(d, 0, x->swing);
    return b;
}

static pt_object roll_object(dice *d, const struct difficulty *x, const kind *k, int side,
                             const double behind[3])
{
    pt_object o = {.shape = k->shape, .texture = k->texture};

    o.x = side * (0.5 + roll(d, -x->shift, x->shift));
    o.y = side * (0.5 + roll(d, -x->shift, x->shift));
    o.radius = side * roll_in(d, x->radius);
    o.turn = roll_in(d, k->turn);
    o.squash = roll_in(d, x->squash);
    o.petals = roll_whole(d, k->petals);
    o.depth = roll_in(d, x->depth);
    o.cycles = roll_in(d, k->cycles);
    if (k->texture == PT_TEXTURE_SPOKES) o.cycles = (int)o.cycles;
    o.phase = roll(d, 0, 1);
    roll_colour_far(d, x->fill, behind, x->contrast, o.fill);
    roll_colour_far(d, x->ink, o.fill, x->contrast, o.ink);
    return o;
}

/* A small plain thing anywhere, of no class. */
static pt_object roll_clutter(dice *d, int side)
{
    static const pt_shape shapes[] = {PT_SHAPE_DISK, PT_SHAPE_SQUARE, PT_SHAPE_TRIANGLE};
    static const int range[2] = {0, 2};
    static const double any[2] = {0, 1};
    pt_object o = {.texture = PT_TEXTURE_PLAIN, .cycles = 1};

    o.shape = shapes[roll_whole(d, range)];
    o.x = side * roll(d, 0, 1);
    o.y = side * roll(d, 0, 1);
    o.radius = side * roll(d, 0.03, 0.10);
    o.turn = roll(d, 0, 1);
    o.squash = roll(d, 0.4, 1);
    roll_colour(d, any, o.fill);
    return o;
}

const char *pt_demo_class(pt_demo_task task, int label)
{
    int n = task == PT_DEMO_SOURCE ? (int)(sizeof source / sizeof source[0])
                                   : (int)(sizeof target / sizeof target[0]);

    if (label < 0 || label >= n) return NULL;
    return task == PT_DEMO_SOURCE ? source[label].name : target[label].name;
}

int pt_demo_picture(uint64_t seed, pt_demo_task task, pt_demo_split split, int label,
                    uint32_t index, uint8_t *bytes)
{
    const struct difficulty *x = &difficulties[task];
    const kind *k = task == PT_DEMO_SOURCE ? &source[label] : &target[label];
    uint64_t place = ((uint64_t)task << 24 | (uint64_t)split << 16 | (uint64_t)label)
                     << 8;
    dice d = {pt_rng_stream(seed, PT_RNG_DEMO, index, place), 0};
    pt_rng grain = pt_rng_stream(seed, PT_RNG_DEMO, index, place | 1);
    pt_canvas canvas;
    pt_backdrop backdrop;
    pt_object object;
    double gain, offset, noise;
    int n_clutter;

    canvas.side = roll_whole(&d, x->side);
    backdrop = roll_backdrop(&d, x);
    object = roll_object(&d, x, k, canvas.side, backdrop.from);
    n_clutter = roll_whole(&d, x->clutter);
    gain = roll_in(&d, x->gain);
    offset = roll_in(&d, x->offset);
    noise = roll_in(&d, x->noise);
    pt_canvas_backdrop(&canvas, &backdrop);
    for (int i = 0; i < n_clutter; i++) {
        pt_object small = roll_clutter(&d, canvas.side);

        if (i == n_clutter - 1) pt_canvas_object(&canvas, &object); /* one before it */
        pt_canvas_object(&canvas, &small);
    }
    if (n_clutter == 0) pt_canvas_object(&canvas, &object);
    pt_canvas_develop(&canvas, gain, offset, noise, &grain, bytes);
    return canvas.side;
}
