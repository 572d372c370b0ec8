/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 helper/communicator/config.go. */
#include "backends/plugins/ssh_options.h"

#include <string.h>

enum { PORT_MOST = 65535 };

static bool is_given(const struct json *options, const char *name)
{
	return *json_get_text(options, name, "") != '\0';
}

static int check_ports(const struct json *options, struct error *err)
{
	static const char *const names[] = {"ssh_port", "ssh_bastion_port", "ssh_proxy_port"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int64_t port = json_get_integer(options, names[i], 0);
		if (port < 0 || port > PORT_MOST)
			return fail(err, ERROR_CATALOG, "%s: %lld is no port", names[i],
				(long long)port);
	}
	return 0;
}

static int check_detours(const struct json *options, struct error *err)
{
	if (!is_given(options, "ssh_bastion_host"))
		return 0;
	if (is_given(options, "ssh_proxy_host"))
		return fail(err, ERROR_CATALOG,
			"ssh_bastion_host and ssh_proxy_host are both given: one is the way");
	if (!is_given(options, "ssh_bastion_username"))
		return fail(err, ERROR_CATALOG, "ssh_bastion_username is missing");
	if (!json_get_boolean(options, "ssh_bastion_agent_auth", false) &&
		!is_given(options, "ssh_bastion_password") &&
		!is_given(options, "ssh_bastion_private_key_file") &&
		!is_given(options, "ssh_private_key_file"))
		return fail(err, ERROR_CATALOG,
			"the bastion needs ssh_bastion_password, ssh_bastion_private_key_file or "
			"ssh_bastion_agent_auth");
	return 0;
}

int ssh_options_check(const struct json *options, bool own_host, struct error *err)
{
	const char *method = json_get_text(options, "ssh_file_transfer_method", "");

	if (!own_host && !is_given(options, "ssh_host"))
		return fail(err, ERROR_CATALOG, "ssh_host is missing");
	if (!is_given(options, "ssh_username"))
		return fail(err, ERROR_CATALOG, "ssh_username is missing");
	if (*method && strcmp(method, "scp") != 0 && strcmp(method, "sftp") != 0)
		return fail(err, ERROR_CATALOG, "ssh_file_transfer_method is scp or sftp, not %s",
			method);
	return check_ports(options, err) < 0 ? -1 : check_detours(options, err);
}

const char *ssh_options_unsupported(const struct json *options)
{
	if (is_given(options, "ssh_certificate_file") ||
		is_given(options, "ssh_bastion_certificate_file"))
		return "libssh2 1.10 cannot log in with an SSH certificate";
	if (json_get_boolean(options, "ssh_bastion_interactive", false))
		return "ssh_bastion_interactive: nobody is there to be asked";
	if (json_count(json_get(options, "ssh_local_tunnels")) ||
		json_count(json_get(options, "ssh_remote_tunnels")))
		return "ssh_local_tunnels and ssh_remote_tunnels are not built yet";
	return NULL;
}
