#include <string.h>

#include "common/log.h"
#include "launch/cmd_config.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        pt_log_info("ptrain 0.1.0");
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "config") == 0)
        return pt_cmd_config(argc - 1, argv + 1);
    pt_log_error("usage: ptrain --version");
    return 2;
}
