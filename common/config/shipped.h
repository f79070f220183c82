/* Configurations that come with the program: `ptrain:network/resnet50` is
 * network/resnet50.yaml of its own, wherever it was started. */
#ifndef PT_COMMON_CONFIG_SHIPPED_H
#define PT_COMMON_CONFIG_SHIPPED_H

#include <stdbool.h>

#include "common/base/status.h"

#define PT_SHIPPED "ptrain:"

/* Does the name begin so? */
bool pt_config_is_shipped(const char *name);

/* The file of such a name, malloc'd: in $PTRAIN_CONFIGS; else in share/ptrain/configs
 * beside the directory of the installed program, or in configs of the checkout that it
 * was built in. ".yaml" is added where it is missing. PT_ERR_CONFIG where there is no
 * such file, with the names that there are. */
PT_MUST_USE pt_status pt_config_shipped(const char *name, char **path);

#endif
