/* A model on the images of a packed data set, in one process, on all its cores. The
 * central view's logits are those of a run's own test, bit for bit. Local. */
#ifndef PT_LAUNCH_EVALUATE_EVALUATE_H
#define PT_LAUNCH_EVALUATE_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/data/dataset.h"
#include "launch/support/classifier.h"

typedef enum {
    PT_VIEWS_CENTRE,
    PT_VIEWS_FLIP, /* the centre, and its mirror image */
    PT_VIEWS_TEN   /* the centre and the corners, each with its mirror image */
} pt_views;

int pt_views_count(pt_views views);

/* How pictures are looked at. {0}: the central view, on all CPUs of this process. */
typedef struct {
    pt_views views;
    int map;                     /* the node of the map that is asked for; 0: none */
    int threads;                 /* 0: one for each CPU */
    void (*poll)(void *context); /* called between items of work; NULL: nobody waits */
    void *context;               /* of poll */
} pt_looking;

/* Pictures, wherever they are. */
typedef struct {
    size_t n;
    void *context;
    const char *(*name)(void *context, size_t i); /* for messages */
    /* The bytes of picture i, malloc'd. Any thread. */
    pt_status (*read)(void *context, size_t i, uint8_t **bytes, size_t *n);
} pt_pictures;

/* A picture that has been seen. */
typedef struct {
    const float *logits; /* [classes] */
    const float *pixels; /* [side][side][3], the last view as the network was fed it */
    const float *map;    /* [h][w][c] of that view, where a map was asked for */
} pt_seen;

typedef pt_status (*pt_seen_done)(void *context, size_t i, const pt_seen *seen);

/* Calls done(context, i, seen) for each picture in order. Of several views, in the place
 * of logits, the logarithms of the mean probabilities, which rank and weigh as logits do.
 * seen NULL: the picture cannot be read or decoded, pt_fail_text() says why; done's
 * status then ends it or not. */
PT_MUST_USE pt_status pt_evaluate_pictures(const pt_classifier *m, const pt_pictures *p,
                                           const pt_looking *how, pt_seen_done done,
                                           void *context);

/* The same of images [n] of d into logits [n][classes of the network]. A picture that
 * cannot be decoded fails, with its name. */
PT_MUST_USE pt_status pt_evaluate_model(const pt_classifier *m, const pt_dataset *d,
                                        const uint32_t *images, size_t n,
                                        const pt_looking *how, float *logits);

#endif
