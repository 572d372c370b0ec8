/* SPDX-License-Identifier: Apache-2.0 */
/* The fixers that are more than new names. */
#include "reconciler/template/fix_rule.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "base/strings.h"
#include "base/text.h"

/* The text of an option, NULL if it is none. */
static const char *option_text(const struct json *part, const char *key)
{
	return json_get_text(part, key, NULL);
}

static struct json *take(struct json *part, const char *key)
{
	struct json *value = json_copy(json_get(part, key));

	json_remove(part, key);
	return value;
}

/* Puts the members of OTHERS, each with its value, into OBJECT. */
static void add_members(struct json *object, const struct json *others)
{
	json_each_member (member, others)
		json_set(object, member.key, json_copy(member.value));
}

/* ---- builders ---- */

int fix_iso_md5(struct fixing *fixing, struct json *builder)
{
	(void)fixing;
	if (!option_text(builder, "iso_md5"))
		return 0;
	json_set(builder, "iso_checksum", take(builder, "iso_md5"));
	json_set_text(builder, "iso_checksum_type", "md5");
	return 0;
}

/* Where AT begins with {{.CreateTime}}, how long that is; else 0. */
static size_t create_time_length(const char *at)
{
	static const char spaces[] = " \t\n\f\r", name[] = ".CreateTime";
	const char *start = at;

	if (!text_starts_with(at, "{{"))
		return 0;
	at += 2;
	at += strspn(at, spaces);
	if (!text_starts_with(at, name))
		return 0;
	at += sizeof(name) - 1;
	at += strspn(at, spaces);
	return text_starts_with(at, "}}") ? at + 2 - start : 0;
}

int fix_create_time(struct fixing *fixing, struct json *builder)
{
	static const char *const keys[] = {"ami_name", "bundle_prefix", "snapshot_name"};

	(void)fixing;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		CLEANUP(text_clear) struct text text = {0};
		const char *at = option_text(builder, keys[i]);
		for (; at && *at;) {
			size_t length = create_time_length(at);
			if (length)
				text_add(&text, "{{timestamp}}");
			else
				text_add_char(&text, *at);
			at += length ? length : 1;
		}
		if (at)
			json_set_text(builder, keys[i], text_get(&text));
	}
	return 0;
}

int fix_guest_additions(struct fixing *fixing, struct json *builder)
{
	struct json *attach = json_get(builder, "guest_additions_attach");

	(void)fixing;
	if (json_kind(attach) != JSON_BOOL)
		return 0;
	json_set_text(
		builder, "guest_additions_mode", json_boolean(attach, false) ? "attach" : "upload");
	json_remove(builder, "guest_additions_attach");
	return 0;
}

int fix_private_ip(struct fixing *fixing, struct json *builder)
{
	static const char key[] = "ssh_private_ip";
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	struct json *value = json_get(builder, key);
	const char *text = json_text(value, NULL);
	int private = json_kind(value) == JSON_BOOL ? json_boolean(value, false) : -1;

	if (json_has(builder, "ssh_interface") || !json_has(builder, key))
		return 0;
	for (size_t i = 0; text && i < sizeof(yes) / sizeof(*yes); i++)
	private = strcmp(text, yes[i]) == 0 ? 1 : strcmp(text, no[i]) == 0 ? 0 : private;
	if (private < 0)
		return fix_fail(fixing, builder, key, "%s must be true or false", key);
	json_remove(builder, key);
	json_set_text(builder, "ssh_interface", private ? "private_ip" : "public_ip");
	return 0;
}

int fix_source_cidr(struct fixing *fixing, struct json *builder)
{
	static const char key[] = "temporary_security_group_source_cidr";

	(void)fixing;
	if (!option_text(builder, key))
		return 0;
	struct json *list = json_new_list();
	json_add(list, take(builder, key));
	json_set(builder, "temporary_security_group_source_cidrs", list);
	return 0;
}

int fix_compaction(struct fixing *fixing, struct json *builder)
{
	const char *remote = option_text(builder, "remote_type");

	(void)fixing;
	if (!remote || strcmp(remote, "esx5") != 0)
		return 0;
	if (!json_has(builder, "disk_type_id"))
		json_set_text(builder, "disk_type_id", "zeroedthick");
	const char *disk = option_text(builder, "disk_type_id");
	if (!disk || strcmp(disk, "thin") == 0)
		return 0;
	if (!json_has(builder, "skip_compaction") ||
		json_kind(json_get(builder, "skip_compaction")) == JSON_BOOL)
		json_set_bool(builder, "skip_compaction", true);
	return 0;
}

static struct json *with_resource_name(const char *text)
{
	static const char *const old[] = {"clean_image_name", "clean_ami_name"};
	CLEANUP(text_clear) struct text fixed = {0};

