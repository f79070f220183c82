/* The CPU time that a control group leaves this process: containers and batch systems
 * limit time (cpu.max) where they do not limit the CPUs that a thread may run on. */
#ifndef PT_COMMON_BASE_QUOTA_H
#define PT_COMMON_BASE_QUOTA_H

/* CPUs' worth of time for all processes of the group together, rounded down but at least
 * 1: the least of the group's own limit and those of the groups above it. 0: there is no
 * limit, or none that can be read.
 *
 * root  what stands before /proc and /sys: "", or a directory in tests
 *
 * Reads /proc/self/cgroup and the usual mounts, of version 2 (cpu.max) and version 1
 * (cpu.cfs_quota_us). Local; any thread. Source: the kernel's
 * Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst. */
int pt_quota_cpus(const char *root);

/* n CPUs or cores, as far as the running system's limit leaves time for them. */
int pt_quota_at_most(int n);

#endif
