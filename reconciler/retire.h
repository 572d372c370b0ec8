/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Taking versions out of the catalogs because somebody ordered it: one, or all of an image that is given up. */

#include "reconciler/errand.h"

/*
 * VERSION 0: the whole image, its channels first. What somebody holds or is built on stays, which is an error. CLIENT may
 * be NULL. Takes over IMAGE.
 */
int retire_begin(struct loop *loop, struct head *head, struct client *client,
	struct image_record *image, int64_t version, struct error *err);
