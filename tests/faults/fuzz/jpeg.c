/* JPEG files on a worker's way: size, decoding, the test view and training views. The
 * last bytes of a file, which decoders mostly do not look at, choose among the views. */
#include "worker/input/jpeg.h"

#include "tests/faults/fuzz/fuzz.h"
#include "worker/input/augment.h"

enum { CROP = 32, PIXELS_MAX = 1 << 22 };

static void views(const pt_image *im, unsigned choice)
{
    static float out[CROP * CROP * 3];
    pt_augment a = {.resize_mode = (pt_resize_mode)(choice % 3),
                    .resize = 1 + (int)(choice / 3 % 80),
                    .crop = CROP,
                    .train_crop = (pt_crop_mode)(choice / 7 % 3),
                    .pad = (int)(choice / 11 % 8),
                    .min_area = 0.08f,
                    .flip = true,
                    .preprocess = pt_preprocess_imagenet};

    for (uint64_t sample = 0; sample < 2; sample++)
        if (pt_augment_train(&a, im, 1, choice, sample, out) != PT_OK) break;
    if (pt_augment_test(&a, im, out) != PT_OK) return;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    unsigned choice = n > 1 ? bytes[n - 1] + 256u * bytes[n - 2] : 0;
    char warning[PT_PICTURE_WARNING];
    pt_image im, size;

    if (pt_decoder_run(pt_jpeg_decode, bytes, n, true, &size, NULL) == PT_OK &&
        (int64_t)size.height * size.width > PIXELS_MAX)
        return 0; /* slow, and nothing new */
    if (pt_decoder_run(pt_jpeg_decode, bytes, n, false, &im, warning) == PT_OK) {
        PT_CHECK(im.height == size.height && im.width == size.width,
                 "%d x %d, not %d x %d", im.height, im.width, size.height, size.width);
        views(&im, choice);
    } else {
        PT_CHECK(!im.pixels, "an image that failed is there");
    }
    pt_image_fini(&im);
    return 0;
}
