/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct checksum_options, member)

static const struct plugin_option own[] = {
	{"checksum_types", OPTION_TEXTS, .fallback = "md5", AT(types),
		.help = "md5, sha1, sha224, sha256, sha384, sha512"},
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true,
		.fallback = "packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum",
		AT(output), .help = "the file that gets the sums"},
	{0},
};

static const struct plugin_rule rules[] = {
	{RULE_CHOICE, "checksum_types", "md5|sha1|sha224|sha256|sha384|sha512"},
	{0},
};

const struct plugin plugin_post_processor_checksum = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "checksum",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.size = sizeof(struct checksum_options),
	.help = "a file of checksums beside the artifact",
};
