/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/groups.h"
#include "backends/plugins/ssh_options.h"

static bool is_reached_by(const struct json *options, const char *communicator)
{
	return strcmp(json_get_text(options, "communicator", "ssh"), communicator) == 0;
}

static int check_winrm(const struct json *options, struct error *err)
{
	if (!*json_get_text(options, "winrm_host", ""))
		return fail(err, ERROR_CATALOG, "winrm_host is missing");
	if (!*json_get_text(options, "winrm_username", ""))
		return fail(err, ERROR_CATALOG, "winrm_username is missing");
	return 0;
}

/* Source: Packer 1.6.6 builder/null/config.go and communicator/config.go. */
static int check(struct json *options, struct error *err)
{
	int ways = (*json_get_text(options, "ssh_password", "") != '\0') +
	           (*json_get_text(options, "ssh_private_key_file", "") != '\0') +
	           json_get_boolean(options, "ssh_agent_auth", false);

	if (is_reached_by(options, "none"))
		return 0;
	if (is_reached_by(options, "winrm"))
		return check_winrm(options, err);
	if (!is_reached_by(options, "ssh"))
		return fail(err, ERROR_CATALOG, "communicator is ssh, winrm or none, not %s",
			json_get_text(options, "communicator", ""));
	if (ssh_options_check(options, false, err) < 0)
		return -1;
	if (ways == 0)
		return fail(err, ERROR_CATALOG,
			"one of ssh_password, ssh_private_key_file and ssh_agent_auth is needed");
	if (ways > 1)
		return fail(err, ERROR_CATALOG,
			"only one of ssh_password, ssh_private_key_file and ssh_agent_auth may be "
			"given");
	return 0;
}

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
	.check = check,
	.unsupported = unsupported,
	.help = "nothing: only provisioners and post-processors run",
};
