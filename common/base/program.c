#include "common/base/program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

pt_status pt_program_path(char *path, size_t n)
{
    ssize_t length = readlink("/proc/self/exe", path, n);

    if (length < 0)
        return pt_fail(PT_ERR_IO, "the path of ptrain's own file: /proc/self/exe: %s",
                       strerror(errno));
    if ((size_t)length >= n)
        return pt_fail(PT_ERR_IO, "the path of ptrain's own file has more than %zu bytes",
                       n - 1);
    path[length] = '\0';
    return PT_OK;
}
