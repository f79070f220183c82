/* Arrays of zeros that take no memory until they are written, in the place of pt_calloc:
 * a thousand ranks hold buffers for gradients and weights that none of them touches. */
#ifndef PT_LAUNCH_PLAN_SIM_UNWRITTEN_H
#define PT_LAUNCH_PLAN_SIM_UNWRITTEN_H

/* First in main. */
void pt_unwritten_begin(void);

#endif
