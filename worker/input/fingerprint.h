/* Whether two machines decode pictures alike. */
#ifndef PT_WORKER_FINGERPRINT_H
#define PT_WORKER_FINGERPRINT_H

#include <stdint.h>

#include "common/base/status.h"

/* Where the pixels are Pillow's with libjpeg-turbo 2.1 (tests/oracle/fingerprint.py). */
enum { PT_INPUT_FINGERPRINT = 0x082b13a7 };

/* The CRC-32C of the pixels that this machine's libraries make of two pictures which the
 * program carries, a JPEG and a lossy WebP: these formats leave their decoders a choice
 * (another libjpeg, other pixels), the others have one answer. PT_ERR_DATA if one is
 * refused. */
PT_MUST_USE pt_status pt_input_fingerprint(uint32_t *crc);

#endif
