/* How the CPU rounds: each thread has a mode of its own, at first that of the thread
 * which started it. */
#ifndef PT_COMMON_BASE_FLOAT_MODE_H
#define PT_COMMON_BASE_FLOAT_MODE_H

/* The calling thread computes as IEEE 754 has it: rounds to nearest, keeps denormals,
 * stops at no exception. A library that was built with -ffast-math sets another mode in
 * whatever thread loads it: the first one as the program starts, or when the MPI loads
 * its parts. So this comes after both, at the beginning of main and after each collective
 * of the job, and before other threads are started. */
void pt_float_mode_standard(void);

#endif