	while (*text) {
		size_t length = 0;
		for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++)
			if (text_starts_with(text, old[i]))
				length = strlen(old[i]);
		if (length)
			text_add(&fixed, "clean_resource_name");
		else
			text_add_char(&fixed, *text);
		text += length ? length : 1;
	}
	return json_new_text(text_get(&fixed));
}

/* In every text of OBJECT; its objects are kept, and with INSIDE fixed too. */
static void fix_names(struct json *object, bool inside)
{
	CLEANUP(strings_clear) struct strings keys = {0};

	json_each_member (member, object)
		strings_add(&keys, member.key);
	strings_each (key, &keys) {
		struct json *value = json_get(object, key);
		if (json_kind(value) == JSON_TEXT)
			json_set(object, key, with_resource_name(json_text(value, "")));
		else if (inside && json_kind(value) == JSON_OBJECT)
			fix_names(value, false);
	}
}

int fix_image_name(struct fixing *fixing, struct json *builder)
{
	struct json *labels = json_get(builder, "image_labels");

	if (json_has(builder, "image_labels") && json_kind(labels) != JSON_TEXT &&
		json_kind(labels) != JSON_OBJECT)
		return fix_fail(fixing, builder, "image_labels",
			"image_labels must be an object of texts, not %s",
			json_kind_name(json_kind(labels)));
	fix_names(builder, true);
	return 0;
}

int fix_disk_size(struct fixing *fixing, struct json *builder)
{
	struct json *value = json_get(builder, "disk_size");
	double size = json_real(value, 0);
	CLEANUP(text_clear) struct text text = {0};

	(void)fixing;
	if (json_kind(value) != JSON_INTEGER && json_kind(value) != JSON_REAL)
		return 0;
	text_addf(&text, "%" PRId64 "M", real_to_integer(size));
	json_set_text(builder, "disk_size", text_get(&text));
	return 0;
}

struct move {
	const char *from, *to;
};

/* Makes of options of BUILDER the first object of a list of objects. */
static int move_into_list(
	struct fixing *fixing, struct json *builder, const struct move *moves, const char *list_key)
{
	autojson struct json *first = json_new_object();

	for (; moves->from; moves++)
		if (json_has(builder, moves->from))
			json_set(first, moves->to, take(builder, moves->from));
	if (!json_count(first))
		return 0;
	struct json *old = json_get(builder, list_key), *list;
	if (json_has(builder, list_key) && json_kind(old) != JSON_LIST)
		return fix_fail(fixing, builder, list_key, "%s must be a list, not %s", list_key,
			json_kind_name(json_kind(old)));
	list = json_new_list();
	json_add(list, TAKE(first));
	for (size_t i = 0; i < json_count(old); i++)
		json_add(list, json_copy(json_item(old, i)));
	json_set(builder, list_key, list);
	return 0;
}

int fix_network_disk(struct fixing *fixing, struct json *builder)
{
	static const struct move network[] = {{"network", "network"},
		{"networkCard", "network_card"}, {"network_card", "network_card"}, {0}};
	static const struct move disk[] = {{"disk_size", "disk_size"},
		{"disk_thin_provisioned", "disk_thin_provisioned"},
		{"disk_eagerly_scrub", "disk_eagerly_scrub"}, {0}};

	if (move_into_list(fixing, builder, network, "network_adapters") < 0)
		return -1;
	return move_into_list(fixing, builder, disk, "storage");
}

int fix_checksum(struct fixing *fixing, struct json *builder)
{
	autojson struct json *url = take(builder, "iso_checksum_url");
	autojson struct json *type = take(builder, "iso_checksum_type");
	const char *checksum = json_get_text(builder, "iso_checksum", "");
	CLEANUP(text_clear) struct text text = {0};

	(void)fixing;
	if (!*checksum && !*json_text(url, ""))
		return 0;
	if (*json_text(url, ""))
		text_addf(&text, "file:%s", json_text(url, ""));
	else if (*json_text(type, ""))
		text_addf(&text, "%s:%s", json_text(type, ""), checksum);
	else
		text_add(&text, checksum);
	json_set_text(builder, "iso_checksum", text_get(&text));
	return 0;
}

int fix_exclude_from_latest(struct fixing *fixing, struct json *builder)
{
	struct json *destination = json_get(builder, "shared_image_destination");

	(void)fixing;
	if (json_has(destination, "exlude_from_latest"))
		json_set(destination, "exclude_from_latest",
			take(destination, "exlude_from_latest"));
	return 0;
}

/* ---- provisioners ---- */

/* What Packer takes for a map: an object, or a list of them one after the other. -1 if it is neither. */
static int merge(const struct json *value, struct json *merged)
{
	if (json_kind(value) == JSON_OBJECT)
		add_members(merged, value);
	else if (json_kind(value) == JSON_LIST)
		for (size_t i = 0; i < json_count(value); i++)
			if (merge(json_item(value, i), merged) < 0)
				return -1;
	return value && json_kind(value) != JSON_OBJECT && json_kind(value) != JSON_LIST ? -1 : 0;
}

