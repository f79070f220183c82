/* What libraries built with -ffast-math do to the thread that loads them: denormals count
 * as zero. Here when the program starts, in MPI_Init_thread and with the first
 * collectives, where an MPI loads what it needs. */
#include <mpi.h>
#include <stdint.h>

static void flush(void)
{
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#elif defined(__aarch64__)
    uint64_t mode;

    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" ::"r"(mode | (uint64_t)1 << 24));
#endif
}

__attribute__((constructor)) static void load(void)
{
    flush();
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    int code = PMPI_Init_thread(argc, argv, required, provided);

    flush();
    return code;
}

int MPI_Iallreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request *request)
{
    flush();
    return PMPI_Iallreduce(from, to, n, type, op, comm, request);
}
