/* A library for LD_PRELOAD in a program that runs under qemu-user, whose kernel cannot
 * start programs of the emulated CPU: ptrain's own, which it starts to try a file, runs
 * under PT_EMULATOR as well. */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>

enum { MAX_ARGS = 32 };

typedef int (*spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                     const posix_spawnattr_t *, char *const *, char *const *);

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
                const posix_spawnattr_t *attributes, char *const *argv, char *const *env)
{
    char *all[MAX_ARGS] = {getenv("PT_EMULATOR"), (char *)path};
    spawn next = (spawn)dlsym(RTLD_NEXT, "posix_spawn");

    if (!next || !all[0]) return ENOENT;
    for (int i = 1; argv[i]; i++) {
        if (i + 2 == MAX_ARGS) return E2BIG;
        all[i + 1] = argv[i];
    }
    return next(pid, all[0], files, attributes, all, env);
}
