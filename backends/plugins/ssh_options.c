/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 helper/communicator/config.go. */
#include "backends/plugins/ssh_options.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_MOST = 65535 };

static bool is_given(const struct json *options, const char *name)
{
	return *json_get_text(options, name, "") != '\0';
}

static bool is_port(int64_t port)
{
	return port >= 0 && port <= PORT_MOST;
}

/* Their form was looked at before: PORT:HOST:PORT. */
static bool are_tunnels(const struct json *tunnels)
{
	for (size_t i = 0; i < json_count(tunnels); i++) {
		const char *text = json_text(json_item(tunnels, i), "");
		const char *last = strrchr(text, ':');
		long from = strtol(text, NULL, 10), to = last ? strtol(last + 1, NULL, 10) : 0;
		if (from < 1 || from > PORT_MOST || to < 1 || to > PORT_MOST)
			return false;
	}
	return true;
}

const char *ssh_options_unsupported(const struct json *options)
{
	if (!is_port(json_get_integer(options, "ssh_port", 0)) ||
		!is_port(json_get_integer(options, "ssh_bastion_port", 0)) ||
		!is_port(json_get_integer(options, "ssh_proxy_port", 0)))
		return "ssh_port, ssh_bastion_port, ssh_proxy_port: a port is 1 to 65535";
	if (is_given(options, "ssh_bastion_host") && !is_given(options, "ssh_bastion_username"))
		return "ssh_bastion_username is missing";
	if (is_given(options, "ssh_certificate_file") ||
		is_given(options, "ssh_bastion_certificate_file"))
		return "libssh2 1.10 cannot log in with an SSH certificate";
	if (json_get_boolean(options, "ssh_bastion_interactive", false))
		return "ssh_bastion_interactive: nobody is there to be asked";
	if (!are_tunnels(json_get(options, "ssh_local_tunnels")) ||
		!are_tunnels(json_get(options, "ssh_remote_tunnels")))
		return "ssh_local_tunnels, ssh_remote_tunnels: a port is 1 to 65535";
	return NULL;
}

bool ssh_options_want_key(const struct json *options)
{
	return strcmp(json_get_text(options, "communicator", "ssh"), "ssh") == 0 &&
	       !is_given(options, "ssh_password") && !is_given(options, "ssh_private_key_file") &&
	       !json_get_boolean(options, "ssh_agent_auth", false);
}

const char *ssh_options_key_name(const struct json *options)
{
	return is_given(options, "temporary_key_pair_name")
	               ? json_get_text(options, "temporary_key_pair_name", "")
	               : "kiln-build";
}
