#include "common/comm/launcher.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The variables that launchers set for the processes that they start. */
static const struct {
    const char *size, *rank, *step, *hint;
} launchers[] = {
    {"SLURM_NTASKS", "SLURM_PROCID", "SLURM_STEP_ID", "add --mpi=pmix to srun"},
    {"PMI_SIZE", "PMI_RANK", "PMI_RANK", "start it with the mpirun of that MPI"},
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_RANK",
     "start it with the mpirun of that MPI"}};

static bool under_srun(void)
{
    return getenv("SLURM_STEP_ID") && getenv("SLURM_PROCID");
}

bool pt_under_launcher(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK") ||
           under_srun();
}

bool pt_launcher_is_first(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i])) return strcmp(getenv(names[i]), "0") == 0;
    return true;
}

void pt_launcher_let_first_speak(void)
{
    const struct timespec wait = {.tv_sec = 2};

    if (!pt_launcher_is_first()) nanosleep(&wait, NULL);
}

/* ---- srun and Open MPI 4 ---------------------------------------------------------- */

/* How many of Open MPI 4's plug-ins match: "pmix_s[12]". They are files below the
 * library's directory, for Debian two folders deeper; none at all in Open MPI 5, or where
 * they are linked into the library. */
static size_t plugins(const char *pattern)
{
    void *init = dlsym(RTLD_DEFAULT, "MPI_Init_thread");
    char *library = NULL, *path = NULL;
    glob_t found = {0};
    size_t n = 0;
    Dl_info where;

    if (init && dladdr(init, &where)) library = realpath(where.dli_fname, NULL);
    if (library && strrchr(library, '/')) {
        *strrchr(library, '/') = '\0';
        if (asprintf(&path, "%s/{,openmpi/lib/}openmpi*/mca_%s.so", library, pattern) < 0)
            path = NULL;
    }
    if (path && glob(path, GLOB_BRACE, NULL, &found) == 0) n = found.gl_pathc;
    globfree(&found);
    free(path);
    free(library);
    return n;
}

/* Slurm's own PMI needs a plug-in that few builds have; without any PMI nothing helps. */
static bool has_no_way(void)
{
    if (!under_srun() || getenv("PMIX_RANK") || getenv("OMPI_COMM_WORLD_RANK"))
        return false;
    return plugins("pmix_*") > 0 &&
           !(getenv("PMI_RANK") && plugins("pmix_s[12]") + plugins("pmix_cray*") > 0);
}

pt_status pt_launcher_check_start(const char *mpi)
{
    const char *n = getenv("SLURM_NTASKS");

    if (strcmp(mpi, "Open MPI") != 0 || !has_no_way()) return PT_OK;
    return pt_fail(PT_ERR_USAGE,
                   "srun has started ptrain without PMIx, by which Open MPI's ranks find "
                   "each other (SLURM_NTASKS is %s): add --mpi=pmix to srun",
                   n ? n : "not set");
}

/* ---- ranks that believe to be alone ----------------------------------------------- */

pt_status pt_launcher_check_alone(const char *version)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const char *size = getenv(launchers[i].size), *rank = getenv(launchers[i].rank);

        if (!size || atoi(size) <= 1 || !rank || !getenv(launchers[i].step)) continue;
        return pt_fail(PT_ERR_USAGE,
                       "the launcher started %s processes that cannot see each other "
                       "(ptrain is built with %s): %s",
                       size, version, launchers[i].hint);
    }
    return PT_OK;
}
