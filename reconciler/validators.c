/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/validators.h"

#include <regex.h>
#include <string.h>

#include "base/duration.h"
#include "base/nearest.h"

static enum reason_kind invalid(struct error *err)
{
	err->kind = ERROR_CATALOG;
	return REASON_INVALID;
}

static bool check_timeout(const struct json *entry, struct error *err)
{
	int64_t sec;

	if (!json_has(entry, "timeout") ||
		duration_parse(json_get_text(entry, "timeout", ""), &sec) == 0)
		return true;
	error_set(err, ERROR_CATALOG, "timeout must be a duration: 90s, 15m, 24h or 30d");
	return false;
}

static bool check_inline(const struct json *entry, struct error *err)
{
	const struct json *commands = json_get(entry, "inline");

	for (size_t i = 0; i < json_count(commands); i++)
		if (json_kind(json_item(commands, i)) != JSON_TEXT)
			commands = NULL;
	if (json_kind(commands) == JSON_LIST && json_count(commands))
		return true;
	error_set(err, ERROR_CATALOG, "inline must be a list of commands");
	return false;
}

static enum reason_kind check_commands(const struct json *entry, struct error *err)
{
	return check_timeout(entry, err) && check_inline(entry, err) ? REASON_NONE : invalid(err);
}

/* As the worker uses it (backends/qemu/boot_check.c). */
static bool check_pattern(const struct json *entry, const char *key, struct error *err)
{
	const char *pattern = json_get_text(entry, key, "");
	regex_t regex;
	char why[128];

	if (!json_has(entry, key))
		return true;
	if (!*pattern) {
		error_set(err, ERROR_CATALOG, "%s must be a regular expression", key);
		return false;
	}
	int code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	if (code == 0) {
		regfree(&regex);
		return true;
	}
	regerror(code, &regex, why, sizeof(why));
	error_set(err, ERROR_CATALOG, "%s: '%s' is no regular expression: %s", key, pattern, why);
	return false;
}

static bool check_number(
	const struct json *entry, const char *key, int64_t least, int64_t most, struct error *err)
{
	int64_t number = json_get_integer(entry, key, -1);

	if (!json_has(entry, key) || (number >= least && number <= most))
		return true;
	error_set(err, ERROR_CATALOG, "%s must be a number from %lld to %lld", key,
		(long long)least, (long long)most);
	return false;
}

static enum reason_kind check_boot(const struct json *entry, struct error *err)
{
	if (!check_timeout(entry, err) || !check_pattern(entry, "serial", err) ||
		!check_pattern(entry, "expect", err) ||
		!check_number(entry, "port", 1, 65535, err) ||
		!check_number(entry, "memory", 10, 1 << 24, err) ||
		!check_number(entry, "cpus", 1, 255, err) ||
		(json_has(entry, "inline") && !check_inline(entry, err)))
		return invalid(err);
	if (!json_has(entry, "expect") || json_has(entry, "inline"))
		return REASON_NONE;
	error_set(err, ERROR_CATALOG,
		"expect is about what inline's commands say (serial has a pattern of its own)");
	return invalid(err);
}

static enum reason_kind check_checksum(const struct json *entry, struct error *err)
{
	const char *sum = json_get_text(entry, "sha256", "");

	if (strlen(sum) == 64 && strspn(sum, "0123456789abcdefABCDEF") == 64)
		return REASON_NONE;
	error_set(err, ERROR_CATALOG, "sha256 must be 64 hexadecimal digits");
	return invalid(err);
}

static const struct {
	const char *type;
	const char *const *keys; /* beside type */
	enum reason_kind (*check)(const struct json *entry, struct error *err);
} validators[] = {
	{"run", (const char *const[]){"inline", "timeout", NULL}, check_commands},
	{"checksum", (const char *const[]){"sha256", "file", NULL}, check_checksum},
	{"shell-local", (const char *const[]){"inline", "timeout", NULL}, check_commands},
	{"boot",
		(const char *const[]){
			"timeout", "serial", "port", "inline", "expect", "memory", "cpus", NULL},
		check_boot},
};
enum { VALIDATOR_COUNT = sizeof(validators) / sizeof(*validators) };

static enum reason_kind check_keys(
	const struct json *entry, const char *const *keys, struct error *err)
{
	size_t count = 0;

	while (keys[count])
		count++;
	json_each_member (member, entry) {
		size_t k = 0;
		while (k < count && strcmp(keys[k], member.key) != 0)
			k++;
		if (k < count || strcmp(member.key, "type") == 0)
			continue;
		const char *near = nearest_name(member.key, keys, count);
		error_set(err, ERROR_CATALOG, "unknown key %s%s%s%s", member.key,
			near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
		return invalid(err);
	}
	return REASON_NONE;
}

enum reason_kind validator_check(const struct json *entry, struct error *err)
{
	const char *names[VALIDATOR_COUNT];
	const char *type = json_get_text(entry, "type", NULL);

	if (!type) {
		error_set(err, ERROR_CATALOG, "must be an object with a type");
		return invalid(err);
	}
	for (size_t i = 0; i < VALIDATOR_COUNT; i++) {
		names[i] = validators[i].type;
		if (strcmp(validators[i].type, type) != 0)
			continue;
		enum reason_kind kind = check_keys(entry, validators[i].keys, err);
		return kind != REASON_NONE ? kind : validators[i].check(entry, err);
	}
	const char *near = nearest_name(type, names, VALIDATOR_COUNT);
	error_set(err, ERROR_CATALOG, "there is no validator %s%s%s%s", type,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	return invalid(err);
}
