/* One server's part of a checkpoint, an HDF5 file. A tensor that this server owns whole
 * lies under weights/ (and its momentum under momentum/) by its torchvision name and in
 * file layout, so that the ten lines of h5py that hash a model file hash the checkpoint
 * of one server as well; a tensor that is cut over several servers lies in pieces, in
 * memory layout:
 *
 *   weights/NAME, momentum/NAME            whole tensors, float32
 *   pieces/weights/NAME/OFFSET             floats from OFFSET (decimal) of the tensor on
 *   pieces/momentum/NAME/OFFSET
 *   first_moment/..., second_moment/...    in the place of momentum: of adamw
 *   updates                                server 0: how often adamw has moved each
 *                                          parameter, uint64, in the order of `tensors`
 *   SECOND/NAME, pieces/SECOND/NAME/...    a method's second set, by its name (ema)
 *   best/..., best_second/...              early_stopping: weights, second set after
 *                                          the best test
 *   features/mean, features/std            server 0: of the pretrained representation
 *   responses                              server 0: of the start weights
 *   method                                 server 0: state of a method, as it has it
 *   tensors                                names of all tensors, in the order of the hash
 *
 * Running statistics are server 0's. A part is read by any number of servers. Pure but
 * for the file: no MPI. */
#ifndef PT_SERVER_PART_H
#define PT_SERVER_PART_H

#include "server/kept.h"
#include "server/optimizer_state.h"

enum { PT_PART_SETS = 6 };

/* The arrays of a run between two steps; borrowed. */
typedef struct {
    const pt_run *run; /* graph, keys */
    float *flat;       /* [graph->n_floats]: parameters and running statistics */
    pt_optimizer_state optimizer;
    float *second; /* [graph->n_param_floats]: a method's second set, or NULL */
    pt_kept kept;  /* zeros: the run cannot end early */
    float *feature_mean, *feature_std; /* [rep size], or both NULL */
    float *responses;                  /* [pt_run_response_floats], or NULL */
    float *method;                     /* [n_method] (server/methods), or NULL */
    size_t n_method;
} pt_state;

/* Bytes of the part of `server`, at most; and those of them that HDF5 adds. */
uint64_t pt_part_margin(const pt_run *run);
uint64_t pt_part_bytes(const pt_run *run, int server);

/* Writes what `server` owns to path: under a temporary name, fsynced, renamed. PT_ERR_IO
 * with the bytes needed and free if the file system has no space for it. */
PT_MUST_USE pt_status pt_part_write(const char *path, const pt_state *s, int server);

/* Reads what a part holds into s; adds the number of floats read of each set of
 * tensors to floats (weights, velocity, squares, second, best, best_second), so that the
 * caller can tell whether anything is missing. The file's checksum must have been
 * compared before. PT_ERR_DATA if a part does not fit the network. */
PT_MUST_USE pt_status pt_part_read(const char *path, pt_state *s,
                                   size_t floats[PT_PART_SETS]);

#endif
