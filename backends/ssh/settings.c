/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 helper/communicator/config.go. */
#include "backends/ssh/ssh.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { PORT = 22, PROXY_PORT = 1080, ATTEMPTS = 10, KEY_SIZE_MOST = 64 * 1024 };
#define SECONDS_NSEC ((int64_t)1000 * 1000 * 1000)

/* ---- reading ---- */

/* NULL where it is not given; the caller frees. */
static char *read_text(const struct json *options, const char *name)
{
	const char *text = json_get_text(options, name, "");

	return *text ? memory_copy_text(text) : NULL;
}

/* 0 is what an option has that nobody gave. */
static int64_t read_number(const struct json *options, const char *name, int64_t fallback)
{
	int64_t number = json_get_integer(options, name, 0);

	return number ? number : fallback;
}

static char *read_list(const struct json *options, const char *name)
{
	CLEANUP(strings_clear) struct strings list = {0};

	json_get_texts(options, name, &list);
	return list.count ? strings_join(&list, ",") : NULL;
}

static int read_key(struct job *job, const struct json *options, const char *name,
	struct strings *keys, struct error *err)
{
	const char *path = json_get_text(options, name, "");
	CLEANUP(text_clear) struct text content = {0};

	if (!*path)
		return 0;
	autoclose int fd = job_open_path(job, path, O_RDONLY, 0, err);
	if (fd < 0 || file_read_fd(fd, KEY_SIZE_MOST, &content, err) < 0)
		return fail_while(err, "%s", name);
	strings_add_taken(keys, text_take(&content));
	return 0;
}

static int read_bastion(
	struct job *job, const struct json *options, struct ssh_host *bastion, struct error *err)
{
	bool own_key = *json_get_text(options, "ssh_bastion_private_key_file", "");

	bastion->host = read_text(options, "ssh_bastion_host");
	if (!bastion->host)
		return 0;
	bastion->port = (int)read_number(options, "ssh_bastion_port", PORT);
	bastion->identity.username = read_text(options, "ssh_bastion_username");
	bastion->identity.password = read_text(options, "ssh_bastion_password");
	bastion->identity.agent = json_get_boolean(options, "ssh_bastion_agent_auth", false);
	return read_key(job, options,
		own_key ? "ssh_bastion_private_key_file" : "ssh_private_key_file",
		&bastion->identity.private_keys, err);
}

static void read_connection(const struct json *options, struct ssh_settings *settings)
{
	int64_t timeout = json_get_integer(options, "ssh_wait_timeout", 0);

	settings->handshake_attempts =
		(int)read_number(options, "ssh_handshake_attempts", ATTEMPTS);
	settings->timeout_nsec =
		read_number(options, "ssh_timeout", timeout ? timeout : 5 * 60 * SECONDS_NSEC);
	settings->pause_nsec = json_get_integer(options, "pause_before_connecting", 0);
	settings->keep_alive_nsec =
		read_number(options, "ssh_keep_alive_interval", 5 * SECONDS_NSEC);
	settings->read_write_timeout_nsec = json_get_integer(options, "ssh_read_write_timeout", 0);
	settings->pty = json_get_boolean(options, "ssh_pty", false);
	settings->sftp =
		strcmp(json_get_text(options, "ssh_file_transfer_method", "scp"), "sftp") == 0;
	settings->ciphers = read_list(options, "ssh_ciphers");
	settings->exchanges = read_list(options, "ssh_key_exchange_algorithms");
	settings->proxy_host = read_text(options, "ssh_proxy_host");
	settings->proxy_port = (int)read_number(options, "ssh_proxy_port", PROXY_PORT);
	settings->proxy_username = read_text(options, "ssh_proxy_username");
	settings->proxy_password = read_text(options, "ssh_proxy_password");
}

/* Their form was checked with the template's. */
static int read_tunnels(const struct json *options, const char *name, struct ssh_tunnels *tunnels,
	struct error *err)
{
	CLEANUP(strings_clear) struct strings list = {0};

	json_get_texts(options, name, &list);
	strings_each (text, &list) {
		const char *host = strchr(text, ':'), *to = strrchr(text, ':');
		if (!host || to == host)
			return fail(
				err, ERROR_CATALOG, "%s: \"%s\" is not PORT:HOST:PORT", name, text);
		host += host[1] == '[' ? 2 : 1;
		MEMORY_GROW(tunnels->items, tunnels->count, tunnels->room);
		tunnels->items[tunnels->count++] = (struct ssh_tunnel){.port = atoi(text),
			.to_port = atoi(to + 1),
			.host = memory_copy_bytes(host, to - host - (to[-1] == ']'))};
	}
	return 0;
}

int ssh_settings_read(struct job *job, const struct json *options, struct ssh_settings *settings,
	struct error *err)
{
	CLEANUP(ssh_settings_clear) struct ssh_settings made = {0};
	struct ssh_host *target = &made.target;

	target->host = read_text(options, "ssh_host");
	target->port = (int)read_number(options, "ssh_port", PORT);
	target->identity.username = read_text(options, "ssh_username");
	target->identity.password = read_text(options, "ssh_password");
	target->identity.agent = json_get_boolean(options, "ssh_agent_auth", false);
	read_connection(options, &made);
	if (read_key(job, options, "ssh_private_key_file", &target->identity.private_keys, err) <
			0 ||
		read_bastion(job, options, &made.bastion, err) < 0 ||
		read_tunnels(options, "ssh_local_tunnels", &made.local_tunnels, err) < 0 ||
		read_tunnels(options, "ssh_remote_tunnels", &made.remote_tunnels, err) < 0)
		return -1;
	*settings = made;
	made = (struct ssh_settings){0};
	return 0;
}

/* ---- clearing ---- */

static void clear_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void clear_host(struct ssh_host *host)
{
	strings_each (key, &host->identity.private_keys)
		explicit_bzero(key, strlen(key));
	strings_clear(&host->identity.private_keys);
	clear_secret(host->identity.password);
	free(host->identity.username);
	free(host->host);
	free(host->host_key);
}

static void clear_tunnels(struct ssh_tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++)
		free(tunnels->items[i].host);
	free(tunnels->items);
}

void ssh_settings_clear(struct ssh_settings *settings)
{
	clear_host(&settings->target);
	clear_host(&settings->bastion);
	free(settings->proxy_host);
	free(settings->proxy_username);
	clear_secret(settings->proxy_password);
	free(settings->ciphers);
	free(settings->exchanges);
	clear_tunnels(&settings->local_tunnels);
	clear_tunnels(&settings->remote_tunnels);
	*settings = (struct ssh_settings){0};
}
