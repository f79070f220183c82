#include "launch/demo/paint.h"

#include <math.h>
#include <string.h>

#include "common/base/pmath.h"

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* cos(n angle) of the direction (c, s), by n complex products. */
static double cos_multiple(double c, double s, int n)
{
    double re = 1, im = 0;

    for (int i = 0; i < n; i++) {
        double next = re * c - im * s;

        im = re * s + im * c;
        re = next;
    }
    return re;
}

/* About how far (u, v) is inside the shape of radius 1; negative outside. */
static double inside(const pt_object *o, double u, double v)
{
    double r = sqrt(u * u + v * v), au = fabs(u), av = fabs(v);

    switch (o->shape) {
    case PT_SHAPE_FLOWER:
        if (r < 1e-9) return 1;
        return (1 + o->depth * cos_multiple(u / r, v / r, o->petals)) / (1 + o->depth) -
               r;
    case PT_SHAPE_SQUARE:
        return 0.75 - larger(au, av);
    case PT_SHAPE_TRIANGLE:
        return smaller(0.5 + v, 0.5 - 0.5 * v - 0.8660254037844386 * au);
    case PT_SHAPE_CROSS:
        return larger(smaller(0.3 - au, 0.95 - av), smaller(0.95 - au, 0.3 - av));
    case PT_SHAPE_DISK:
        return 1 - r;
    }
    return -1;
}

/* A wave with steep flanks, 0 to 1. */
static double steep(double cosine)
{
    return clamp(0.5 + 1.5 * cosine);
}

/* How much ink there is at (u, v), 0 to 1. */
static double ink(const pt_object *o, double u, double v)
{
    double r = sqrt(u * u + v * v), f = o->cycles, p = o->phase;

    switch (o->texture) {
    case PT_TEXTURE_STRIPES:
        return steep(pt_cos_turns(f * u + p));
    case PT_TEXTURE_CHECKER:
        return steep(3 * pt_cos_turns(f * u + p) * pt_cos_turns(f * v + p));
    case PT_TEXTURE_RINGS:
        return steep(pt_cos_turns(f * r + p));
    case PT_TEXTURE_DOTS:
        return steep(2 * (pt_cos_turns(f * u + p) + pt_cos_turns(f * v + p) - 0.8));
    case PT_TEXTURE_SPOKES:
        return r < 1e-9 ? 0 : steep(cos_multiple(u / r, v / r, (int)f));
    case PT_TEXTURE_PLAIN:
        return 0;
    }
    return 0;
}

void pt_canvas_backdrop(pt_canvas *c, const pt_backdrop *b)
{
    double dx = pt_cos_turns(b->direction), dy = pt_sin_turns(b->direction);
    double wx = pt_cos_turns(b->wave_direction), wy = pt_sin_turns(b->wave_direction);

    for (int y = 0; y < c->side; y++)
        for (int x = 0; x < c->side; x++) {
            double u = (x + 0.5) / c->side - 0.5, v = (y + 0.5) / c->side - 0.5;
            double t = clamp(0.5 + 0.7 * (u * dx + v * dy));
            double wave = pt_cos_turns(b->cycles * (u * wx + v * wy) + b->phase);

            for (int k = 0; k < 3; k++)
                c->pixels[y * c->side + x][k] =
                    b->from[k] + t * (b->to[k] - b->from[k]) + b->swing * wave;
        }
}

void pt_canvas_object(pt_canvas *c, const pt_object *o)
{
    double cosine = pt_cos_turns(o->turn), sine = pt_sin_turns(o->turn);

    for (int i = 0; i < c->side * c->side; i++) {
        double cover = 0, dark = 0;

        for (int sample = 0; sample < 4; sample++) {
            double dx = i % c->side + 0.25 + 0.5 * (sample & 1) - o->x;
            double dy = i / c->side + 0.25 + 0.5 * (sample >> 1) - o->y;
            double u = (cosine * dx + sine * dy) / o->radius;
            double v = (cosine * dy - sine * dx) / (o->radius * o->squash);
            double part = clamp(0.5 + 2 * o->radius * inside(o, u, v));

            if (part == 0) continue;
            cover += 0.25 * part;
            dark += 0.25 * part * ink(o, u, v);
        }
        if (cover == 0) continue;
        for (int k = 0; k < 3; k++) {
            double old = c->pixels[i][k];

            c->pixels[i][k] =
                old + cover * (o->fill[k] - old) + dark * (o->ink[k] - o->fill[k]);
        }
    }
}

void pt_canvas_develop(const pt_canvas *c, double gain, double offset, double noise,
                       const pt_rng *r, uint8_t *bytes)
{
    float grain[3 * PT_CANVAS_MAX * PT_CANVAS_MAX];
    int n = c->side * c->side;

    pt_rng_fill_normal(r, grain, (size_t)n * 3);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) {
            double x = gain * c->pixels[i][k] + offset + noise * (double)grain[3 * i + k];

            bytes[3 * i + k] = (uint8_t)(255 * clamp(x) + 0.5);
        }
}