int fix_virtualbox_override(struct fixing *fixing, struct json *provisioner)
{
	autojson struct json *override = json_new_object();

	if (merge(json_get(provisioner, "override"), override) < 0)
		return fix_fail(fixing, provisioner, "override",
			"override must be an object: builder name to options");
	if (!json_has(override, "virtualbox"))
		return 0;
	json_set(override, "virtualbox-iso", take(override, "virtualbox"));
	json_set(provisioner, "override", TAKE(override));
	return 0;
}

static struct json *without_escapes(const char *text)
{
	CLEANUP(text_clear) struct text plain = {0};

	for (; *text; text++) {
		if (*text == '`' && text[1] && strchr("$\"`'", text[1]))
			text++;
		text_add_char(&plain, *text);
	}
	return json_new_text(text_get(&plain));
}

static bool is_list_of_texts(const struct json *value)
{
	for (size_t i = 0; i < json_count(value); i++)
		if (json_item(value, i) && json_kind(json_item(value, i)) != JSON_TEXT)
			return false;
	return !value || json_kind(value) == JSON_LIST;
}

int fix_powershell_escapes(struct fixing *fixing, struct json *provisioner)
{
	static const char *const keys[] = {"elevated_user", "elevated_password"};
	struct json *variables = json_get(provisioner, "environment_vars");

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_has(provisioner, keys[i]) && !option_text(provisioner, keys[i]))
			return fix_fail(fixing, provisioner, keys[i], "%s must be text", keys[i]);
	/* one part that does not fit, and Packer leaves the whole as it is */
	if (!is_list_of_texts(variables))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_has(provisioner, keys[i]))
			json_set(provisioner, keys[i],
				without_escapes(option_text(provisioner, keys[i])));
	if (!json_has(provisioner, "environment_vars"))
		return 0;
	struct json *list = json_new_list();
	for (size_t i = 0; i < json_count(variables); i++)
		json_add(list, without_escapes(json_text(json_item(variables, i), "")));
	json_set(provisioner, "environment_vars", list);
	return 0;
}

/* ---- post-processors ---- */

int fix_vagrant_override(struct fixing *fixing, struct json *post_processor)
{
	static const char *const providers[] = {"aws", "digitalocean", "virtualbox", "vmware"};
	autojson struct json *override = json_new_object();

	(void)fixing;
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
		if (json_has(post_processor, providers[i]))
			json_set(override, providers[i], take(post_processor, providers[i]));
	if (json_count(override))
		json_set(post_processor, "override", TAKE(override));
	return 0;
}

static int remove_login_email(struct fixing *fixing, struct json *part)
{
	(void)fixing;
	json_remove(part, "login_email");
	return 0;
}

/* As in Packer, builders only where there are post-processors. */
int fix_login_email(struct fixing *fixing)
{
	struct json *builders = json_get(fixing->root, "builders");

	if (!json_get(fixing->root, "post-processors"))
		return 0;
	for (size_t i = 0; i < json_count(builders); i++)
		remove_login_email(fixing, json_item(builders, i));
	return fix_each_post_processor(fixing, remove_login_email);
}

/* What Go's strings.TrimSpace takes for a space. */
static bool is_space(unsigned rune)
{
	return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xA0 ||
	       rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 ||
	       rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

static void add_trimmed(struct strings *tags, const char *tag)
{
	const char *first = NULL, *behind = tag;
	size_t length;

	for (const char *at = tag; *at; at += length) {
		if (is_space(text_read_rune(at, strlen(at), &length)))
			continue;
		first = first ? first : at;
		behind = at + length;
	}
	first = first ? first : tag;
	autofree char *trimmed = strndup(first, behind > first ? behind - first : 0);
	strings_add_once(tags, trimmed);
}

static int add_tags(
	struct fixing *fixing, struct json *post_processor, const char *key, struct strings *tags)
{
	struct json *value = json_get(post_processor, key);
	CLEANUP(strings_clear) struct strings pieces = {0};

	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++) {
		const char *tag = json_text(json_item(value, i), NULL);
		if (!tag)
			return fix_fail(
				fixing, post_processor, key, "%s must be a list of texts", key);
		strings_add_once(tags, tag);
	}
	if (json_kind(value) == JSON_TEXT)
		strings_split(&pieces, json_text(value, ""), ',');
	strings_each (piece, &pieces)
		add_trimmed(tags, piece);
	return 0;
}

int fix_docker_tags(struct fixing *fixing, struct json *post_processor)
{
	CLEANUP(strings_clear) struct strings tags = {0};

	if (add_tags(fixing, post_processor, "tag", &tags) < 0 ||
		add_tags(fixing, post_processor, "tags", &tags) < 0)
		return -1;
	struct json *list = json_new_list();
	strings_each (tag, &tags)
		json_add_text(list, tag);
	json_remove(post_processor, "tag");
	json_set(post_processor, "tags", list);
	return 0;
}
