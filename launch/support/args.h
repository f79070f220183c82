/* Counts on command lines that argp reads. */
#ifndef PT_LAUNCH_SUPPORT_ARGS_H
#define PT_LAUNCH_SUPPORT_ARGS_H

#include <argp.h>

/* The whole number `text` from least to most; else the command ends with argp_error,
 * which names `option`. */
int pt_args_count(const char *option, const char *text, long least, long most,
                  const struct argp_state *state);

#endif
