#include "worker/input/webp.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static const char *reason(VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "premature end of WebP file";
    case VP8_STATUS_OUT_OF_MEMORY:
        return "no memory to decode";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "a feature of WebP that is not supported";
    default:
        return "corrupt WebP data";
    }
}

static pt_status refuse(VP8StatusCode code)
{
    return pt_fail(code == VP8_STATUS_OUT_OF_MEMORY ? PT_ERR_NOMEM : PT_ERR_DATA, "%s",
                   reason(code));
}

/* The header says how long the file is: that many bytes have to be there. */
static pt_status check_length(const uint8_t *file, size_t bytes)
{
    uint32_t n = 0;

    if (bytes < 12) return refuse(VP8_STATUS_NOT_ENOUGH_DATA);
    for (int i = 3; i >= 0; i--) n = n << 8 | file[4 + i];
    return n > bytes - 8 ? refuse(VP8_STATUS_NOT_ENOUGH_DATA) : PT_OK;
}

static pt_status read_header(const void *file, size_t bytes, WebPBitstreamFeatures *f)
{
    VP8StatusCode code;
    pt_status s = check_length(file, bytes);

    if (s != PT_OK) return s;
    code = WebPGetFeatures(file, bytes, f);
    return code != VP8_STATUS_OK ? refuse(code) : pt_image_check(f->height, f->width);
}

static pt_status read_still(const void *file, size_t bytes, pt_image *im)
{
    WebPDecoderConfig c;
    VP8StatusCode code;

    if (!WebPInitDecoderConfig(&c)) return pt_fail(PT_ERR_BUG, "libwebp is another one");
    c.output.colorspace = MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = im->pixels;
    c.output.u.RGBA.stride = im->width * 3;
    c.output.u.RGBA.size = (size_t)im->width * (size_t)im->height * 3;
    code = WebPDecode(file, bytes, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK ? PT_OK : refuse(code);
}

/* The frame on its canvas, as libwebp composes it. */
static pt_status read_first_frame(const void *file, size_t bytes, pt_image *im)
{
    WebPData data = {file, bytes};
    WebPAnimDecoderOptions o;
    WebPAnimDecoder *d;
    pt_status s = PT_OK;
    uint8_t *rgba;
    int ms;

    if (!WebPAnimDecoderOptionsInit(&o))
        return pt_fail(PT_ERR_BUG, "libwebp is another one");
    o.color_mode = MODE_RGBA;
    d = WebPAnimDecoderNew(&data, &o);
    if (!d || !WebPAnimDecoderGetNext(d, &rgba, &ms)) {
        s = pt_fail(PT_ERR_DATA, "the animation has no frame that can be read");
    } else {
        for (size_t i = 0, n = (size_t)im->width * (size_t)im->height; i < n; i++)
            memcpy(im->pixels + 3 * i, rgba + 4 * i, 3);
    }
    WebPAnimDecoderDelete(d);
    return s;
}

pt_status pt_webp_decode(const void *file, size_t bytes, bool size_only, pt_image *out,
                         char *warning)
{
    WebPBitstreamFeatures f = {0};
    pt_status s = read_header(file, bytes, &f);

    out->height = f.height;
    out->width = f.width;
    if (s != PT_OK || size_only) return s;
    s = pt_image_create(f.height, f.width, out);
    if (s != PT_OK) return s;
    return f.has_animation ? read_first_frame(file, bytes, out)
                           : read_still(file, bytes, out);
}
