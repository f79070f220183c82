/* For LD_PRELOAD, of H5Dread in the child that tries a file first. PT_SHIM_SIGNAL: it
 * raises this signal, as libhdf5 does on a damaged file that it cannot cope with, or as
 * the kernel does when a limit is reached. PT_SHIM_WAIT: it makes this file, and waits
 * until the file is gone, as on a slow disk. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int H5Dread(int64_t set, int64_t type, int64_t to, int64_t from, int64_t how, void *out);

static bool in_child(void)
{
    char line[64] = "";
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t n = read(fd, line, sizeof line - 1);

    close(fd);
    return n > 18 && strcmp(line, "ptrain") == 0 && strcmp(line + 7, "--probe-h5") == 0;
}

int H5Dread(int64_t set, int64_t type, int64_t to, int64_t from, int64_t how, void *out)
{
    const char *number = getenv("PT_SHIM_SIGNAL"), *gate = getenv("PT_SHIM_WAIT");
    int (*real)(int64_t, int64_t, int64_t, int64_t, int64_t, void *) =
        (int (*)(int64_t, int64_t, int64_t, int64_t, int64_t, void *))dlsym(RTLD_NEXT,
                                                                            "H5Dread");

    if (number && in_child()) raise(atoi(number));
    if (gate && in_child()) {
        close(open(gate, O_WRONLY | O_CREAT, 0666));
        while (access(gate, F_OK) == 0) usleep(10000);
        unsetenv("PT_SHIM_WAIT");
    }
    return real(set, type, to, from, how, out);
}
