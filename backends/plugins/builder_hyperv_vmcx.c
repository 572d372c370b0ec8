/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"

#include <string.h>

#include "backends/plugins/all.h"
#include "backends/plugins/hyperv.h"
#include "backends/plugins/rules.h"
#include "base/text.h"

static const struct plugin_option own[] = {
	{"clone_from_vmcx_path", OPTION_TEXT, PATH_ANY, .source_image = true},
	{"clone_from_vm_name", OPTION_TEXT},
	{"clone_from_snapshot_name", OPTION_TEXT},
	{"clone_all_snapshots", OPTION_BOOL},
	{"differencing_disk", OPTION_BOOL},
	{"copy_in_compare", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/hyperv/vmcx/builder.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_AT_MOST_ONE, "iso_url iso_urls"},
	{RULE_NEEDS, "iso_checksum", .when = "iso_url"},
	{RULE_NEEDS, "iso_checksum", .when = "iso_urls"},
	{RULE_IS, "iso_checksum", "checksum", .when = "iso_url"},
	{RULE_IS, "iso_checksum", "checksum", .when = "iso_urls"},
	{RULE_FORBIDS, "clone_from_vm_name",
		.why = "Packer asks PowerShell for that machine, and there is none on Linux"},
	{RULE_NEEDS, "clone_from_vmcx_path"},
	{0},
};

static int check(struct json *options, struct error *err)
{
	const char *path = json_get_text(options, "clone_from_vmcx_path", "");
	const char *dot = strrchr(path, '.');

	if (dot && text_equal_case(dot, ".vmcx") && !strstr(path, "Virtual Machines"))
		return fail(err, ERROR_CATALOG,
			"clone_from_vmcx_path: name the folder of the machine, not %s itself",
			path);
	return 0;
}

const struct plugin plugin_builder_hyperv_vmcx = {
	.kind = PLUGIN_BUILDER,
	.name = "hyperv-vmcx",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_hyperv, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_http,
		rules_hyperv, rules, NULL},
	.check = check,
};
