/* Colours and dashes of methods: a method keeps its colour from page to page, whatever it
 * is compared with, unless two methods of a block would have the same. Pure. */
#ifndef PT_LAUNCH_REPORT_STYLES_H
#define PT_LAUNCH_REPORT_STYLES_H

#include "launch/report/block.h"

/* k0..k7 and d0..d4 of page.css; k0 is plain. A style is colour + PT_COLOURS * dash. */
enum { PT_COLOURS = 8, PT_DASHES = 5, PT_STYLE_CLASS = 16 };

/* Sets the style of each method. From PT_COLOURS * PT_DASHES methods on some are equal.
 */
void pt_styles_assign(pt_block *b);

/* "k3 d0". */
void pt_style_class(int style, char out[PT_STYLE_CLASS]);

#endif
