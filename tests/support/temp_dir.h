/* A directory for the files of one test program: make_dir and remove_dir are a group's
 * set-up and tear-down. Include cmocka's headers first. */
#ifndef PT_TESTS_TEMP_DIR_H
#define PT_TESTS_TEMP_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/ptrain-test-XXXXXX";

/* dir/name, in a buffer that the next call uses again. */
static inline const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static inline int make_dir(void **state)
{
    return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    return rmdir(dir); /* fails when a test leaves a file behind */
}

#endif
