/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A directory catalog as Vagrant reads one: NAME/metadata.json lists the versions of the image that have Vagrant boxes, up to
 * the one that `current` names, so that Vagrant sees a version when its channel moves and none that was rolled back. Version N
 * is N.0.0 there. Source: Vagrant 2.3, lib/vagrant/box_metadata.rb and the documentation of boxes.
 */

#include "backends/catalog.h"

/*
 * Makes IMAGE/metadata.json (IMAGE is the image's open folder) what it should be now, lasting and by rename; none where no
 * version has a box. Doing it again does nothing; two at once do it one after the other.
 */
int box_catalog_update(
	struct job *job, int image, const struct catalog_place *place, struct error *err);
