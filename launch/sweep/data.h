/* Do finished runs still match the data that are here now? */
#ifndef PT_LAUNCH_SWEEP_DATA_H
#define PT_LAUNCH_SWEEP_DATA_H

#include <jansson.h>

#include "common/config/config.h"

/* Checksums of packed files, each read once. Zeros are empty. */
typedef struct {
    struct pt_sweep_file {
        char *path, *checksum; /* checksum NULL: it cannot be read */
    } * files;                 /* [n] */
    size_t n;
} pt_sweep_data;

/* identity: of the run in `dir`. PT_ERR_USAGE if a file of c has been repacked since. A
 * missing or unreadable file is not reported here: the run that needs it will report it.
 */
PT_MUST_USE pt_status pt_sweep_data_compare(pt_sweep_data *d, const json_t *identity,
                                            const pt_config *c, const char *dir);
void pt_sweep_data_fini(pt_sweep_data *d);

#endif
