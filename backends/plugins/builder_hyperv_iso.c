/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/hyperv.h"

#include <string.h>

#include "base/text.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"disk_size", OPTION_UNSIGNED},
	{"use_legacy_network_adapter", OPTION_BOOL},
	{"differencing_disk", OPTION_BOOL},
	{"use_fixed_vhd_format", OPTION_BOOL},
	{0},
};

enum { DISK_MIB_LEAST = 256, DISK_MIB_MOST = 64 * 1024 * 1024, FIXED_DISK_MIB_MOST = 2040 * 1024 };

/* disk_size counts unless the first image is a disk itself. */
static int check(struct json *options, struct error *err)
{
	const char *first = json_text(json_item(json_get(options, "iso_urls"), 0), "");
	const char *url = json_get_text(options, "iso_url", first), *dot = strrchr(url, '.');
	int64_t size = json_get_integer(options, "disk_size", DISK_MIB_LEAST);
	int64_t most = json_get_boolean(options, "use_fixed_vhd_format", false)
	                       ? FIXED_DISK_MIB_MOST
	                       : DISK_MIB_MOST;

	if (dot && (text_equal_case(dot, ".vhd") || text_equal_case(dot, ".vhdx")))
		return 0;
	if (size < DISK_MIB_LEAST || size > most)
		return fail(err, ERROR_CATALOG, "disk_size is %d to %lld, not %lld", DISK_MIB_LEAST,
			(long long)most, (long long)size);
	return 0;
}

/* Source: Packer 1.6.6 builder/hyperv/iso/builder.go and builder/hyperv/common/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_FORBIDS, "use_legacy_network_adapter", .when = "generation=2"},
	{RULE_FORBIDS, "use_fixed_vhd_format", .when = "generation=2"},
	{RULE_NEEDS, "skip_compaction", .when = "use_fixed_vhd_format",
		.why = "a fixed disk cannot be compacted"},
	{RULE_FORBIDS, "differencing_disk", .when = "use_fixed_vhd_format"},
	{0},
};

const struct plugin plugin_builder_hyperv_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "hyperv-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_hyperv, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_iso, rules_boot,
		rules_http, rules_hyperv, rules, NULL},
	.check = check,
};
