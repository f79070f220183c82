#include "launch/support/args.h"

#include <stdlib.h>

int pt_args_count(const char *option, const char *text, long least, long most,
                  const struct argp_state *state)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*end || end == text || n < least || n > most)
        argp_error(state, "%s: '%s' is not a count from %ld to %ld", option, text, least,
                   most);
    return (int)n;
}
