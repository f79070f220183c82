/* The data that is too large for the repository: the directory named by the environment
 * variable PTRAIN_SHARED, else ../shared beside the repository. */
#ifndef PT_TESTS_SHARED_H
#define PT_TESTS_SHARED_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHARED_PATH = 1024 };

/* Writes the path of `name` below the directory. The test is skipped if there is none. */
static inline void shared_path(char path[SHARED_PATH], const char *name)
{
    const char *dir = getenv("PTRAIN_SHARED");

    if (!dir) dir = PT_SHARED;
    if (access(dir, R_OK) != 0) {
        print_message("skip: ../shared is not here\n");
        skip();
    }
    if (snprintf(path, SHARED_PATH, "%s/%s", dir, name) >= SHARED_PATH)
        fail_msg("the path of %s is too long", name);
}

#endif
