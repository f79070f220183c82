/* Whose turn it is: the keys that a worker pushes to servers on other hosts by itself, of
 * each server in the order in which the server finishes them, and no more at a time than
 * fit the window (common/run/window.h). Pure. */
#ifndef PT_WORKER_TURNS_H
#define PT_WORKER_TURNS_H

#include "common/run/run.h"

typedef struct pt_turns pt_turns;

/* pushes [n_keys]: which keys. window [n_servers]: of each server, how many keys that
 * have been pushed may lack new weights; at least 1. Copies both, borrows run. */
PT_MUST_USE pt_status pt_turns_create(const pt_run *run, const bool *pushes,
                                      const int *window, pt_turns **out);
void pt_turns_destroy(pt_turns **t);

/* A new step: no key is ready; the keys are those that are trained. */
void pt_turns_begin(pt_turns *t);

/* Is the key one of them? */
bool pt_turns_has(const pt_turns *t, int key);

/* Its sums are complete. */
void pt_turns_ready(pt_turns *t, int key);

/* The key of server to be pushed now, whose turn is then over; -1: none. */
int pt_turns_next(pt_turns *t, int server);

/* The key whose new weights let the next one be pushed; -1: nothing that is ready waits
 * for weights. */
int pt_turns_awaited(const pt_turns *t, int server);

/* They have come. */
void pt_turns_came(pt_turns *t, int server);

#endif
