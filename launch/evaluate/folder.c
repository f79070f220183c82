#include "launch/evaluate/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/program.h"

/* `ptrain pack FOLDER PATH`, without its lines of success. */
static pt_status pack(const char *folder, const char *path, bool *reported)
{
    char program[PATH_MAX], name[] = "ptrain", command[] = "pack", end[] = "--";
    char *argv[] = {name, command, end, (char *)folder, (char *)path, NULL};
    posix_spawn_file_actions_t files;
    pt_status s = pt_program_path(program, sizeof program);
    int code = 0;
    pid_t pid;

    if (s != PT_OK) return s;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    code = posix_spawn(&pid, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (code != 0)
        return pt_fail(PT_ERR_IO, "%s cannot start: %s", program, strerror(code));
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
    *reported = code != 0;
    return code == 0 ? PT_OK : pt_fail(PT_ERR_DATA, "%s: cannot be packed", folder);
}

pt_status pt_folder_open(const char *folder, pt_dataset **out, bool *reported)
{
    const char *given = getenv("TMPDIR");
    char dir[PATH_MAX], path[PATH_MAX + 16];
    pt_status s;

    snprintf(dir, sizeof dir, "%s/ptrain-XXXXXX", given && given[0] ? given : "/tmp");
    if (!mkdtemp(dir)) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    snprintf(path, sizeof path, "%s/data.h5", dir);
    s = pack(folder, path, reported);
    if (s == PT_OK) s = pt_dataset_open(path, out);
    unlink(path);
    rmdir(dir);
    return s;
}
