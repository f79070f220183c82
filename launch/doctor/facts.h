/* What `ptrain doctor` has found out about a job and its machine; the checks judge it. */
#ifndef PT_LAUNCH_DOCTOR_FACTS_H
#define PT_LAUNCH_DOCTOR_FACTS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cores.h"

enum { PT_FACT_HOST = 64, PT_FACT_CPU = PT_CPU_BYTES };

/* Of one rank. */
typedef struct {
    char host[PT_FACT_HOST], cpu[PT_FACT_CPU];
    int host_number;   /* 0, 1, ... in the order of their first rank */
    cpu_set_t cores;   /* that it may use */
    int quota;         /* CPUs that its control group has time for, 0: no limit */
    uint64_t shm_free; /* bytes of its host's /dev/shm */
    double wall_s;     /* wall clock minus pt_clock */
    uint32_t pixels;   /* pt_input_fingerprint; 0: the pictures were refused */
    bool sees_dir;     /* the run directory's file that rank 0 has made */
} pt_rank_facts;

/* Of the way between two hosts; ranks are the first of each. */
typedef struct {
    int a, b;           /* ranks */
    double trip_s;      /* there and back, a few bytes */
    double bytes_per_s; /* each way, both at once */
    double ahead_s;     /* b's wall clock, against a's */
} pt_pair_facts;

typedef struct {
    int n, n_hosts;            /* ranks; hosts */
    const pt_rank_facts *rank; /* [n] */
    const pt_pair_facts *pair; /* [n_pairs] */
    size_t n_pairs;
    bool launched;             /* by mpirun or srun */
    int slurm_tasks, mpi_size; /* SLURM_NTASKS; the launcher's own count; 0: not set */
    int tag_ub, tags_needed;
    int threads, shards, servers; /* of a worker, 0: auto; V; S */
    bool spread;                  /* servers are on all hosts, not on rank 0's alone */

    const char *dir; /* the run directory, or the one above it that exists */
    int dir_errno;   /* why no file can be made there; 0: it can */
    int lock_errno;  /* why a file there cannot be locked; 0: it can */
    bool knows_free;
    uint64_t free_bytes; /* of its file system */
} pt_facts;

#endif
