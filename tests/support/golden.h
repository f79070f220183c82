/* Reads what the oracles left: text files of lines `name count value ...`. */
#ifndef PT_TESTS_GOLDEN_H
#define PT_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

/* The array `name` of the file, which must hold n values; the test fails otherwise.
 * malloc'd. */
float *golden_load(const char *path, const char *name, size_t n);

/* Has the file an array of that name? */
bool golden_has(const char *path, const char *name);

/* ||a - b|| / ||b|| in the Euclidean norm (||a|| if b is 0). */
double relative_distance(const float *a, const float *b, size_t n);

#endif
