/* Picture files of the formats beside JPEG (jpeg.c has that one): size and decoding. */
#include "worker/input/picture.h"

#include "tests/faults/fuzz/fuzz.h"

enum { PIXELS_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int height = 0, width = 0;
    char warning[PT_PICTURE_WARNING];
    pt_image im = {0};
    uint64_t sum = 0, most = 0;

    if (pt_picture_size(bytes, n, &height, &width) == PT_OK &&
        (int64_t)height * width > PIXELS_MAX)
        return 0; /* slow, and nothing new */
    if (pt_picture_decode(bytes, n, &im, warning) == PT_OK) {
        PT_CHECK(im.height == height && im.width == width, "%d x %d, not %d x %d",
                 im.height, im.width, height, width);
        most = (uint64_t)height * (uint64_t)width * 3;
        for (uint64_t i = 0; i < most; i++) sum += im.pixels[i];
        PT_CHECK(sum <= 255 * most, "pixels are not bytes"); /* each was looked at */
    } else {
        PT_CHECK(!im.pixels, "an image that failed is there");
    }
    pt_image_fini(&im);
    return 0;
}
