/* usage: bench_crc32c
 *
 * GB/s of the checksum of messages, by instruction and by tables, over 64 MiB; medians of
 * nine alternating rounds. */
#include <stdint.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/comm/comm.h"
#include "tests/bench/measure.h"

enum { BYTES = 64 << 20, ROUNDS = 9 };

typedef uint32_t checksum(uint32_t crc, const void *data, size_t n);

static double seconds_of(checksum *f, const uint8_t *data, uint32_t *crc)
{
    double start = pt_cpu_clock();

    *crc = f(0, data, BYTES);
    return pt_cpu_clock() - start;
}

int main(void)
{
    uint8_t *data = malloc(BYTES);
    double fast[ROUNDS], plain[ROUNDS];

    if (!data) {
        fputs("bench_crc32c: out of memory\n", stderr);
        return 1;
    }
    memset(data, 7, BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t a, b;

        fast[i] = seconds_of(pt_crc32c, data, &a);
        plain[i] = seconds_of(pt_crc32c_portable, data, &b);
        if (a != b) {
            fputs("bench_crc32c: the two disagree\n", stderr);
            return 1;
        }
    }
    printf("in use %.1f GB/s, tables %.1f GB/s\n",
           BYTES / 1e9 / measure_median(fast, ROUNDS),
           BYTES / 1e9 / measure_median(plain, ROUNDS));
    free(data);
    return 0;
}
