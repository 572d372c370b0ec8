/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How templates and commands name an image of the catalog. */

#include <stdbool.h>
#include <stdint.h>

/* catalog:NAME, NAME@CHANNEL, NAME@N taken apart: *VERSION is 0 and *CHANNEL NULL where not given. */
struct image_reference {
	char *image, *channel;
	int64_t version;
};
/* TEXT without "catalog:". False if it is not of the form. */
bool image_reference_parse(const char *text, struct image_reference *reference);
void image_reference_clear(struct image_reference *reference);
