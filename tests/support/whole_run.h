/* A whole run in one process: servers and workers are threads, messages pass through the
 * loopback, what ranks lend is at the same address for all (unless server.shared_memory
 * is false), images are patterns, start weights are those of tests/oracle/algorithm1.py.
 * Each rank has its own pt_run and, if it works, its own pool. */
#ifndef PT_TESTS_WHOLE_RUN_H
#define PT_TESTS_WHOLE_RUN_H

#include "common/run/run.h"
#include "common/run/traffic.h"
#include "server/serve.h"

enum {
    WHOLE_RUN_CLASSES = 5,
    WHOLE_RUN_SOURCE_CLASSES = 7,
    WHOLE_RUN_SOURCE_IMAGES = 9,
    WHOLE_RUN_MAX_SETS = 12,
    WHOLE_RUN_MAX_RANKS = 36
};

typedef struct {
    const char *config;                   /* YAML file */
    const char *sets[WHOLE_RUN_MAX_SETS]; /* "key=value" laid over it, up to a NULL */
    int n_servers, n_workers, threads;    /* threads: of each worker */
    int n_hosts;         /* 0: unknown; servers are on the first, workers evenly on all */
    const int *hosts;    /* [n_servers + n_workers]: other hosts than these; or NULL */
    unsigned shuffle;    /* of arrival; 0: messages are there at once */
    size_t part_bytes;   /* of messages, see pt_comm; 0: its default */
    size_t head_floats;  /* of a key of the head's weights; 0: all in one */
    int n_train, n_test; /* images 0..n_train-1, and those after them */
    int n_validation;    /* at most n_test: of the test images, the first; 0: none */
    uint64_t salt;       /* of the images' pattern */
    int spoilt;          /* 1 + the image with a bad pixel; 0: none */
    float spoilt_value;  /* of that pixel; 0: NaN */
    double deadline_s;   /* of every wait; 0: 20 s */
    const char *root;    /* directory of checkpoints; NULL: none are written */
    bool resume;         /* from the newest checkpoint in root */
    int stop_after;      /* the step after this one, from 1 on, is the last; 0: none is */
    int best_after, over_after; /* early_stopping: steps, from 1 on, after whose test
                                   weights are the best so far (that one, and all before
                                   it), and the run is over; 0: no test ends it */
} whole_run_options;

/* What rank 0 reported after one step; times and seconds are left out (NULL, 0). */
typedef struct {
    pt_step_report report; /* norms: owned */
    float *flat;           /* rank 0's array after the step: all keys where S = 1 */
} whole_run_step;

/* How a rank ended. */
typedef struct {
    pt_status status;
    bool agreed;
    char text[256];
    uint64_t sent, received;
} whole_run_end;

typedef struct {
    int n_ranks, n_servers, n_train, n_test, over_after;
    struct pt_segments *segments[WHOLE_RUN_MAX_RANKS]; /* flat arrays may be there */
    whole_run_end ends[WHOLE_RUN_MAX_RANKS];
    pt_run *run;            /* worker 0's; flat: its parameters, rank 0's statistics */
    pt_run *first;          /* rank 0's */
    whole_run_step *steps;  /* [n_steps] */
    int first_step;         /* 0, or where it went on from a checkpoint */
    int n_steps, cap_steps; /* steps that were reported, those before first_step added */
    float *logits;          /* [n_test][classes] of the last test, or NULL */
    float *train_logits;    /* [n_train][classes], or NULL */
    float *second_logits;   /* [n_test][classes] of a method's second set, or NULL */
    float *second;          /* that set in the last test, rank 0's keys; or NULL */
    int n_tests;            /* how often the test set was tested */
    int n_validations;      /* how often the validation images were, before it */
    bool weights_agree;     /* all workers, and the owner of each key, hold the same */
} whole_run;

/* Plays the run to its end; success or not is in ends. Failures to set it up end the
 * test. Destroy it with whole_run_destroy. */
whole_run *whole_run_play(const whole_run_options *o);
void whole_run_destroy(whole_run *r);

/* Ends the test unless every rank ended with PT_OK and the ranks' weights agree. */
void whole_run_assert_ok(const whole_run *r);

/* The run, played to its end, after which that has been asserted. */
whole_run *whole_run_play_ok(const whole_run_options *o);

/* Start weights of tensor t in file layout: a pattern named by the tensor. */
void whole_run_start_value(const pt_tensor *t, float *file);

/* All start weights and statistics of g into flat. */
void whole_run_start(const pt_graph *g, float *flat);

/* What the formula says of worker's step; the stage must be entered. */
pt_traffic whole_run_traffic(const pt_run *run, int worker, uint64_t step);

/* A rank's own pt_run; the label of an image: those after the test's are the source data
 * set's; first, first + 1, ... [n], malloc'd. For whole_run.c. */
pt_run *whole_run_make(const whole_run_options *o);
int whole_run_label(const whole_run_options *o, int image);
uint32_t *whole_run_numbers(size_t first, size_t n);

/* The images of the data set, malloc'd: training images first, then test images. */
float *whole_run_images(const whole_run_options *o, const pt_run *run);

/* Ends the test unless every rank ended with PT_STOPPED, agreed. */
void whole_run_assert_stopped(const whole_run *r);

/* NULL, or what first differs, by bits, in final weights, statistics, reported numbers
 * of steps that both have, and logits. Static storage. */
const char *whole_run_difference(const whole_run *a, const whole_run *b);

#endif
