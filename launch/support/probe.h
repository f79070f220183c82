/* A child process reads a file before this one does.
 *
 * libhdf5's parser is not proof against damage or malice: some files crash it, make it
 * run forever or allocate memory without end, which cannot be caught inside the process.
 * So every .h5 file that a user names is first read by a child, `ptrain --probe-h5`,
 * which reads everything that the command will read (pt_dataset_open, pt_weights_try, the
 * methods' own) under limits: memory PT_PROBE_BYTES and 8 bytes for each byte of the
 * file, PT_PROBE_CPU_S, PT_PROBE_WALL_S, no core file. If it crashes (SIGSEGV, SIGABRT,
 * SIGBUS, SIGFPE, SIGILL) or reaches a limit, the file is refused like any other bad
 * input; any other signal is reported as such. A stop signal never reaches the child,
 * which has a process group of its own: the command that waits for it stops as it would
 * anywhere else. The child does not outlive that command. If the reader refuses the file,
 * the child passes its reason on and the file is not opened again.
 *
 * MPI: ranks call these after MPI_Init. fork() there is a risk, because the parent's
 * pages become copy-on-write while a network card still writes to the old ones.
 * posix_spawn copies no pages (glibc: CLONE_VM | CLONE_VFORK, a stack of its own until
 * exec) and runs no atfork handlers; descriptors above 2 are closed in the child, and it
 * never calls MPI. Each rank has the files tested that it will open itself, so each host
 * its own copy.
 *
 * What it cannot promise: the file may change between the two reads, and a crash that
 * depends on what else is in memory may not happen in the child. If a child cannot be
 * started (descriptors, processes, emulators) one warning reports it and the file is read
 * anyway. */
#ifndef PT_LAUNCH_SUPPORT_PROBE_H
#define PT_LAUNCH_SUPPORT_PROBE_H

#include "common/base/status.h"

enum { PT_PROBE_BYTES = 1 << 30, PT_PROBE_CPU_S = 30, PT_PROBE_WALL_S = 240 };

/* A packed data set. PT_ERR_DATA if the child crashed, else the reader's own status.
 * Waits for the child. Local. */
PT_MUST_USE pt_status pt_probe_dataset(const char *path);

/* A weights file; entry: file inside a directory, or NULL. Formats other than HDF5 are
 * not tested, as their readers are ours. */
PT_MUST_USE pt_status pt_probe_weights(const char *path, const char *entry);

/* The file of a method, of this kind (common/run/method.h). */
PT_MUST_USE pt_status pt_probe_method_file(const char *what, const char *path);

/* The child: `--probe-h5 dataset|weights|KIND FILE [ENTRY]`. The reader's reason
 * goes to stdout. Returns its exit code, which only pt_probe_* understand. */
int pt_probe_main(int argc, char **argv);

#endif
