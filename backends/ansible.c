/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ansible.h"

#include <string.h>

#include "backends/builder.h"
#include "base/cleanup.h"

#define HOST_LINE                                                                             \
	"{{ .HostAlias }} ansible_host={{ .Host }} ansible_user={{ .User }} ansible_port={{ " \
	".Port }}\n"

enum { SSH_PORT = 22 };

int ansible_write_inventory(const struct ansible_inventory *inventory, struct json *data,
	struct text *out, struct error *err)
{
	const char *template = *inventory->template ? inventory->template : HOST_LINE;
	CLEANUP(text_clear) struct text line = {0};

	json_set_text(data, "HostAlias", inventory->alias);
	json_set_text(data, "Host", inventory->host);
	json_set_text(data, "User", inventory->user);
	json_set_integer(data, "Port", inventory->port);
	if (job_render(template, data, &line, err) < 0)
		return fail_while(err, "inventory_file_template");
	text_add(out, text_get(&line));
	for (size_t i = 0; i < json_count(inventory->groups); i++)
		text_addf(out, "[%s]\n%s", json_text(json_item(inventory->groups, i), ""),
			text_get(&line));
	for (size_t i = 0; i < json_count(inventory->empty_groups); i++)
		text_addf(out, "[%s]\n", json_text(json_item(inventory->empty_groups, i), ""));
	return 0;
}

/* A line of TEXT begins with WORD. */
static bool has_line(const char *text, const char *word)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (text_starts_with(line, word))
			return true;
	}
	return false;
}

void ansible_read_requirements(const char *requirements, bool *roles, bool *collections)
{
	*collections = has_line(requirements, "collections:");
	*roles = has_line(requirements, "roles:") || !*collections;
}

void ansible_write_known_hosts(const struct communicator_address *address, struct text *out)
{
	if (address->port == SSH_PORT)
		text_addf(out, "%s %s\n", address->host, address->host_key);
	else
		text_addf(out, "[%s]:%d %s\n", address->host, address->port, address->host_key);
}

void ansible_write_ssh_config(
	const struct communicator_address *address, const char *folder, struct text *out)
{
	text_addf(out,
		"UserKnownHostsFile %s/known_hosts\n"
		"GlobalKnownHostsFile /dev/null\n"
		"StrictHostKeyChecking yes\n"
		"UpdateHostKeys no\n"
		"ForwardAgent no\n"
		"IdentitiesOnly yes\n",
		folder);
	for (size_t i = 0; i < address->private_keys->count; i++)
		text_addf(out, "IdentityFile %s/key%zu\n", folder, i);
}

void ansible_write_askpass(const char *password, struct text *out)
{
	autofree char *escaped = text_replace(password, strlen(password), "'", "'\\''", NULL);

	text_addf(out, "#!/bin/sh\nprintf '%%s\\n' '%s'\n", escaped);
}
