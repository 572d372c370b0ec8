/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/groups.h"

/* Source: Packer 1.6.6 builder/null/config.go and communicator/config.go. */
static int check(struct json *options, struct error *err)
{
	const char *communicator = json_get_text(options, "communicator", "ssh");
	bool ssh = strcmp(communicator, "ssh") == 0, winrm = strcmp(communicator, "winrm") == 0;
	int ways = (*json_get_text(options, "ssh_password", "") != '\0') +
	           (*json_get_text(options, "ssh_private_key_file", "") != '\0') +
	           json_get_boolean(options, "ssh_agent_auth", false);

	if (strcmp(communicator, "none") == 0)
		return 0;
	if (!ssh && !winrm)
		return fail(err, ERROR_CATALOG, "communicator is ssh, winrm or none, not %s",
			communicator);
	if (!*json_get_text(options, ssh ? "ssh_host" : "winrm_host", ""))
		return fail(err, ERROR_CATALOG, "%s_host is missing", communicator);
	if (!*json_get_text(options, ssh ? "ssh_username" : "winrm_username", ""))
		return fail(err, ERROR_CATALOG, "%s_username is missing", communicator);
	if (ssh && ways == 0)
		return fail(err, ERROR_CATALOG,
			"one of ssh_password, ssh_private_key_file and ssh_agent_auth is needed");
	if (ssh && ways > 1)
		return fail(err, ERROR_CATALOG,
			"only one of ssh_password, ssh_private_key_file and ssh_agent_auth may be "
			"given");
	return 0;
}

static const char *unsupported(const struct json *options)
{
	if (strcmp(json_get_text(options, "communicator", "ssh"), "none") == 0)
		return NULL;
	return "the null builder reaches no machine yet: only communicator none is built natively";
}

const struct plugin plugin_builder_null = {
	.kind = PLUGIN_BUILDER,
	.name = "null",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){options_communicator, NULL},
	.check = check,
	.unsupported = unsupported,
	.help = "nothing: only provisioners and post-processors run",
};
