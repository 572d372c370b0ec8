/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML that strangers wrote, as a tree of lists, objects and texts. libyaml reads it event by event; how deep it goes and
 * how much comes of it, aliases counted by what they stand for, is bounded here.
 */

#include "base/error.h"
#include "base/json.h"

enum {
	YAML_SIZE_MOST = 4 * 1024 * 1024,
	YAML_DEPTH_MOST = 100,
	YAML_NODES_MOST = 200 * 1000,
};

/*
 * The documents of TEXT as a list that the caller owns. Every scalar is a text, whatever its tag, and null an empty one; of
 * equal keys the last counts; `<<` is merged; what has no scalar as its key is left out. Errors: CATALOG, "NAME:LINE:COLUMN: what".
 */
int yaml_parse(const char *name, const char *text, size_t size, struct json **documents,
	struct error *err);

/* As YAML 1.1 has it: yes, true, on, y, 1. */
bool yaml_is_true(const struct json *value);
