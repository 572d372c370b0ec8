/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What browsers do not show as what they do: a PPM file as a BMP file, pixel by pixel. */

#include "base/error.h"
#include "base/text.h"

/*
 * Adds to BITMAP the picture of PIXMAP, which is replaced by nothing: a stranger may have written it. Kind CATALOG: it is none, or not of
 * 8 bits a colour. Source: netpbm ppm(5); Microsoft's BITMAPINFOHEADER.
 */
int bitmap_from_pixmap(const struct text *pixmap, struct text *bitmap, struct error *err);
