/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct vagrant_options, member)

static const struct plugin_option own[] = {
	{"compression_level", OPTION_INTEGER, .offset = OPTION_NOT_DECODED,
		.help = "1 fast to 9 small; 0: a plain tar; not given: the usual"},
	{"include", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING, AT(include),
		.help = "more files for the box"},
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true,
		.fallback = "packer_{{ .BuildName }}_{{.Provider}}.box", AT(output),
		.help = "the box to write"},
	{"override", OPTION_BLOCK, PATH_OVERRIDE, .offset = OPTION_NOT_DECODED,
		.help = "options of its own for a provider: {PROVIDER: {...}}"},
	{"vagrantfile_template", OPTION_TEXT, PATH_FILE, AT(vagrantfile_template),
		.help = "what the box's Vagrantfile ends with; {{.Provider}}, {{.BuildName}} and "
			"{{.ArtifactId}} in it are filled in"},
	{"vagrantfile_template_generated", OPTION_BOOL, .offset = OPTION_NOT_DECODED,
		.help = "that file is made by the build"},
	{"provider_override", OPTION_TEXT, .offset = OPTION_NOT_DECODED,
		.help = "the provider, where the artifact does not say it: libvirt, virtualbox, "
			"vmware, lxc, docker"},
	{0},
};

static const struct plugin_rule rules[] = {
	{RULE_CHOICE, "provider_override",
		"aws|azure|digitalocean|docker|google|hyperv|libvirt|lxc|parallels|scaleway|"
		"virtualbox|vmware"},
	{0},
};
static const char *const native_providers[] = {
	"docker", "libvirt", "lxc", "virtualbox", "vmware", NULL};

static bool is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* A level of 0 is not no level. */
static void decide(const struct json *raw, struct json *options)
{
	json_each_member (member, raw)
		if (text_equal_case(member.key, "compression_level") && member.value &&
			!json_has(options, "compression_level"))
			json_set_integer(options, "compression_level", 0);
}

static bool is_level(const struct json *level)
{
	int64_t number = json_integer(level, -1);

	return number >= -3 && number <= 9;
}

/* Packer decodes these strictly, and does not mind what it does not know. */
static int check_overridden(const char *name, const struct json *value, struct error *err)
{
	const struct plugin_option *option =
		plugin_find_option(&plugin_post_processor_vagrant, name);
	enum json_kind kind = json_kind(value);

	if (!option || !value || (option->type == OPTION_TEXT && kind == JSON_TEXT) ||
		(option->type == OPTION_TEXTS && kind == JSON_LIST) ||
		(option->type == OPTION_BOOL && kind == JSON_BOOL) ||
		(option->type == OPTION_INTEGER && kind == JSON_INTEGER) ||
		option->type == OPTION_BLOCK)
		return 0;
	return fail(err, ERROR_CATALOG, "%s must be %s, not %s", name,
		option_type_name(option->type), json_kind_name(kind));
}

static int check_override(const struct json *override, struct error *err)
{
	json_each_member (provider, override) {
		if (json_kind(provider.value) != JSON_OBJECT)
			return fail(err, ERROR_CATALOG, "override: %s must be an object, not %s",
				provider.key, json_kind_name(json_kind(provider.value)));
		json_each_member (member, provider.value)
			if (check_overridden(member.key, member.value, err) < 0)
				return fail_while(err, "override: %s", provider.key);
	}
	return 0;
}

static int check(struct json *options, struct error *err)
{
	return check_override(json_get(options, "override"), err);
}

static const char *unsupported(const struct json *options)
{
	const char *provider = json_get_text(options, "provider_override", "");
	bool levels = is_level(json_get(options, "compression_level"));

	json_each_member (member, json_get(options, "override"))
		levels &= is_level(json_get(member.value, "compression_level"));
	if (!levels) /* Packer finds out when it compresses */
		return "compression_level: there are the levels 0 to 9";
	return *provider && !is_among(native_providers, provider)
	               ? "kiln builds boxes for libvirt, virtualbox, vmware, lxc and docker"
	               : NULL;
}

static bool reads(const struct json *options, const struct plugin_option *option)
{
	return strcmp(option->name, "vagrantfile_template") != 0 ||
	       !json_get_boolean(options, "vagrantfile_template_generated", false);
}

const struct plugin plugin_post_processor_vagrant = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vagrant",
	.native = true,
	.renders_files = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.decide = decide,
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.check = check,
	.unsupported = unsupported,
	.reads = reads,
	.size = sizeof(struct vagrant_options),
	.help = "a box for Vagrant of the artifact",
};
