#include "launch/support/terminal.h"

#include <sys/ioctl.h>

int pt_terminal_columns(int fd)
{
    struct winsize w;

    return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}
