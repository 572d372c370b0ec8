/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/groups.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/ssh_options.h"

static bool is_reached_by(const struct json *options, const char *communicator)
{
	return strcmp(json_get_text(options, "communicator", "ssh"), communicator) == 0;
}

/* Source: Packer 1.6.6 builder/null/config.go. */
static const struct plugin_rule rules[] = {
	{RULE_CHOICE, "communicator", "ssh|winrm|none",
		.why = "the null builder reaches a machine that is there"},
	{RULE_NEEDS, "ssh_host", .when = "communicator=|ssh"},
	{RULE_NEEDS, "winrm_host", .when = "communicator=winrm"},
	{RULE_ANY, "ssh_password ssh_private_key_file ssh_agent_auth", .when = "communicator=|ssh"},
	{RULE_ANY, "winrm_password ssh_private_key_file ssh_agent_auth",
		.when = "communicator=winrm"},
	{RULE_AT_MOST_ONE, "ssh_password ssh_private_key_file ssh_agent_auth",
		.when = "communicator!=none"},
	{0},
};

static const char *unsupported(const struct json *options)
{
	if (is_reached_by(options, "none"))
		return NULL;
	if (is_reached_by(options, "winrm"))
		return "kiln reaches no machine by WinRM: only communicator ssh and none are built "
		       "natively";
	return ssh_options_unsupported(options);
}

const struct plugin plugin_builder_null = {
	.kind = PLUGIN_BUILDER,
	.name = "null",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){options_communicator, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules, NULL},
	.unsupported = unsupported,
	.help = "nothing: only provisioners and post-processors run",
};
