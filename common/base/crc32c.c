#include "common/base/crc32c.h"

#include <pthread.h>
#include <string.h>
#if defined __x86_64__
#include <nmmintrin.h>
#endif

enum { POLYNOMIAL = (int)0x82f63b78, LANE = 4096 };

static uint32_t table[8][256]; /* [k][b]: byte b followed by k zero bytes */
static uint32_t skip[4][256];  /* [k][b]: byte k of a register followed by LANE zeros */
static pthread_once_t made = PTHREAD_ONCE_INIT;

static uint32_t after_zeros(uint32_t crc, size_t n)
{
    for (size_t i = 0; i < n; i++) crc = table[0][crc & 255] ^ crc >> 8;
    return crc;
}

static void make(void)
{
    uint32_t bit[32]; /* a register with one bit set, LANE zeros later */

    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;

        for (int i = 0; i < 8; i++) c = c & 1 ? c >> 1 ^ (uint32_t)POLYNOMIAL : c >> 1;
        table[0][b] = c;
    }
    for (int b = 0; b < 256; b++)
        for (int k = 1; k < 8; k++) table[k][b] = after_zeros(table[k - 1][b], 1);
    for (int i = 0; i < 32; i++) bit[i] = after_zeros((uint32_t)1 << i, LANE);
    for (int k = 0; k < 4; k++)
        for (int b = 0; b < 256; b++)
            for (int i = 0; i < 8; i++)
                if (b >> i & 1) skip[k][b] ^= bit[8 * k + i];
}

static uint32_t by_tables(uint32_t c, const uint8_t *p, size_t n)
{
    for (; n >= 8; n -= 8, p += 8) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
             (uint32_t)p[3] << 24;
        c = table[7][c & 255] ^ table[6][c >> 8 & 255] ^ table[5][c >> 16 & 255] ^
            table[4][c >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
            table[0][p[7]];
    }
    for (; n > 0; n--, p++) c = table[0][(c ^ *p) & 255] ^ c >> 8;
    return c;
}

uint32_t pt_crc32c_portable(uint32_t crc, const void *data, size_t n)
{
    pthread_once(&made, make);
    return ~by_tables(~crc, data, n);
}

#if defined __x86_64__

static uint64_t word(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

static uint32_t over_lane(uint32_t c)
{
    return skip[0][c & 255] ^ skip[1][c >> 8 & 255] ^ skip[2][c >> 16 & 255] ^
           skip[3][c >> 24];
}

/* One instruction takes three cycles and another may start in each: three lanes of the
 * data are read side by side, and joined by the linearity of the checksum. */
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t a = crc;

    for (; n >= 3 * LANE; n -= 3 * LANE, p += 3 * LANE) {
        uint64_t b = 0, c = 0;

        for (size_t i = 0; i < LANE; i += 8) {
            a = _mm_crc32_u64(a, word(p + i));
            b = _mm_crc32_u64(b, word(p + LANE + i));
            c = _mm_crc32_u64(c, word(p + 2 * LANE + i));
        }
        a = over_lane(over_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    }
    for (; n >= 8; n -= 8, p += 8) a = _mm_crc32_u64(a, word(p));
    for (; n > 0; n--, p++) a = _mm_crc32_u8((uint32_t)a, *p);
    return (uint32_t)a;
}

uint32_t pt_crc32c(uint32_t crc, const void *data, size_t n)
{
    pthread_once(&made, make);
    return __builtin_cpu_supports("sse4.2") ? ~by_instruction(~crc, data, n)
                                            : ~by_tables(~crc, data, n);
}

#else

uint32_t pt_crc32c(uint32_t crc, const void *data, size_t n)
{
    return pt_crc32c_portable(crc, data, n);
}

#endif
