/* MATLAB 5 files, as far as Flower102 needs: one named array of numbers.
 *
 * Little-endian; arrays plain or compressed (miCOMPRESSED: zlib), of a numeric class,
 * with any stored number type (a double array of small integers is stored as bytes);
 * names and data as full or small elements. Not read: big-endian files, level 4, 7.3
 * (HDF5), complex and sparse arrays; each says so. Source: "MAT-File Format", The
 * MathWorks, level 5; method.md 2.1. */
#ifndef PT_LAUNCH_MATLAB_H
#define PT_LAUNCH_MATLAB_H

#include <stddef.h>

#include "common/base/status.h"

enum { PT_MATLAB_MAX_BYTES = 1 << 26 }; /* of a file, and of an inflated array */

/* All elements of the array `name` in column-major order: *out [*n] is malloc'd. A file
 * that is damaged anywhere before the array, or lacks it, is PT_ERR_DATA. Local. */
PT_MUST_USE pt_status pt_matlab_read(const char *path, const char *name, double **out,
                                     size_t *n);

#endif
