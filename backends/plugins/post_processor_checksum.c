/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"
#include "base/digest.h"

#define AT(member) .offset = offsetof(struct checksum_options, member)

static const struct plugin_option own[] = {
	{"checksum_types", OPTION_TEXTS, .fallback = "md5", AT(types),
		.help = "md5, sha1, sha224, sha256, sha384, sha512"},
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true,
		.fallback = "packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum",
		AT(output), .help = "the file that gets the sums"},
	{0},
};

static int check(struct json *options, struct error *err)
{
	const struct json *types = json_get(options, "checksum_types");

	for (size_t i = 0; i < json_count(types); i++) {
		const char *name = json_text(json_item(types, i), "");
		if (digest_kind_find(name) == DIGEST_KIND_COUNT)
			return fail(err, ERROR_CATALOG,
				"checksum_types: '%s' is none of md5, sha1, sha224, sha256, "
				"sha384, sha512",
				name);
	}
	return 0;
}

const struct plugin plugin_post_processor_checksum = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "checksum",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.check = check,
	.size = sizeof(struct checksum_options),
	.help = "a file of checksums beside the artifact",
};
