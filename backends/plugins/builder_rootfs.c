/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"
#include "base/text.h"

#define AT(member) .offset = offsetof(struct rootfs_options, member)

static const struct plugin_option own[] = {
	{"base", OPTION_TEXT, PATH_ROOT, .source_image = true, AT(base),
		.help = "what it starts from: scratch, the path or URL of a tar, oci:PATH, "
			"catalog:NAME"},
	{"base_checksum", OPTION_TEXT, AT(base_checksum),
		.help = "SHA-256 of that tar; needed for a URL"},
	{"format", OPTION_TEXT, .fallback = "tar.zst", AT(format),
		.help = "tar.zst: one compressed tar; oci: an OCI image layout, a layer a step"},
	{"network", OPTION_TEXT, .power = POWER_HOST_NETWORK, .fallback = "none", AT(network),
		.help = "what provisioners reach: none, or host"},
	{0},
};

static bool is_url(const char *base)
{
	return text_starts_with(base, "http://") || text_starts_with(base, "https://");
}

static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "base", .why = "scratch, a path, a URL, oci:PATH or catalog:NAME"},
	{RULE_CHOICE, "format", "tar.zst|oci"},
	{RULE_CHOICE, "network", "none|host"},
	{0},
};

static int check(struct json *options, struct error *err)
{
	const char *base = json_get_text(options, "base", "");

	if (is_url(base) && !*json_get_text(options, "base_checksum", ""))
		return fail(err, ERROR_CATALOG,
			"base_checksum is needed: a base from a URL needs the SHA-256 of its "
			"content");
	if (!is_url(base) && strstr(base, "://"))
		return fail(
			err, ERROR_CATALOG, "base: %s: only http and https URLs are fetched", base);
	return 0;
}

const struct plugin plugin_builder_rootfs = {
	.kind = PLUGIN_BUILDER,
	.name = "rootfs",
	.native = true,
	.own = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.check = check,
	.size = sizeof(struct rootfs_options),
	.help = "a root file system, built in namespaces without a hypervisor or container engine",
};
