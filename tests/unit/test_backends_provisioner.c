/* SPDX-License-Identifier: Apache-2.0 */
/* What provisioners send, as texts: ansible's files, PowerShell's words. */
#include "backends/ansible.h"
#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/windows.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "tests/unit/check.h"

static struct json *parse(const char *text)
{
	struct json *value = NULL;
	struct error err;

	json_parse_bytes(text, strlen(text), &value, &err);
	return value;
}

static void writes_inventories(void)
{
	autojson struct json *data = json_new_object();
	autojson struct json *groups = parse("[\"web\",\"db\"]"), *empty = parse("[\"none\"]");
	struct ansible_inventory inventory = {.template = "",
		.alias = "default",
		.host = "192.0.2.1",
		.user = "me",
		.port = 2222,
		.groups = groups,
		.empty_groups = empty};
	CLEANUP(text_clear) struct text usual = {0}, own = {0}, bad = {0};
	struct error err;

#define LINE "default ansible_host=192.0.2.1 ansible_user=me ansible_port=2222\n"
	CHECK(ansible_write_inventory(&inventory, data, &usual, &err) == 0, "an inventory");
	CHECK_TEXT(text_get(&usual), LINE "[web]\n" LINE "[db]\n" LINE "[none]\n",
		"has the host, in its groups, and groups without one");
	inventory.template = "{{.HostAlias}}={{.User}}@{{.Host}}:{{.Port}}";
	inventory.groups = inventory.empty_groups = NULL;
	ansible_write_inventory(&inventory, data, &own, &err);
	CHECK_TEXT(text_get(&own), "default=me@192.0.2.1:2222", "or what its template says");
	inventory.template = "{{.Host";
	CHECK(ansible_write_inventory(&inventory, data, &bad, &err) < 0 &&
			strstr(err.text, "inventory_file_template"),
		"a bad one is named");
}

static void requires(const char *text, bool wanted_roles, bool wanted_collections)
{
	bool roles, collections;

	ansible_read_requirements(text, &roles, &collections);
	CHECK(roles == wanted_roles && collections == wanted_collections,
		"requirements: roles %d, collections %d", wanted_roles, wanted_collections);
}

static void reaches_hosts(void)
{
	CLEANUP(strings_clear) struct strings keys = {0};
	CLEANUP(text_clear) struct text odd = {0}, usual = {0}, config = {0}, askpass = {0};
	struct communicator_address address = {.host = "h",
		.user = "u",
		.port = 2222,
		.host_key = "ssh-ed25519 AAAA",
		.private_keys = &keys};

	strings_add(&keys, "first");
	strings_add(&keys, "second");
	ansible_write_known_hosts(&address, &odd);
	CHECK_TEXT(text_get(&odd), "[h]:2222 ssh-ed25519 AAAA\n", "a host with a port of its own");
	address.port = 22;
	ansible_write_known_hosts(&address, &usual);
	CHECK_TEXT(text_get(&usual), "h ssh-ed25519 AAAA\n", "and with the usual one");
	ansible_write_ssh_config(&address, "/f", &config);
	CHECK(strstr(text_get(&config), "StrictHostKeyChecking yes\n") &&
			strstr(text_get(&config), "UserKnownHostsFile /f/known_hosts\n") &&
			strstr(text_get(&config), "IdentityFile /f/key0\nIdentityFile /f/key1\n"),
		"its key is checked, and all our keys are tried");
	ansible_write_askpass("it's $x", &askpass);
	CHECK_TEXT(text_get(&askpass), "#!/bin/sh\nprintf '%s\\n' 'it'\\''s $x'\n",
		"a password is said as it is");
}

static void speaks_powershell(void)
{
	CLEANUP(text_clear) struct text escaped = {0}, command = {0};
	const char *const prefix = "powershell.exe -EncodedCommand ";
	size_t size = 0;

	windows_escape("a$b\"c`d'e\\f", &escaped);
	CHECK_TEXT(text_get(&escaped), "a`$b`\"c``d`'e\\f", "special characters are escaped");
	windows_encode_command("ab", &command);
	const char *encoded = text_get(&command) + strlen(prefix);
	autofree unsigned char *bytes = base64_decode(encoded, strlen(encoded), &size);
	CHECK(text_starts_with(text_get(&command), prefix) && size == 4 &&
			memcmp(bytes, "a\0b\0", 4) == 0,
		"a command is encoded in UTF-16, little end first");
}

static const char *execute_command_of(const char *text, struct json **options)
{
	struct error err;

	*options = parse(text);
	plugin_provisioner_powershell.check(*options, &err);
	return json_get_text(*options, "execute_command", "");
}

#define QUIET                                                                       \
	"& { if (Test-Path variable:global:ProgressPreference){set-variable -name " \
	"variable:global:ProgressPreference -value 'SilentlyContinue'};"
#define CALL ". {{.Vars}}; &'{{.Path}}'; exit $LastExitCode }"

static void fills_in_commands(void)
{
	autojson struct json *usual = NULL, *bare = NULL, *own = NULL;

	CHECK_TEXT(execute_command_of("{}", &usual),
		"powershell -executionpolicy bypass \"" QUIET CALL "\"", "PowerShell's command");
	CHECK_TEXT(execute_command_of("{\"execution_policy\":\"none\",\"debug_mode\":2}", &bare),
		QUIET "Set-PsDebug -Trace 2;" CALL, "without a policy, and traced");
	CHECK_TEXT(execute_command_of("{\"execute_command\":\"x\"}", &own), "x",
		"or what the template says");
}

static void says_what_is_not_built(void)
{
	autojson struct json *plain = parse("{}"), *disabled = parse("{\"disable\":true}"),
			     *elevated = parse("{\"elevated_user\":\"x\"}");

	CHECK(plugin_provisioner_breakpoint.unsupported(plain) &&
			!plugin_provisioner_breakpoint.unsupported(disabled),
		"a breakpoint must be disabled");
	CHECK(plugin_provisioner_powershell.unsupported(elevated) &&
			!plugin_provisioner_powershell.unsupported(plain),
		"nobody is elevated");
}

int main(void)
{
	writes_inventories();
	requires("- src: x\n", true, false);
	requires("---\nroles:\n- src: x\n", true, false);
	requires("collections:\n- name: x\n", false, true);
	requires("roles: []\ncollections:\n- name: x\n", true, true);
	requires("- src: x # not\n  collections: y\n", true, false);
	reaches_hosts();
	speaks_powershell();
	fills_in_commands();
	says_what_is_not_built();
	return check_done();
}
