/* What the fuzz targets share. A target is one reader: libFuzzer calls
 * LLVMFuzzerTestOneInput with bytes, the target gives them to the reader as a file or as
 * memory and uses all that came out. A refusal is fine; a crash, a leak, a hang,
 * undefined behaviour, a large allocation or a broken promise (PT_CHECK) is a finding. */
#ifndef PT_TESTS_FUZZ_H
#define PT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/weights/table.h"

/* libFuzzer's names. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Writes the bytes to the file `name` in the working directory, which fuzz.sh makes in
 * memory, and returns `name`. Ends the process where that fails. */
const char *pt_fuzz_file(const char *name, const uint8_t *bytes, size_t n);

/* A file name that no other process of the target uses: libFuzzer's -fork runs several.
 */
const char *pt_fuzz_own_name(void);

/* Opens a file of weights by its reader and reads every tensor that the table says can be
 * read; then opens it by content, as `ptrain predict` does: format, record, classes, and
 * the network that it names. */
void pt_fuzz_weights(pt_status (*reader)(const char *path, pt_table **out),
                     const char *path);

/* Between two inputs nothing of the HDF5 library may be open: neither objects of files
 * nor what was made on the way to them. */
void pt_fuzz_nothing_open(void);

#endif
