/* Tables of commands, and the choice of one by the first word. */
#ifndef PT_LAUNCH_SUPPORT_COMMAND_H
#define PT_LAUNCH_SUPPORT_COMMAND_H

#include <stddef.h>

typedef struct {
    const char *name;
    const char *about;                 /* one line of the help */
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit code */
    const struct pt_commands *own;     /* instead of run: commands of its own */
} pt_command;

typedef struct pt_commands {
    const char *name;       /* "bench"; "" for ptrain itself */
    const char *choice;     /* "step|input [ARGUMENT...]" in the usage line */
    const char *about;      /* before the list */
    const char *example;    /* command lines to type */
    const pt_command *list; /* [n], n <= PT_COMMANDS_MAX */
    size_t n;
} pt_commands;

enum { PT_COMMANDS_MAX = 24 };

/* Runs the command that argv[1] names with argv + 1, or answers `help`, `help COMMAND`,
 * `version`, -h, --help, -V and --version itself. Returns the exit code. */
int pt_commands_run(const pt_commands *c, int argc, char **argv);

#endif
