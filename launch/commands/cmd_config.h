/* `ptrain config`: what a configuration says, whether it is valid, which keys there are.
 */
#ifndef PT_LAUNCH_COMMANDS_CMD_CONFIG_H
#define PT_LAUNCH_COMMANDS_CMD_CONFIG_H

/* argv[0] is the command's name, argv[1] one of
 *
 *     show FILE [--set KEY=VALUE]...             the resolved configuration as YAML
 *     check FILE [--set KEY=VALUE]... [--train]  nothing but faults; --train: also the
 *                                                keys that `ptrain train` needs
 *     schema                                     all keys with type, default and help
 *
 * Returns the exit code: 0, 2 after any fault (one `error:` line each), 1 where the
 * output cannot be written. */
int pt_cmd_config(int argc, char **argv);

#endif
