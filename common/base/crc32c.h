/* CRC32C (Castagnoli), the checksum of messages, checkpoint files and packed images: RFC
 * 3720, appendix B.4. The instruction of SSE4.2 where the CPU has it, tables elsewhere.
 */
#ifndef PT_COMMON_BASE_CRC32C_H
#define PT_COMMON_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of data [n bytes] that continues one whose checksum is `crc` (0 = starts).
 * Local; cannot fail; any thread. */
uint32_t pt_crc32c(uint32_t crc, const void *data, size_t n);

/* The same from tables alone, for tests. */
uint32_t pt_crc32c_portable(uint32_t crc, const void *data, size_t n);

#endif
