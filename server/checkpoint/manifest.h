/* The checkpoints of a run, in its directory:
 *
 *   checkpoints/step-000000000120/part-0.h5 ...   one per server (part.h)
 *                                 part-1.json ... of server 1: its file's bytes, CRC32C
 *                                 manifest.json   last: only a complete one has it
 *
 * The manifest is one JSON object that begins with its own checksum:
 *   {"crc32c": "1a2b3c4d", ...                    of every byte behind the comma
 * and continues with format, format_version, byte_order, the progress below, parts (file,
 * bytes, crc32c of each), journal (tally.h; older versions did not write it) and the
 * run's identity, given by the caller. So no byte of a checkpoint can change unnoticed,
 * and no file is parsed before its checksum is right.
 *
 * Two generations are kept. Files only: no MPI, no clock. */
#ifndef PT_SERVER_MANIFEST_H
#define PT_SERVER_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/checkpoint/part.h"
#include "server/checkpoint/tally.h"

/* What rank 0 knows beside the arrays. */
typedef struct {
    uint64_t step;  /* the first step that is not done */
    bool test_owed; /* the test after step - 1 is not done */
    double ema;     /* the gate's */
    bool gate_started, gate_open;
    uint32_t skipped, skipped_in_a_row; /* steps without an update (run.nonfinite) */
    pt_tally tally;
} pt_progress;

/* A checkpoint that verified. Plain value but for what pt_checkpoint_fini frees. */
typedef struct {
    char *path; /* of the generation's directory */
    pt_progress progress;
    int n_parts;
    json_t *identity;
} pt_checkpoint;

void pt_checkpoint_fini(pt_checkpoint *c);

/* root/step-..., malloc'd; NULL without memory. root/ is made by pt_checkpoint_begin. */
char *pt_checkpoint_path(const char *root, uint64_t step);

/* path/part-K.h5, where pt_part_write puts the part of `server`; malloc'd, NULL without
 * memory. */
char *pt_checkpoint_part_path(const char *path, int server);

/* Makes the generation's directory and those above it. Every server may call it. */
PT_MUST_USE pt_status pt_checkpoint_begin(const char *path);

/* After part_write: the record of part `server` (part-K.json), for rank 0. failed: NULL,
 * or why there is no part. */
PT_MUST_USE pt_status pt_checkpoint_record_part(const char *path, int server,
                                                const char *failed);

/* Is the record of part `server` there? PT_ERR_IO with its text where the server failed.
 */
PT_MUST_USE pt_status pt_checkpoint_part_done(const char *path, int server, bool *done);

/* All parts are recorded: writes the manifest (temporary name, fsync, rename, fsync of
 * the directory and of the one above). Borrows identity. */
PT_MUST_USE pt_status pt_checkpoint_seal(const char *path, int n_parts,
                                         const pt_progress *p, const json_t *identity);

/* Reads and compares every byte of one generation. PT_ERR_DATA naming the file. */
PT_MUST_USE pt_status pt_checkpoint_verify(const char *path, pt_checkpoint *out);

/* The newest checkpoint below root whose bytes are all as written. Warns which newer one
 * is damaged, and why. out->path is NULL if none was ever completed; PT_ERR_DATA if there
 * are some and all are damaged. */
PT_MUST_USE pt_status pt_checkpoint_find(const char *root, pt_checkpoint *out);

/* Reads all parts into s. PT_ERR_DATA if anything is missing. */
PT_MUST_USE pt_status pt_checkpoint_load(const pt_checkpoint *c, pt_state *s);

/* Is there a generation below root that was completed? *step: of the newest one; may be
 * NULL. Its files are not looked at. */
bool pt_checkpoint_exists(const char *root, uint64_t *step);

/* Bytes of the files of all generations below root. */
uint64_t pt_checkpoint_bytes(const char *root);

/* Removes generations: all but the `keep` newest complete ones, and those that were never
 * completed; only files that we write. Best effort. */
void pt_checkpoint_prune(const char *root, int keep);

#endif
