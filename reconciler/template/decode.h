/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From what a template says to what a plugin gets: strings rendered, types made to fit as Packer makes them fit ("5" is
 * 5, "a,b" is two texts), unknown options found, defaults filled in.
 * Source: Packer 1.6.6 helper/config/decode.go, mapstructure's WeaklyTypedInput.
 */

#include "reconciler/template/interpolation.h"
#include "reconciler/template/template.h"

/*
 * The options of PART in a build whose raw builder name is BUILDER (which chooses the override). Typed, named as the
 * table names them; an option that has its type's zero value is left out. Of a plugin that has no table (PLUGIN is NULL)
 * everything is kept as it was rendered. NULL if anything is wrong: each thing is added to PROBLEMS with file, line, part
 * and option. With an environment in CONTEXT it is also demanded what the environment may give.
 */
struct json *decode_part(const struct template *template, const struct template_part *part,
	const struct plugin *plugin, const char *builder, const struct interpolation *context,
	struct strings *problems);

/* One value by the rules of TYPE; *RESULT is NULL for the type's zero. The error says only what is wrong with it. */
int decode_value(
	enum option_type type, const struct json *value, struct json **result, struct error *err);
