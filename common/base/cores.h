/* The CPUs of this machine: which a thread may use, and which of them make up a core.
 * Local; what /proc and /sys do not tell is assumed to be as simple as possible. */
#ifndef PT_COMMON_BASE_CORES_H
#define PT_COMMON_BASE_CORES_H

#include <sched.h>
#include <stdbool.h>

enum { PT_MACHINE_BYTES = 40, PT_CPU_BYTES = 96 };

/* CPUs that the calling thread may use; none if the kernel does not say. */
void pt_cores_allowed(cpu_set_t *cpus);

/* From now on the calling thread, and threads and processes that it starts, use only
 * these; false: they cannot. */
bool pt_cores_use(const cpu_set_t *cpus);

/* core [CPU_SETSIZE]: the number of each CPU's core, 0, 1, ..., socket by socket. CPUs of
 * one core (hyperthreads) have the same. */
void pt_cores_number(int *core);

/* The cores that CPUs belong to, as a set of their numbers. */
void pt_cores_of(const int *core, const cpu_set_t *cpus, cpu_set_t *cores);

/* CPUs that this thread may use, hyperthreads among them, as far as the control group
 * leaves time for them (quota.h); at least 1. */
int pt_cores_cpus(void);

/* Cores that this thread may use, the same with hyperthreads counted once. */
int pt_cores_count(void);

/* Names the machine: the same for all processes under one running kernel, whatever they
 * take for their host. "" if the kernel does not say. */
void pt_cores_machine(char name[PT_MACHINE_BYTES]);

/* What the CPU is called, "an unnamed CPU" where /proc/cpuinfo has no model name (it has
 * one on x86). */
void pt_cores_cpu(char name[PT_CPU_BYTES]);

#endif
