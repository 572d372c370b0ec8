/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Images and versions as people name them: NAME, REPOSITORY/NAME, and behind it @N or @CHANNEL. */

#include "reconciler/head.h"

/* An image that the store knows. CATALOG, with the nearest name, if none or several are called so. */
int lookup_image(
	struct head *head, const char *name, struct image_record *image, struct error *err);

struct version_name {
	struct image_record image;
	int64_t version; /* behind the @, or of the channel there; 0: neither was said */
};
void version_name_clear(struct version_name *name);
int lookup_version_name(
	struct head *head, const char *text, struct version_name *name, struct error *err);
/* "12"; CATALOG if it is no version's number. */
int lookup_read_number(const char *text, int64_t *version, struct error *err);
/* And its build. Where no version is said: the one that is live. */
int lookup_version(struct head *head, const char *text, struct version_name *name,
	struct build_record *build, struct error *err);
