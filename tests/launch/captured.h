/* What a function prints. */
#ifndef PT_TESTS_CAPTURED_H
#define PT_TESTS_CAPTURED_H

typedef struct {
    int code;
    char out[16384], err[4096];
} captured;

/* Calls run with the words of `line`, which spaces separate, and what it prints on
 * standard output and standard error in `c`. */
void capture(int (*run)(int argc, char **argv), const char *line, captured *c);

#endif
