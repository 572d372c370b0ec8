/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "reconciler/git/fetch/url.h"

#define AT(member) offsetof(struct service_credentials, member)

/* One row a key: how it is read, and with which schemes it means something. */
static const struct {
	struct setting setting;
	bool https, ssh;
} keys[] = {
	{{"username", SETTING_TEXT, AT(username)}, .https = true, .ssh = true},
	{{"password_file", SETTING_FILE, AT(password_file)}, .https = true},
	{{"token_file", SETTING_FILE, AT(token_file)}, .https = true},
	{{"certificate_file", SETTING_FILE, AT(certificate_file)}, .https = true},
	{{"key_file", SETTING_FILE, AT(key_file)}, .https = true},
	{{"ca_file", SETTING_FILE, AT(ca_file)}, .https = true},
	{{"ssh_key_file", SETTING_FILE, AT(ssh_key_file)}, .ssh = true},
	{{"passphrase_file", SETTING_FILE, AT(passphrase_file)}, .https = true, .ssh = true},
	{{"ssh_agent", SETTING_BOOLEAN, AT(ssh_agent)}, .ssh = true},
	{{"known_hosts_file", SETTING_FILE, AT(known_hosts_file)}, .ssh = true},
};
enum { KEY_COUNT = sizeof(keys) / sizeof(*keys) };

int credentials_read(struct settings_reader *reader, const struct json *object,
	struct service_credentials **credentials)
{
	struct setting table[KEY_COUNT + 1] = {0};

	for (size_t i = 0; i < KEY_COUNT; i++)
		table[i] = keys[i].setting;
	credentials_free(*credentials);
	*credentials = memory_new(sizeof(**credentials));
	return settings_read(reader, object, table, *credentials);
}

static char *text_of(const struct service_credentials *credentials, size_t row)
{
	return *(char **)((char *)credentials + keys[row].setting.offset);
}

static bool is_given(const struct service_credentials *credentials, size_t row)
{
	if (keys[row].setting.type == SETTING_BOOLEAN)
		return *(bool *)((char *)credentials + keys[row].setting.offset);
	return text_of(credentials, row);
}

void credentials_free(struct service_credentials *credentials)
{
	if (!credentials)
		return;
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].setting.type != SETTING_BOOLEAN)
			free(text_of(credentials, i));
	free(credentials);
}

static const char *check_https(const struct service_credentials *c, const char **key)
{
	if (c->password_file && c->token_file)
		return *key = "token_file", "and password_file: give one of the two";
	if (!c->certificate_file != !c->key_file)
		return *key = c->key_file ? "key_file" : "certificate_file",
		       "a client certificate needs both, certificate_file and key_file";
	if (c->passphrase_file && !c->key_file)
		return *key = "passphrase_file", "needs the key_file that it opens";
	if (c->username && !c->password_file && !c->token_file)
		return *key = "username", "needs password_file or token_file";
	return NULL;
}

static const char *check_ssh(const struct service_credentials *c, const char **key)
{
	if (!c || !c->known_hosts_file)
		return "ssh needs credentials.known_hosts_file, a file with the host's key: "
		       "without it "
		       "anybody in between could be the host (ssh-keyscan HOST shows the key)";
	if (!c->ssh_key_file && !c->ssh_agent)
		return "ssh needs credentials.ssh_key_file, or credentials.ssh_agent";
	if (c->passphrase_file && !c->ssh_key_file)
		return *key = "passphrase_file", "needs the ssh_key_file that it opens";
	return NULL;
}

const char *credentials_check(const struct service_credentials *credentials,
	const struct remote_url *url, const char **key)
{
	bool https = url->scheme == REMOTE_HTTPS, ssh = url->scheme == REMOTE_SSH;

	*key = NULL;
	for (size_t i = 0; credentials && i < KEY_COUNT; i++) {
		if (!is_given(credentials, i))
			continue;
		*key = keys[i].setting.name;
		if (url->scheme == REMOTE_HTTP || url->scheme == REMOTE_GIT)
			return "nothing secret goes over http and git, which anybody can read: use "
			       "https or ssh";
		if (url->scheme == REMOTE_FILE)
			return "a repository of this machine needs no credentials";
		if (https && !keys[i].https)
			return "means nothing for https";
		if (ssh && !keys[i].ssh)
			return "means nothing for ssh";
	}
	*key = NULL;
	if (ssh)
		return check_ssh(credentials, key);
	return https && credentials ? check_https(credentials, key) : NULL;
}

struct json *credentials_to_json(const struct service_credentials *credentials)
{
	struct json *object;

	if (!credentials)
		return NULL;
	object = json_new_object();
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!is_given(credentials, i))
			continue;
		if (keys[i].setting.type == SETTING_BOOLEAN)
			json_set_bool(object, keys[i].setting.name, true);
		else
			json_set_text(object, keys[i].setting.name, text_of(credentials, i));
	}
	return object;
}
