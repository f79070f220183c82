/* What the decoders of all formats have in common: how they are called, and what a file
 * may cost. */
#ifndef PT_WORKER_DECODER_H
#define PT_WORKER_DECODER_H

#include <stdbool.h>

#include "worker/input/image.h"

enum {
    PT_PICTURE_WARNING = 256,   /* bytes of a warning */
    PT_DECODER_MEMORY = 1 << 30 /* most bytes that a file may ask of its library */
};

/* Decodes a whole file in memory to RGB; the header of each format says how, and what is
 * refused. pt_decoder_run calls it: with *out empty and warning "", and releases *out
 * after a failure.
 *
 * size_only  reads the size in the header and no pixels; the rest of the file need not be
 *            there
 * warning    the first harmless one, "" if none [PT_PICTURE_WARNING bytes]
 *
 * PT_ERR_DATA with the reason. Any thread. */
typedef pt_status pt_decoder(const void *file, size_t bytes, bool size_only,
                             pt_image *out, char *warning);

/* warning: may be NULL. *out is empty after a failure. */
PT_MUST_USE pt_status pt_decoder_run(pt_decoder *decoder, const void *file, size_t bytes,
                                     bool size_only, pt_image *out, char *warning);

/* ---- for the decoders ------------------------------------------------------------- */

/* Keeps a library's message, or our own, where it is the first. */
void pt_decoder_warn(char *warning, const char *text);
/* Gray of 16 bits was above 255. */
void pt_decoder_warn_of_white(char *warning);

/* PT_ERR_DATA where a picture of this size needs `least` bytes of file and has fewer. */
PT_MUST_USE pt_status pt_decoder_check_fit(const pt_image *size, uint64_t least,
                                           size_t bytes);

/* The first letter of a library's message in our style: lower case, unless the word is a
 * name. */
char pt_decoder_first_letter(const char *text);

#endif
