/* What kind of terminal output goes to. Local. */
#ifndef PT_LAUNCH_SUPPORT_TERMINAL_H
#define PT_LAUNCH_SUPPORT_TERMINAL_H

/* Columns of the terminal that `fd` is; 0: it is none. */
int pt_terminal_columns(int fd);

#endif
