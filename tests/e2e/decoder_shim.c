/* Another libjpeg: its colours are not smoothed where there are fewer of them than
 * pixels. */
#include <stdio.h>

#include <dlfcn.h>
#include <jpeglib.h>

boolean jpeg_start_decompress(j_decompress_ptr c)
{
    boolean (*start)(j_decompress_ptr) =
        (boolean(*)(j_decompress_ptr))dlsym(RTLD_NEXT, "jpeg_start_decompress");

    c->do_fancy_upsampling = FALSE;
    return start(c);
}
