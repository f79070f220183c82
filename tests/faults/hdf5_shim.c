/* For LD_PRELOAD: H5Dread raises the signal PT_SHIM_SIGNAL, as libhdf5 does on a damaged
 * file that it cannot cope with, or as the kernel does when a limit is reached. */
#include <signal.h>
#include <stdlib.h>

int H5Dread(void);

int H5Dread(void)
{
    const char *number = getenv("PT_SHIM_SIGNAL");

    raise(number ? atoi(number) : SIGSEGV);
    return -1;
}
