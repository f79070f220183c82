/* `ptrain report`: finished runs as the table of the paper. */
#ifndef PT_LAUNCH_COMMANDS_CMD_REPORT_H
#define PT_LAUNCH_COMMANDS_CMD_REPORT_H

/* argv[0] is "report"; returns the exit code: 0, 2 for a wrong command line, 1 after any
 * other fault (one `error:` line each, and no table). */
int pt_cmd_report(int argc, char **argv);

#endif
